"""A mail server, by SMTP."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import unquote, urlsplit

from storefront.errors import MessagePermanent, MessageTemporary, MessengerRefusesUs

TIMEOUT_SECONDS = 15


class Mail:
    """`url` is smtp://user:password@host:587 (STARTTLS where the server offers it) or smtps://… (TLS from the beginning)."""

    def __init__(self, *, url: str, sender: str, subject: str) -> None:
        self._url, self._sender, self._subject = urlsplit(url), sender, subject

    def send(self, *, to: str, text: str) -> str:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, to, self._subject
        letter["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2] or None)
        letter.set_content(text)
        try:
            with self._connect() as server:
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise MessagePermanent(type(error).__name__) from error
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as error:
            raise MessengerRefusesUs(type(error).__name__) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MessageTemporary(type(error).__name__) from error
        return str(letter["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or "localhost"
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self._url.port or 465, timeout=TIMEOUT_SECONDS)
        else:
            server = smtplib.SMTP(host, self._url.port or 587, timeout=TIMEOUT_SECONDS)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls()
        if self._url.username:
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server
