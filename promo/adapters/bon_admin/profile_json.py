"""Reading a profile from JSON and finding what is wrong with one. Knows dataclasses of texts, lists of texts, numbers and nothing of the panel.

Every problem is named with its path (`grid.columns.code`), all of them at once: a person edits the profile by hand.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from django.utils.translation import gettext as _

# Playwright's own selector language does not work inside the page; a profile that used it would half work.
_NOT_CSS = re.compile(r">>|^(?:text|xpath|css|role|id)=|:has-text\(|:text\(|^//")
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_MAX_TEXT = 600
_MAX_WAIT_SECONDS = 300.0


class ProfileInvalid(ValueError):
    """The profile cannot be used. `problems` is one line for each thing to correct, beginning with the path of the field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclasses.dataclass(frozen=True, slots=True)
class Problems:
    found: tuple[str, ...]

    def raise_if_any(self) -> None:
        if self.found:
            raise ProfileInvalid(list(self.found))


def build(cls: type[Any], text: str | Mapping[str, Any]) -> Any:
    """An instance of a dataclass from JSON. Raises ProfileInvalid for text that is no JSON object, unknown keys, and wrong kinds of values."""
    if isinstance(text, str):
        try:
            raw = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ProfileInvalid([_("not JSON: %(error)s") % {"error": error}]) from None
    else:
        raw = text
    problems: list[str] = []
    built = _object(cls, raw, "", problems)
    if problems:
        raise ProfileInvalid(problems)
    return built


def _object(cls: Any, raw: Any, path: str, problems: list[str]) -> Any:
    if not isinstance(raw, Mapping):
        problems.append(_("%(where)s: an object is expected, found %(found)s") % _here(path or "profile", raw))
        return None
    hints = get_type_hints(cls)
    values = {}
    for key, value in raw.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            problems.append(
                _("%(where)s: unknown; is %(near)s meant?") % {"where": where, "near": near[0]}
                if near
                else _("%(where)s: unknown") % {"where": where}
            )
            continue
        values[key] = _value(hints[key], value, where, problems)
    # Checks of the values themselves would only repeat what is already wrong.
    return None if problems else cls(**values)


def _value(hint: Any, value: Any, where: str, problems: list[str]) -> Any:
    if dataclasses.is_dataclass(hint):
        return _object(hint, value, where, problems)
    if hint is str:
        if not isinstance(value, str):
            problems.append(_("%(where)s: a text is expected, found %(found)s") % _here(where, value))
        return value
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(_("%(where)s: a number of seconds is expected, found %(found)s") % _here(where, value))
            return value
        return float(value)
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        problems.append(_("%(where)s: a list of texts is expected, found %(found)s") % _here(where, value))
        return value
    return tuple(value)


def _here(where: str, value: Any) -> dict[str, str]:
    return {"where": where, "found": _kind(value)}


def _kind(value: Any) -> str:
    names = {
        dict: _("an object"),
        list: _("a list"),
        str: _("a text"),
        bool: _("true or false"),
        int: _("a number"),
        float: _("a number"),
        type(None): _("nothing"),
    }
    return names.get(type(value), type(value).__name__)


def problems_of(profile: Any) -> Problems:
    """What would make this profile fail later, on the panel: blank or non-CSS selectors, words in both lists, waits out of bounds."""
    found: list[str] = []
    _look(profile, "", found)
    both = {word.casefold() for word in profile.words.active} & {word.casefold() for word in profile.words.inactive}
    if both:
        found.append(_("words: %(words)s cannot mean both active and inactive") % {"words": ", ".join(sorted(both))})
    found += [
        _("%(where)s: at least one word is needed") % {"where": f"words.{name}"}
        for name in ("active", "inactive")
        if not getattr(profile.words, name)
    ]
    for name in ("code", "amount", "status"):
        column = getattr(profile.grid, name)
        if not column.header_id and not column.header_texts:
            found.append(_("%(where)s: a header id or a header text is needed") % {"where": f"grid.{name}"})
    if not _IDENTIFIER.fullmatch(profile.removal.function):
        found.append(_("%(where)s: the name of one function of the page is expected") % {"where": "removal.function"})
    if len(profile.version) > 64:
        found.append(_("%(where)s: at most %(most)d characters") % {"where": "version", "most": 64})
    return Problems(tuple(found))


def _look(part: Any, path: str, found: list[str]) -> None:
    for one in dataclasses.fields(part):
        value = getattr(part, one.name)
        where = f"{path}.{one.name}" if path else one.name
        if dataclasses.is_dataclass(value):
            _look(value, where, found)
        elif isinstance(value, int | float):
            if not 0 < value <= _MAX_WAIT_SECONDS:  # also refuses NaN
                found.append(
                    _("%(where)s: between 0 and %(most)d seconds, not %(value)s")
                    % {"where": where, "most": _MAX_WAIT_SECONDS, "value": value}
                )
        else:
            texts = value if isinstance(value, tuple) else (value,)
            _look_at_texts(
                texts, where, found, blank_ok=bool(one.metadata.get("optional") or one.metadata.get("blanks"))
            )


def _look_at_texts(texts: tuple[str, ...], where: str, found: list[str], *, blank_ok: bool) -> None:
    for text in texts:
        if not text.strip() and not blank_ok:
            found.append(_("%(where)s: must not be blank") % {"where": where})
        if len(text) > _MAX_TEXT:
            found.append(_("%(where)s: longer than %(most)d characters") % {"where": where, "most": _MAX_TEXT})
        if not where.startswith("words.") and _NOT_CSS.search(text):
            found.append(_("%(where)s: plain CSS is expected, found %(text)r") % {"where": where, "text": text[:60]})
