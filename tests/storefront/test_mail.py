"""A mail server at its border: a few lines of SMTP on loopback, which says what the test wants."""

import base64
import socketserver
import threading
from email import message_from_bytes, policy
from email.message import Message

import pytest

from storefront.adapters.mail import Mail
from storefront.errors import MessagePermanent, MessageTemporary, MessengerRefusesUs

GOOD = {"AUTH": "235 welcome", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "END": "250 taken"}


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Session)
        self.says: dict[str, str] = dict(GOOD)
        self.heard: list[str] = []
        self.letters: list[Message] = []


class Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self):
        server = self.server
        self.say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            server.heard.append(line)
            if word == "QUIT":
                return self.say("221 bye")
            if word == "EHLO":
                self.say("250-mail.example\r\n250 AUTH PLAIN")
            elif word == "DATA":
                self.say(server.says["DATA"])
                server.letters.append(self.read_letter())
                self.say(server.says["END"])
            else:
                self.say(server.says.get(word, "250 ok"))
        return None

    def read_letter(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def server():
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def send(server, user="shop:an%20invented%20word@"):
    port = server.server_address[1]
    mail = Mail(url=f"smtp://{user}127.0.0.1:{port}", sender="Shop <shop@store.example>", subject="Ваш код")
    return mail.send(to="olena@mail.example", text="123456 — ваш код")


def test_a_letter_arrives_as_it_was_written_and_has_a_number(server):
    number = send(server)
    (letter,) = server.letters
    assert (letter["To"], letter["Subject"], letter["Message-ID"]) == ("olena@mail.example", "Ваш код", number)
    assert number.endswith("@store.example>")
    assert letter.get_content().strip() == "123456 — ваш код"
    sent = next(line.split(" ")[2] for line in server.heard if line.startswith("AUTH PLAIN"))
    assert base64.b64decode(sent) == b"\0shop\0an invented word"


@pytest.mark.parametrize(
    ("word", "said", "error"),
    [
        ("RCPT", "550 nobody here", MessagePermanent),
        ("RCPT", "450 strangers wait", MessageTemporary),
        ("AUTH", "535 wrong word", MessengerRefusesUs),
        ("AUTH", "454 not now", MessageTemporary),
        ("MAIL", "550 not your name", MessengerRefusesUs),
        ("MAIL", "452 full", MessageTemporary),
        ("END", "451 try later", MessageTemporary),
    ],
)
def test_what_the_server_refuses_is_told_apart(server, word, said, error):
    server.says[word] = said
    with pytest.raises(error) as raised:
        send(server)
    assert type(raised.value) is error
    assert "olena" not in str(raised.value)


def test_a_server_that_is_not_there_may_be_there_later(server):
    port = server.server_address[1]
    server.shutdown()
    server.server_close()
    with pytest.raises(MessageTemporary):
        Mail(url=f"smtp://127.0.0.1:{port}", sender="shop@store.example", subject="x").send(
            to="a@mail.example", text="x"
        )
