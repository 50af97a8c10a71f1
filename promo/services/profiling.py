"""The panel profile in use: versions, newest last, none ever edited. What a profile means is the adapter's matter; here it is text with a history."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput, Conflict
from promo.models import ProfileVersion


def profile_in_use() -> dict[str, Any] | None:
    """The newest version's text, or None where nobody has saved one: then the adapter's observed defaults hold."""
    newest = ProfileVersion.objects.order_by("-pk").values_list("text", flat=True).first()
    return dict(newest) if newest is not None else None


def save_profile(*, text: dict[str, Any], actor: str, reason: str, now: dt.datetime) -> ProfileVersion:
    """Put a profile into use. The caller has had it read by the adapter, which knows what is wrong with one.

    Raises BadInput `reason_missing`, Conflict `profile_version_taken`.
    """
    reason = reason.strip()
    if not reason:
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    version = str(text.get("version", ""))
    try:
        with transaction.atomic():
            return ProfileVersion.objects.create(
                text=json.loads(json.dumps(text)), version=version, actor=actor, reason=reason[:300], created_at=now
            )
    except IntegrityError as error:
        raise Conflict(
            _("There is a profile %(version)s already: give the new one a name of its own.") % {"version": version},
            code="profile_version_taken",
        ) from error


def go_back_to(*, version_id: int, actor: str, reason: str, now: dt.datetime) -> ProfileVersion:
    """Put an old version's text into use again, as a new version."""
    old = ProfileVersion.objects.get(pk=version_id)
    text = {**old.text, "version": f"{old.version}-{ProfileVersion.objects.count() + 1}"}
    return save_profile(text=text, actor=actor, reason=reason, now=now)
