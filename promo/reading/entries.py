"""What a file of codes comes to: entries, empty amounts, counts, problems; and what each of them must look like."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple, Protocol

from django.utils.translation import gettext as _

from bonusportal.errors import BadInput
from bonusportal.money import parse_amount
from promo.models.codes import normalise_code

# No spaces and no signs that a keyboard, a spreadsheet or a messenger adds by itself. Six: anything shorter is a number
# that slipped into the column.
_CODE = re.compile(r"[\w.\-]{6,50}")


class ByteFile(Protocol):
    """What is asked of a file: an open one, bytes in memory, or an upload."""

    def read(self, size: int = ..., /) -> bytes: ...
    def readline(self, size: int = ..., /) -> bytes: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def tell(self) -> int: ...


class Entry(NamedTuple):
    """A code as it stands in a file. `item` is the line, or in JSON the position in its amount's list; both count from 1."""

    amount_uah: int
    code: str
    item: int
    valid_until: dt.date | None = None


class EmptyAmount(NamedTuple):
    """An amount that is listed without a code: it ran out."""

    amount_uah: int


class Count(NamedTuple):
    """So many codes of the amount were issued since it was last refilled."""

    amount_uah: int
    issued: int


class Problem(NamedTuple):
    """What is wrong, and where. `word` is for machines. A fatal one means that the rest of the file cannot be read."""

    word: str
    place: str
    sentence: str
    is_fatal: bool = False


class FileBroken(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(word)
        self.word = word
        self.sentence = sentence


def place_in_list(amount_uah: int, item: int) -> str:
    return _("amount %(amount)d, item %(item)d") % {"amount": amount_uah, "item": item}


def place_in_lines(line: int) -> str:
    return _("line %(line)d") % {"line": line}


# A line, the item of an amount's list, or words. Put into words only for a problem: a million good lines need none.
Place = int | tuple[int, int] | str


def in_words(place: Place) -> str:
    if isinstance(place, str):
        return place
    return place_in_lines(place) if isinstance(place, int) else place_in_list(*place)


def amount_or_problem(text: str, *, place: Place) -> int | Problem:
    try:
        return parse_amount(text)
    except BadInput as refused:
        return Problem("amount_invalid", in_words(place), str(refused))


def code_or_problem(text: str, *, place: Place) -> str | Problem:
    code = normalise_code(text)
    if _CODE.fullmatch(code):
        return code
    sentence = _("A code has 6 to 50 letters, digits, dots or dashes, and nothing else.")
    return Problem("code_invalid", in_words(place), sentence)
