"""Files of codes as streams: the predecessor's two documents, CSV, and what a person pasted. Pure: no rows, no settings, no clock.

Whatever a file holds, a reader yields entries and problems and raises nothing. It holds one entry at a time, so the size of a file does not matter.
A code belongs to the amount it is listed under; the amount is never read out of the code's letters, because the random part may begin with digits.
"""

from __future__ import annotations

import codecs
import contextlib
import enum

from promo.reading.documents import read_codes_json, read_counts_json, walk
from promo.reading.entries import (
    ByteFile,
    Count,
    EmptyAmount,
    Entry,
    FileBroken,
    Problem,
    place_in_lines,
    place_in_list,
)
from promo.reading.lines import read_codes_csv, read_pasted

__all__ = [
    "ByteFile",
    "Count",
    "EmptyAmount",
    "Entry",
    "Format",
    "Problem",
    "place_in_lines",
    "place_in_list",
    "read_codes_csv",
    "read_codes_json",
    "read_counts_json",
    "read_pasted",
    "sniff_format",
]

_HEAD_BYTES = 4096


class Format(enum.StrEnum):
    JSON = "json"
    CSV = "csv"
    COUNTS = "counts"


def sniff_format(file: ByteFile) -> Format:
    """Which of the formats a file has, from its beginning. Leaves the file at its start; says CSV or JSON where it is neither, and the reader reports."""
    head = file.read(_HEAD_BYTES).removeprefix(codecs.BOM_UTF8).lstrip()
    file.seek(0)
    if not head.startswith(b"{"):
        return Format.CSV
    is_metadata = True
    with contextlib.suppress(FileBroken):
        for depth, event, value in walk(file):
            if depth != 1:
                continue
            if event == "map_key":
                is_metadata = value.startswith("_")
            elif not is_metadata:
                file.seek(0)
                return Format.COUNTS if event == "number" else Format.JSON
    file.seek(0)
    return Format.JSON
