"""How the widgets look in the shop: choose, go back to an earlier choice, switch off and on. Every choice is a new version with who, when and why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from bonusportal.jsonbody import check_text
from storefront.configuration import (
    BACKGROUNDS,
    LANGUAGES,
    THEMES,
    Look,
    contrast,
    is_colour,
    newest_version,
    texts_of,
    versions,
)
from storefront.models import WidgetLook

# What an interface's parts need to stand out from what is around them; text on the accent is chosen by the portal and always reads well.
LEAST_CONTRAST = 3.0
LONGEST_TEXT = 120
_PLACEHOLDER = re.compile(r"\{\w+\}")


class LookInvalid(BadInput):
    code = "look_invalid"


def look_in_use() -> Look:
    """The newest choice; without any, the newest scripts in their own colours."""
    newest = WidgetLook.objects.first()
    if newest is None:
        return Look(version=newest_version())
    return as_look(newest)


def as_look(row: WidgetLook) -> Look:
    # A version whose files are gone (an old database behind a new package) would break pages that could work.
    version = row.version if row.version in versions() else newest_version()
    return Look(
        version=version,
        accent=row.accent,
        theme=row.theme,
        shows_hint=row.shows_hint,
        is_off=row.is_off,
        texts=row.texts,
    )


def choose(
    *,
    version: str,
    accent: str,
    theme: str,
    shows_hint: bool,
    texts: Mapping[str, Mapping[str, str]],
    actor: str,
    reason: str,
    now: dt.datetime,
) -> WidgetLook:
    """Put a choice into use; pages that are loaded from now on show it. Whether we are switched off stays as it is. Raises LookInvalid."""
    accent = accent.strip().lower()
    _require_scripts(version)
    if theme not in THEMES:
        raise LookInvalid(_("Light or dark: %(theme)s is neither.") % {"theme": theme})
    if not is_colour(accent):
        raise LookInvalid(_("A colour is written like #0f766e."))
    if theme != "dark" and contrast(accent, BACKGROUNDS["light"]) < LEAST_CONTRAST:
        raise LookInvalid(_("This accent can hardly be seen on white. Choose a darker one."))
    if theme != "light" and contrast(accent, BACKGROUNDS["dark"]) < LEAST_CONTRAST:
        raise LookInvalid(
            _("This accent can hardly be seen on a dark page. Choose a lighter one, or have the widgets always light.")
        )
    kept = _clean_texts(texts, version)
    with transaction.atomic():
        is_off = look_in_use().is_off
        return _keep(
            version=version, accent=accent, theme=theme, shows_hint=shows_hint, texts=kept, is_off=is_off, actor=actor, reason=reason, now=now
        )  # fmt: skip


def go_back_to(*, look_id: int, actor: str, reason: str, now: dt.datetime) -> WidgetLook:
    """Put an earlier choice into use again, as a new version and as it was: who goes back is in a hurry, and rules may have become stricter since.

    Raises WidgetLook.DoesNotExist, LookInvalid.
    """
    old = WidgetLook.objects.get(pk=look_id)
    _require_scripts(old.version)
    with transaction.atomic():
        return _keep(
            version=old.version, accent=old.accent, theme=old.theme, shows_hint=old.shows_hint, texts=old.texts, is_off=look_in_use().is_off,
            actor=actor, reason=reason, now=now,
        )  # fmt: skip


def switch(*, is_off: bool, actor: str, reason: str, now: dt.datetime) -> bool:
    """Off: pages loaded from now on show nothing of ours, and open ones stop before their next step. False where it was so already. Raises LookInvalid."""
    with transaction.atomic():
        look = look_in_use()
        if look.is_off == is_off:
            return False
        _keep(
            version=look.version, accent=look.accent, theme=look.theme, shows_hint=look.shows_hint, texts=dict(look.texts), is_off=is_off,
            actor=actor, reason=reason, now=now,
        )  # fmt: skip
    return True


def _require_scripts(version: str) -> None:
    if version not in versions():
        raise LookInvalid(_("There are no scripts of version %(version)s.") % {"version": version})


def _keep(*, reason: str, now: dt.datetime, **chosen: Any) -> WidgetLook:
    if not reason.strip():
        raise LookInvalid(_("Say why: a reason is required."), code="reason_missing")
    return WidgetLook.objects.create(**chosen, reason=reason.strip()[:300], created_at=now)


def _clean_texts(texts: Mapping[str, Mapping[str, str]], version: str) -> dict[str, dict[str, str]]:
    """Only texts that the version has, in languages that it speaks, with the placeholders of the text that is replaced."""
    known = {f"{part}.{name}": by_language for part, group in texts_of(version).items() for name, by_language in group.items()}  # fmt: skip
    kept: dict[str, dict[str, str]] = {}
    for language, replaced in texts.items():
        for name, given in replaced.items():
            if language not in LANGUAGES or name not in known:
                raise LookInvalid(
                    _("There is no text %(name)s in %(language)s.") % {"name": name, "language": language}
                )
            text = " ".join(given.split())
            check_text({name: text})
            if len(text) > LONGEST_TEXT:
                raise LookInvalid(_("%(name)s is longer than %(length)d characters.") % {"name": name, "length": LONGEST_TEXT})  # fmt: skip
            if text:
                _check_placeholders(text, instead_of=known[name][language])
            if text and text != known[name][language]:
                kept.setdefault(language, {})[name] = text
    return kept


def _check_placeholders(text: str, *, instead_of: str) -> None:
    """Words in braces are filled in by the widget: one that it does not know would be a hole, and one that is gone is a number that nobody reads."""
    given, wanted = set(_PLACEHOLDER.findall(text)), set(_PLACEHOLDER.findall(instead_of))
    for placeholder in sorted(given - wanted):
        raise LookInvalid(
            _("“%(text)s” has nothing to fill in for %(placeholder)s.")
            % {"text": instead_of, "placeholder": placeholder}
        )
    for placeholder in sorted(wanted - given):
        raise LookInvalid(
            _("What stands instead of “%(text)s” has to contain %(placeholder)s.") % {"text": instead_of, "placeholder": placeholder}
        )  # fmt: skip
