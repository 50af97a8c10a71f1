"""Codes line by line: CSV, and what a person pasted."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import itertools
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from promo.reading.entries import (
    ByteFile,
    Entry,
    FileBroken,
    Problem,
    amount_or_problem,
    code_or_problem,
    place_in_lines,
)

MAX_LINE_BYTES = 8192
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_PANEL_DAY = re.compile(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", re.ASCII)


class _Lines:
    """The lines of a file, each of bounded length. `is_cut` after a line without a line break: more of it may be missing."""

    def __init__(self, file: ByteFile) -> None:
        self._file = file
        self.is_cut = False

    def __iter__(self) -> Iterator[str]:
        # Decoded line by line: a text stream decodes ahead, and would report what is wrong some hundred lines early.
        start = codecs.BOM_UTF8
        while raw := self._file.readline(MAX_LINE_BYTES):
            self.is_cut = not raw.endswith(b"\n")
            if self.is_cut and len(raw) == MAX_LINE_BYTES:
                raise FileBroken(
                    "line_too_long", _("The line is longer than %(most)d bytes.") % {"most": MAX_LINE_BYTES}
                )
            try:
                yield raw.removeprefix(start).decode()
            except UnicodeDecodeError as error:
                sentence = _("The line is not UTF-8 text. Save the file as “CSV UTF-8”.")
                raise FileBroken("not_utf8", sentence) from error
            start = b""


def read_codes_csv(file: ByteFile, *, earliest_last_day: dt.date) -> Iterator[Entry | Problem]:
    """A header `code,amount` or `code,amount,valid_until` in any order, then a code per line; comma or semicolon, with or without BOM and quotes.

    Codes whose last day is before `earliest_last_day` are problems: they would never be handed out.
    """
    lines = _Lines(file)
    line = 0
    try:
        stream = iter(lines)
        first = next(stream, "")
        rows = csv.reader(
            itertools.chain([first], stream), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
        )
        columns = _read_header(next(rows, []))
        line = rows.line_num
        for row in rows:
            line = rows.line_num
            if not any(cell.strip() for cell in row):
                continue
            # A line that was cut in its last cell would put a code of 100 into the pool of 10.
            if lines.is_cut:
                yield Problem(
                    "last_line_open",
                    place_in_lines(line),
                    _("The last line does not end with a line break: the file may have been cut off here."),
                )
            else:
                yield _read_row(row, columns, line, earliest_last_day)
    except FileBroken as broken:
        yield Problem(broken.word, place_in_lines(line + 1), broken.sentence, True)
    except csv.Error:
        sentence = _("The quotes of what follows do not match, or a cell is far too long.")
        yield Problem("csv_invalid", place_in_lines(line + 1), sentence, True)


_COLUMNS = {"code", "amount", "valid_until"}


def _read_header(row: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in row]
    # A column that we do not know might say "used": passing over it would take used codes in.
    if len(set(columns)) != len(columns) or not {"code", "amount"} <= set(columns) <= _COLUMNS:
        sentence = _("The first line must name the columns: code,amount or code,amount,valid_until.")
        raise FileBroken("header_invalid", sentence)
    return columns


def _read_row(row: list[str], columns: list[str], line: int, earliest_last_day: dt.date) -> Entry | Problem:
    if len(row) != len(columns):
        counted = {"found": len(row), "expected": len(columns)}
        return Problem(
            "row_width", place_in_lines(line), _("The line has %(found)d cells instead of %(expected)d.") % counted
        )
    cells = dict(zip(columns, row, strict=True))
    amount = amount_or_problem(cells["amount"].strip(), place=line)
    if isinstance(amount, Problem):
        return amount
    code = code_or_problem(cells["code"], place=line)
    if isinstance(code, Problem):
        return code
    day = cells.get("valid_until", "").strip()
    if not day:
        return Entry(amount, code, line)
    last_day = _read_day(day)
    if last_day is None:
        return Problem("day_invalid", place_in_lines(line), _("The last day must look like 2027-03-14 or 14.03.2027."))
    if last_day < earliest_last_day:
        return Problem("day_past", place_in_lines(line), _("The code's last day is past or too near."))
    return Entry(amount, code, line, last_day)


def _read_day(text: str) -> dt.date | None:
    if found := _ISO_DAY.fullmatch(text):
        year, month, day = found.groups()
    elif found := _PANEL_DAY.fullmatch(text):
        day, month, year = found.groups()
    else:
        return None
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_pasted(text: str, *, amount_uah: int) -> Iterator[Entry | Problem]:
    """One code per line; empty lines are passed over."""
    for line, words in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if words.strip():
            code = code_or_problem(words, place=line)
            yield code if isinstance(code, Problem) else Entry(amount_uah, code, line)
