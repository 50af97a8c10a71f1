"""The table's place in README.md: between two markers, which a person has put where the table belongs."""

from __future__ import annotations

from pathlib import Path

from tools.places import Refusal, shown

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def write_between_markers(path: Path, text: str) -> None:
    """Replace what stands between the markers. Raises `Refusal`, with the file untouched, where they are not there once each and in order."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    head, begin, rest = before.partition(BEGIN)
    _old, end, tail = rest.partition(END)
    if not (begin and end) or before.count(BEGIN) > 1 or before.count(END) > 1:
        raise Refusal(f"{shown(path)} has no place for the table: it needs the lines {BEGIN} and {END}, once each.")
    path.write_text(f"{head}{BEGIN}\n{text.strip()}\n{END}{tail}", encoding="utf-8")
