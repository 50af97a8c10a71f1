"""What is kept of secrets: the name of a proof, the digits, a phone that tried. Keyed where the secret is so short that it could be guessed."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def digest_of_name(name: str) -> str:
    """Names are long and random: a plain digest is enough."""
    return hashlib.sha256(name.encode()).hexdigest()


def digest_of_phone(phone: str) -> str:
    return salted_hmac("storefront.phone", phone, algorithm="sha256").hexdigest()


def digest_of_digits(proof_digest: str, digits: str, *, key: str | None = None) -> str:
    """Different for every proof."""
    return salted_hmac("storefront.digits", f"{proof_digest}:{digits}", secret=key, algorithm="sha256").hexdigest()


def are_the_digits(proof_digest: str, digits: str, expected: str) -> bool:
    """Compared under every key, always: the time tells neither which key it was nor whether there is anything to match."""
    is_right = False
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        is_right |= constant_time_compare(digest_of_digits(proof_digest, digits, key=key), expected)
    return is_right
