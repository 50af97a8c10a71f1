"""What may be shown of a code or a phone outside the page that is meant for it. Used by logs, lists and evidence."""

from __future__ import annotations

import re

_CODE_IN_TEXT = re.compile(r"\b(BON[0-9]{1,7})[A-Z0-9]{2,12}\b(?!•)", re.IGNORECASE)  # masked once is masked enough
_PHONE_IN_TEXT = re.compile(r"(?<![0-9])(\+?38\s?\(?0[0-9]{2})\)?[0-9\s().\-]{5,12}([0-9]{2})(?![0-9])")
_EMAIL_IN_TEXT = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+\-]*@([A-Za-z0-9.\-]+\.[A-Za-z]{2,})\b")


def mask_code(code: str, *, amount_uah: int | None = None) -> str:
    """`BON100••••`: brand and amount stay, the rest is hidden. With the amount given nothing of the random part can slip through."""
    if amount_uah is not None and code.upper().startswith(f"BON{amount_uah}"):
        return f"BON{amount_uah}••••"
    return f"{code[:3]}••••" if len(code) > 6 else "••••"


def mask_phone(phone: str) -> str:
    """`+38067•••••67`"""
    return f"{phone[:6]}•••••{phone[-2:]}" if len(phone) >= 10 else "••••"


def mask_text(text: str) -> str:
    """Hide codes, phones and e-mail addresses wherever they stand in a text."""
    # A code's random part may begin with digits, so the amount cannot be told from it: at most the first three digits stay.
    text = _CODE_IN_TEXT.sub(lambda found: f"{found.group(1)[:6]}••••", text)
    text = _PHONE_IN_TEXT.sub(lambda found: f"{found.group(1)}•••••{found.group(2)}", text)
    return _EMAIL_IN_TEXT.sub(lambda found: f"{found.group(1)}•••@{found.group(2)}", text)
