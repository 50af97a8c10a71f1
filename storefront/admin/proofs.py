"""Proofs of phones: for whoever has somebody on the line whose digits did not come. Never the digits."""

from __future__ import annotations

import datetime as dt

from django.contrib import admin
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonusportal.masking import mask_phone
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin, ListOnly
from storefront.models import Proof, ProofState

_COLOURS = {ProofState.SENT: "success", ProofState.NOT_SENT: "danger", ProofState.SENDING: "warning"}


def _short(moment: dt.datetime | None) -> str:
    """Eight columns leave no room for the name of a month."""
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else "—"


@admin.register(Proof)
class ProofAdmin(ListOnly, EndlessAdmin):
    list_display = [
        "asked_shown",
        "phone_shown",
        "channel_shown",
        "state_badge",
        "why_shown",
        "tries",
        "used_shown",
        "address",
    ]
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    ordering = ["-id"]
    sortable_by: list[str] = []
    list_before_template = "storefront/doors_head.html"

    @admin.display(description=_("asked"))
    def asked_shown(self, proof: Proof) -> str:
        return _short(proof.asked_at)

    @admin.display(description=_("proven at"))
    def used_shown(self, proof: Proof) -> str:
        return _short(proof.used_at)

    @admin.display(description=_("way"))
    def channel_shown(self, proof: Proof) -> str:
        return str(proof.get_channel_display())

    @admin.display(description=_("phone"))
    def phone_shown(self, proof: Proof) -> str:
        return mask_phone(proof.phone)

    @admin.display(description=_("state"))
    def state_badge(self, proof: Proof) -> SafeString:
        return draw_badge(proof.get_state_display(), _COLOURS.get(ProofState(proof.state), ""))

    @admin.display(description=_("why not"))
    def why_shown(self, proof: Proof) -> str:
        return str(proof.get_why_display()) if proof.why else "—"
