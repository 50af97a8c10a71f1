"""Refusals by day, reason and address."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from promo.admin.read_only import EndlessAdmin, ListOnly
from promo.admin.wording import COUNTERS, name_counter
from storefront.models import Refusal
from storefront.services.refusing import ELSEWHERE

_PREFIX = "refused."
REASONS = {
    word.removeprefix(_PREFIX): sentence
    for word, sentence in COUNTERS.items()
    if word.startswith(_PREFIX) and ".rate." not in word
}


class ReasonFilter(DropdownFilter):  # type: ignore[misc]
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: object, model_admin: object) -> list[tuple[str, str]]:
        return [(word, str(sentence)) for word, sentence in REASONS.items()]

    def queryset(self, request: object, queryset):  # type: ignore[no-untyped-def]
        return queryset.filter(reason=self.value()) if self.value() in REASONS else queryset


@admin.register(Refusal)
class RefusalAdmin(ListOnly, EndlessAdmin):
    list_display = ["day", "reason_shown", "address_shown", "count", "last_at"]
    list_filter = [ReasonFilter]
    list_filter_submit = True
    ordering = ["-day", "-count", "-id"]
    sortable_by: list[str] = []
    list_before_template = "storefront/doors_head.html"

    @admin.display(description=_("reason"))
    def reason_shown(self, refusal: Refusal) -> str:
        return name_counter(_PREFIX + refusal.reason)

    @admin.display(description=_("address"))
    def address_shown(self, refusal: Refusal) -> str:
        return str(_("all others together")) if refusal.address == ELSEWHERE else refusal.address
