"""What is encrypted at rest: the panel's session and evidence. Keys come from settings; the first encrypts, all decrypt, so keys rotate."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class CannotDecrypt(Exception):
    """Stored with a key that is no longer listed, or damaged."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # heavy: not on the web path

    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: bytes) -> bytes:
    return _box(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt(stored: bytes) -> bytes:
    """Raises CannotDecrypt."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(tuple(settings.FIELD_KEYS)).decrypt(bytes(stored))
    except InvalidToken as error:
        raise CannotDecrypt("encrypted with a key that is not in FIELD_KEYS, or damaged") from error


def reencrypt(stored: bytes) -> bytes:
    """The same content under the newest key. Raises CannotDecrypt."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(tuple(settings.FIELD_KEYS)).rotate(bytes(stored))
    except InvalidToken as error:
        raise CannotDecrypt("encrypted with a key that is not in FIELD_KEYS, or damaged") from error
