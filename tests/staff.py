"""A member of staff in front of a browser, for tests of staff pages: signed in with exactly these permissions, reading pages as text."""

import re
from html import unescape
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from tests.factories import make_staff


def sign_in(client: Client, *permissions: str, language: str = "en") -> Client:
    """Somebody new, with these permissions and no others, who reads this language."""
    client.force_login(make_staff(permissions))
    client.cookies["portal_language"] = language
    return client


def text_of(answer: Any) -> str:
    """What stands on a page: one line, without tags, styles and scripts; no-break spaces as spaces."""
    content = re.sub(r"<(style|script|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).replace("\xa0", " ").split())


def read(client: Client, address: str = "/admin/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return text_of(answer)


def messages_of(answer: Any) -> list[str]:
    """What the answer tells on the next page."""
    return [str(message) for message in get_messages(answer.wsgi_request)]
