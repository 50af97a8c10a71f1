"""One function makes a phone number canonical. Every table, key and comparison uses its result, E.164 (`+380…`)."""

from __future__ import annotations

import re

from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput

_UKRAINIAN = re.compile(r"\+380[0-9]{9}", re.ASCII)
_TYPED = re.compile(r"[0-9+()\-\s.\u00a0\u2007\u202f\u2010-\u2015]{7,40}")


class PhoneInvalid(BadInput):
    code = "phone_invalid"

    def __init__(self) -> None:
        super().__init__(_("This is not a Ukrainian phone number."))


def normalise_phone(typed: str) -> str:
    """`067 123-45-67`, `+38 (067) …`, `380…`, `80…`, nine digits → `+380671234567`. Raises PhoneInvalid.

    A possible number is enough: numbering plans change faster than any library, and a shopper with a new prefix must not be refused.
    """
    import phonenumbers  # heavy: kept off the import path of every request

    if not _TYPED.fullmatch(typed.strip()):
        raise PhoneInvalid
    digits = re.sub(r"[^0-9]", "", typed)
    if len(digits) == 11 and digits.startswith("80"):
        digits = "3" + digits
    elif len(digits) == 14 and digits.startswith("00380"):
        digits = digits[2:]
    candidate = "+" + digits if digits.startswith("380") and len(digits) == 12 else digits
    try:
        number = phonenumbers.parse(candidate, "UA")
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid from error
    canonical = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(number) or not _UKRAINIAN.fullmatch(canonical):
        raise PhoneInvalid
    return canonical
