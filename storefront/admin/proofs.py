"""Proofs of phones: for whoever has somebody on the line whose digits did not come. Never the digits."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonusportal.masking import mask_phone
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin
from storefront.models import Proof, ProofState

_COLOURS = {ProofState.SENT: "success", ProofState.NOT_SENT: "danger", ProofState.SENDING: "warning"}


@admin.register(Proof)
class ProofAdmin(EndlessAdmin):
    list_display = ["asked_at", "phone_shown", "channel", "state_badge", "why_shown", "tries", "used_at", "address"]
    list_display_links = None
    list_filter = [("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    allowed_lookups = frozenset({"state__exact"})
    ordering = ["-id"]
    sortable_by: list[str] = []
    list_before_template = "storefront/doors_head.html"

    @admin.display(description=_("phone"))
    def phone_shown(self, proof: Proof) -> str:
        return mask_phone(proof.phone)

    @admin.display(description=_("state"))
    def state_badge(self, proof: Proof) -> SafeString:
        return draw_badge(proof.get_state_display(), _COLOURS.get(ProofState(proof.state), ""))

    @admin.display(description=_("why not"))
    def why_shown(self, proof: Proof) -> str:
        return str(proof.get_why_display()) if proof.why else "—"
