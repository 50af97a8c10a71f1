"""A mail server, by SMTP."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from storefront.errors import MessagePermanent, MessageTemporary, MessengerRefusesUs

TIMEOUT_SECONDS = 15
_FINAL = 500


class Mail:
    """`url` is smtp://user:password@host:587 (STARTTLS where the server offers it) or smtps://… (TLS from the beginning)."""

    def __init__(self, *, url: str, sender: str, subject: str) -> None:
        self._url, self._sender, self._subject = urlsplit(url), sender, subject

    def send(self, *, to: str, text: str) -> str:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, to, self._subject
        letter["Message-ID"] = make_msgid(domain=parseaddr(self._sender)[1].rpartition("@")[2] or None)
        letter.set_content(text)
        try:
            with self._connect() as server:
                self._greet(server)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            # 4xx is "not now": many servers let strangers wait once.
            is_final = all(code >= _FINAL for code, _said in error.recipients.values())
            raise (MessagePermanent if is_final else MessageTemporary)(type(error).__name__) from error
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
            is_final = error.smtp_code >= _FINAL
            raise (MessengerRefusesUs if is_final else MessageTemporary)(type(error).__name__) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MessageTemporary(type(error).__name__) from error
        return str(letter["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=TIMEOUT_SECONDS)
        return smtplib.SMTP(host, self._url.port or 587, timeout=TIMEOUT_SECONDS)

    def _greet(self, server: smtplib.SMTP) -> None:
        """Apart from connecting, so that the line is closed when the server refuses us."""
        if self._url.scheme != "smtps":
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
