"""What of the ledger stands on the stock board until somebody has seen to it: the nightly verification's alarm, a proof that is not kept up."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils.translation import gettext as _

from bonuses.models import Anchor, Seal, Verification
from promo.admin.board import WATCHERS, Banner

VERIFIED_WITHIN = dt.timedelta(hours=50)  # one night may fail
ANCHORED_WITHIN = dt.timedelta(hours=1)  # six ticks


def find_banners(now: dt.datetime) -> list[Banner]:
    """The gravest first. A good verification takes the alarm of an earlier one away: the history was mended, or the alarm was false."""
    first = Seal.objects.order_by("sequence").first()
    if first is None:
        return []
    where = reverse("admin:bonuses_verification_changelist")
    newest = Verification.objects.exclude(finished_at=None).order_by("-pk").first()
    banners = []
    if newest is not None and newest.first_bad is not None:
        text = _("The ledger is not as it was sealed: the first bad entry is number %(n)d.") % {"n": newest.first_bad}
        hint = _("Somebody changed the history past the portal. Change nothing, and follow the runbook.")
        banners.append(Banner("danger", "gpp_bad", text, hint, newest.started_at, address=where))
    elif newest is not None and newest.finding:
        text = _("The ledger could not be verified: its anchors cannot be read.")
        banners.append(Banner("danger", "gpp_maybe", text, newest.finding, newest.started_at, address=where))
    last = newest.started_at if newest else first.sealed_at
    if now - last > VERIFIED_WITHIN:
        text = _("The ledger was not verified for two nights.")
        banners.append(
            Banner(
                "warning", "gpp_maybe", text, _("Is the scheduler running?"), last if newest else None, address=where
            )
        )
    if _is_anchoring_late(now):
        text = _("The ledger's head was not anchored for an hour.")
        banners.append(Banner("warning", "anchor", text, _("Does the bucket answer, and may the portal write there?")))
    return banners


def _is_anchoring_late(now: dt.datetime) -> bool:
    """Whether an entry that was sealed an hour ago is above the newest anchor."""
    anchored = Anchor.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    oldest = Seal.objects.filter(sequence__gt=anchored).order_by("sequence").values_list("sealed_at", flat=True).first()
    return oldest is not None and now - oldest > ANCHORED_WITHIN


WATCHERS.append(find_banners)
