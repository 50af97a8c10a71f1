"""The predecessor's two documents as streams. Keys that begin with `_` belong to tools and are passed over."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from promo.reading.entries import (
    ByteFile,
    Count,
    EmptyAmount,
    Entry,
    FileBroken,
    Problem,
    amount_or_problem,
    code_or_problem,
    place_in_list,
)

MAX_DEPTH = 64
MAX_COUNT = 1_000_000_000


def read_codes_json(file: ByteFile) -> Iterator[Entry | EmptyAmount | Problem]:
    """`{"100": ["BON…", …], "1500": [], "_metadata": {…}}`. Keys that begin with `_` belong to tools and are passed over."""
    amount: int | None = None
    item = 0
    seen: set[int] = set()
    where = _("at the beginning")
    try:
        for depth, event, value in walk(file):
            if depth == 2 and amount is not None and event not in _ENDS:
                item += 1
                if event != "string":
                    yield Problem("not_a_text", place_in_list(amount, item), _("A code must be a text in quotes."))
                else:
                    code = code_or_problem(value, place=(amount, item))
                    yield code if isinstance(code, Problem) else Entry(amount, code, item)
            elif depth != 1:
                continue
            elif event == "map_key":
                amount, item, where = None, 0, _shown_key(value)
                if not value.startswith("_"):
                    found = amount_or_problem(value, place=where)
                    if isinstance(found, Problem):
                        yield found
                    elif found in seen:
                        yield Problem(
                            "amount_twice", where, _("This amount is listed twice; only one list can be right.")
                        )
                    else:
                        amount = found
                        seen.add(found)
            elif event == "end_array":
                if amount is not None and item == 0:
                    yield EmptyAmount(amount)
            elif event not in {"start_array", "end_map"} and amount is not None:
                yield Problem("not_a_list", where, _("The codes of an amount must be a list."))
                amount = None
    except FileBroken as broken:
        yield Problem(broken.word, place_in_list(amount, item) if amount and item else where, broken.sentence, True)


def read_counts_json(file: ByteFile) -> Iterator[Count | Problem]:
    """`{"100": 5, "250": 1}`. Keys that begin with `_` belong to tools and are passed over."""
    amount: int | None = None
    seen: set[int] = set()
    where = _("at the beginning")
    try:
        for depth, event, value in walk(file):
            if depth != 1:
                continue
            if event == "map_key":
                amount, where = None, _shown_key(value)
                if not value.startswith("_"):
                    found = amount_or_problem(value, place=where)
                    if isinstance(found, Problem):
                        yield found
                    elif found in seen:
                        yield Problem(
                            "amount_twice", where, _("This amount is counted twice; only one count can be right.")
                        )
                    else:
                        amount = found
                        seen.add(found)
            elif amount is not None:
                if event == "number" and type(value) is int and 0 <= value <= MAX_COUNT:
                    yield Count(amount, value)
                else:
                    yield Problem("count_invalid", where, _("A count must be a whole number, zero or more."))
                amount = None
    except FileBroken as broken:
        yield Problem(broken.word, where, broken.sentence, True)


_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})


def walk(file: ByteFile) -> Iterator[tuple[int, str, Any]]:
    """The document's parts one by one, each with how deep it lies: 1 is inside the outermost object. Raises FileBroken."""
    import ijson  # type: ignore[import-untyped]  # only whoever imports a file pays for it

    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    depth = 0
    try:
        # Without use_float a number of some thousand digits makes the C parser raise SystemError.
        for event, value in ijson.basic_parse(file, use_float=True):
            if event in _ENDS:
                depth -= 1
            if depth == 0 and event not in {"start_map", "end_map"}:
                raise FileBroken(
                    "not_an_object", _("The file must hold one JSON object: amounts and what belongs to them.")
                )
            yield depth, event, value
            if event in _STARTS:
                depth += 1
                if depth > MAX_DEPTH:
                    raise FileBroken("too_deep", _("The file is nested too deeply."))
    # The parser's own message quotes the file, and so perhaps a code: it is not passed on.
    except ijson.JSONError as error:
        if "premature EOF" in str(error):
            raise FileBroken("cut_off", _("The file ends in the middle: it was cut off.")) from None
        raise FileBroken("json_invalid", _("What follows is not valid JSON.")) from None
    except (ValueError, ArithmeticError) as error:
        raise FileBroken("json_invalid", _("What follows is not valid JSON.")) from error


def _shown_key(key: str) -> str:
    return _("key %(key)s") % {"key": ascii(key[:40]) if not key.isprintable() else f"“{key[:40]}”"}
