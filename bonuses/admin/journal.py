"""The journal of entries, to look at. Nobody writes one here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonuses.models import LedgerEntry
from promo.admin.read_only import EndlessAdmin


@admin.register(LedgerEntry)
class LedgerEntryAdmin(EndlessAdmin):
    list_display = ["number", "kind_shown", "points", "from_account", "to_account", "source", "effective_at", "actor"]
    list_filter = [("kind", ChoicesDropdownFilter)]
    list_filter_submit = True
    fetched_after = ("debit", "credit")
    ordering = ["-id"]
    sortable_by: list[str] = []
    fields = [
        "kind", "points", "from_account", "to_account", "source", "revision", "rule", "order", "actor", "reason_code", "note_shown",
        "effective_at", "recorded_at", "seal_shown", "draws_shown",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields

    @admin.display(description="№")
    def number(self, entry: LedgerEntry) -> str:
        return f"№{entry.pk}"

    @admin.display(description=_("kind"))
    def kind_shown(self, entry: LedgerEntry) -> str:
        return str(entry.get_kind_display())

    @admin.display(description=_("from"))
    def from_account(self, entry: LedgerEntry) -> str:
        return _name(entry.debit)

    @admin.display(description=_("to"))
    def to_account(self, entry: LedgerEntry) -> str:
        return _name(entry.credit)

    @admin.display(description=_("note"))
    def note_shown(self, entry: LedgerEntry) -> str:
        return entry.note.text if hasattr(entry, "note") else "—"

    @admin.display(description=_("sealed"))
    def seal_shown(self, entry: LedgerEntry) -> str:
        return f"№{entry.seal.sequence} · {entry.seal.digest[:16]}…" if hasattr(entry, "seal") else "—"

    @admin.display(description=_("lots"))
    def draws_shown(self, entry: LedgerEntry) -> str:
        return (
            ", ".join(
                f"№{lot}: {points}" for lot, points in entry.draws.order_by("lot_id").values_list("lot_id", "points")
            )
            or "—"
        )


def _name(account: Any) -> str:
    kind = str(account.get_kind_display())
    return kind if account.customer_id is None else f"№{account.customer_id} · {kind}"
