"""The details of a run's steps in the reader's words: what the browser noted by machine names, and the expected beside the seen.

Selectors, titles and texts of the store's page have no other name and stay as they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Words = str | Promise

NAMES: dict[str, Words] = {
    "active": _("active"),
    "amount": _("amount"),
    "amount_uah": _("amount, UAH"),
    "attempt": _("attempt"),
    "chosen": _("chosen"),
    "code": _("code"),
    "filter_ignored": _("filter ignored"),
    "filtered": _("filter set"),
    "headers": _("all headers"),
    "http_status": _("HTTP status"),
    "kept": _("rows kept"),
    "kind": _("kind"),
    "lists": _("lists"),
    "missing": _("not found"),
    "none": _("“none” chosen"),
    "number": _("number"),
    "obeyed": _("filter obeyed"),
    "on_page": _("on page"),
    "options": _("options"),
    "other_amounts": _("rows of other amounts"),
    "page": _("page"),
    "page_size": _("rows a page"),
    "pages": _("pages"),
    "panel_moved": _("list loaded anew"),
    "read": _("rows read"),
    "readings": _("readings"),
    "recognised": _("recognised"),
    "rows": _("rows"),
    "rows_without_code": _("rows without a code"),
    "save": _("save button"),
    "saved_session": _("saved session"),
    "screen": _("screen"),
    "seen": _("on the screen"),
    "status": _("status"),
    "text": _("text"),
    "ticked": _("ticked"),
    "title": _("title"),
    "total": _("in all"),
    "unknown_amount": _("unknown amounts"),
    "unknown_date": _("unknown dates"),
    "unknown_status": _("unknown status words"),
    "validUntil": _("last day"),
    "valid_until": _("last day"),
    "wanted": _("wanted"),
}
# Screens as the browser tells them apart, and what else is said in one fixed word.
SAYINGS: dict[str, Words] = {
    "a list": _("a list"),
    "alive": _("alive"),
    "anti_bot": _("anti-bot page"),
    "broken": _("server error"),
    "captcha": _("captcha"),
    "dead": _("dead"),
    "elsewhere": _("an unknown page"),
    "form": _("form"),
    "gone": _("no such page"),
    "grid": _("list of codes"),
    "layout": _("an unknown page"),
    "loading": _("still loading"),
    "login": _("login page"),
    "maintenance": _("maintenance"),
    "not there": _("not there"),
    "second_factor": _("second factor"),
    "slow": _("still loading"),
    "session_lost": _("login page"),
}
# Where a saying stands. Elsewhere a text is the page's own, and may look like one by chance.
_SAID_IN = frozenset({"screen", "seen", "saved_session"})
# Counts of what should not be: worth a word only where there is any.
_TROUBLES = frozenset({"other_amounts", "rows_without_code", "unknown_amount", "unknown_date", "unknown_status"})


@dataclass(frozen=True, slots=True)
class Fact:
    """A detail of a step: its name and its value, as text."""

    name: str
    value: str
    differs: bool = False


def tell_facts(values: Mapping[str, Any]) -> list[Fact]:
    """The details of a step that say anything."""
    return [
        Fact(_name(name), _plain(name, value))
        for name, value in values.items()
        if value not in (None, "", [], {}) and not (name in _TROUBLES and value == 0)
    ]


def compare(values: Mapping[str, Any], others: Mapping[str, Any]) -> list[Fact]:
    """One side of a comparison: what both sides have first and in the alphabet's order, so that they stand level. A database keeps no order in JSON."""
    return [
        Fact(_name(name), _plain(name, value) or "—", differs=name in others and others[name] != value)
        for name, value in sorted(values.items(), key=lambda pair: (pair[0] not in others, pair[0]))
    ]


def _name(name: str) -> str:
    return str(NAMES.get(name, name.replace("_", " ")))


def _plain(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, dict):
        return ", ".join(f"{_name(inner)}: {_plain(inner, one)}" for inner, one in value.items())
    if isinstance(value, list):
        return "; ".join(_plain(name, one) for one in value)
    if name in _SAID_IN:
        return gettext(" or ").join(str(SAYINGS.get(word, word)) for word in str(value).split(" or "))
    if name == "valid_until":
        return _day(str(value))
    return str(SAYINGS[value]) if value in ("a list", "not there") else str(value)


def _day(text: str) -> str:
    """Steps are kept as JSON, a date in it as ISO writes it."""
    try:
        return date_format(dt.date.fromisoformat(text), "SHORT_DATE_FORMAT")
    except ValueError:
        return text
