"""What the panel's cells mean. Pure text in, value or None out.

Nothing here guesses: a cell that can be read in two ways is None (or UNKNOWN), because a wrong amount is money and a wrong
"inactive" is a deleted code. What words and formats the panel uses is in the profile and comes in as an argument.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence

from promo.ports import RowStatus

CURRENCY_WORDS = ("грн", "грн.", "₴", "uah")
DATE_FORMATS = ("%d.%m.%Y", "%Y-%m-%d")

# Spaces that separate thousands or pad cells, as seen in browsers: ordinary, no-break, thin, narrow no-break, figure.
_SPACES = " \t\r\n\u00a0\u2007\u2009\u202f"
# Invisible characters that survive a copy from a spreadsheet; they are no part of any code.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
_SPACE_RUN = re.compile(f"[{_SPACES}]+")

# [0-9], not \d: other scripts' digits are not how a shop writes money, and int() would take them. A leading zero is not money either.
_WHOLE = r"(?:0|[1-9][0-9]{0,6}|[1-9][0-9]{0,2}(?: [0-9]{3}){1,2})"
# One or two zeros are kopecks. Three digits after a sign may be thousands or thousandths: two readings, so none.
_AMOUNT = re.compile(rf"(?P<before>[^0-9]*?) ?(?P<whole>{_WHOLE})(?:[.,]0{{1,2}})? ?(?P<after>[^0-9]*)")
_TIME_OF_DAY = re.compile(r"[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_PAGER = re.compile(r"(?<![0-9])([0-9]{1,6}) ?(?:/|з|із|из|of) ?([0-9]{1,6})(?![0-9])")
_NUMBER = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?![0-9])|[0-9]{1,9}")


def clean_text(text: str) -> str:
    """The text with every run of spaces (no-break ones too) made one space, ends trimmed, invisible characters dropped."""
    return _SPACE_RUN.sub(" ", text.translate({ord(one): None for one in _INVISIBLE})).strip()


def clean_code(text: str) -> str:
    """The code without what surrounds it. Case stays as it is; spaces inside stay too, so that such a string never equals one of ours."""
    return clean_text(text)


def parse_amount(text: str, *, currency_words: Collection[str] = CURRENCY_WORDS) -> int | None:
    """Whole hryvnias, or None: a fraction, a per cent, another currency, two numbers, or anything else that is not plainly one amount.

    >>> parse_amount("100,00 ₴"), parse_amount("1 000 грн"), parse_amount("99,50 грн"), parse_amount("10 %")
    (100, 1000, None, None)
    """
    found = _AMOUNT.fullmatch(clean_text(text))
    if found is None:
        return None
    words = [word for word in (found["before"].strip(), found["after"].strip()) if word]
    known = {word.casefold() for word in currency_words}
    if len(words) > 1 or any(word.casefold() not in known for word in words):
        return None
    return int(found["whole"].replace(" ", ""))


def parse_status(text: str, *, active: Collection[str], inactive: Collection[str]) -> RowStatus:
    """The status by exact word (letter case aside). A sentence that merely contains a known word is UNKNOWN: "неактивний (…)" holds "активний"."""
    word = clean_text(text).casefold()
    is_active = word in {one.casefold() for one in active}
    is_inactive = word in {one.casefold() for one in inactive}
    if not word or is_active == is_inactive:
        return RowStatus.UNKNOWN
    return RowStatus.ACTIVE if is_active else RowStatus.INACTIVE


def parse_date(text: str, *, formats: Sequence[str] = DATE_FORMATS) -> dt.date | None:
    """The day in one of the known formats; a time of day after it is dropped. None when no format fits, or two give different days."""
    plain = clean_text(text)
    if not plain.isascii():
        return None
    tail = _TIME_OF_DAY.search(plain)
    if tail is not None and tail.end() == len(plain):
        plain = plain[: tail.start()]
    days = {day for day in (_day(plain, form) for form in formats) if day is not None}
    return days.pop() if len(days) == 1 else None


def _day(text: str, form: str) -> dt.date | None:
    try:
        day = dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
    # A validity date before 2000 is a misreading (year 0027, a Unix zero), not a date.
    return day if day.year >= 2000 else None


def parse_pager(text: str) -> tuple[int, int] | None:
    """(this page, pages in all) from "2 / 13" or "2 з 13"; None when the text says anything else or makes no sense."""
    found = _PAGER.search(clean_text(text))
    if found is None:
        return None
    page, pages = int(found[1]), int(found[2])
    return (page, pages) if 1 <= page <= pages else None


def parse_total(text: str) -> int | None:
    """How many rows the panel says it has, from "Всього: 253" or "1–20 із 2 000": the last number. None when there is none."""
    numbers = _NUMBER.findall(clean_text(text))
    return int(numbers[-1].replace(" ", "")) if numbers else None
