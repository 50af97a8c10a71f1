"""The journal: lots, issues, unmet demand, publications. To look at only."""

from __future__ import annotations

from functools import partial

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bonusportal.masking import mask_phone
from promo.admin.codes import AmountFilter
from promo.admin.drawing import draw_badge
from promo.admin.mirror import show_drift
from promo.admin.read_only import EndlessAdmin, ReadOnlyAdmin
from promo.admin.wording import CODE_COLOURS
from promo.models import Code, Demand, Issue, Lot, Publication


@admin.register(Issue)
class IssueAdmin(EndlessAdmin):
    """Who was handed what. Phones are masked; a person's codes are found by the box on the stock board."""

    list_display = ["code_shown", "amount", "channel", "phone_shown", "order_number", "issued_at"]
    list_filter = [("channel", ChoicesDropdownFilter), AmountFilter]
    list_filter_submit = True
    fetched_after = ("code__pool", "pool")
    list_before_template = "promo/find.html"
    sortable_by: list[str] = []
    fields = [
        "code_link",
        "amount",
        "channel",
        "phone_shown",
        "order_number",
        "caller_address",
        "request_shown",
        "actor",
        "issued_at",
    ]

    @admin.display(description=_("code"))
    def code_shown(self, issue: Issue) -> str:
        return f"{issue.code.masked} №{issue.code_id}"

    @admin.display(description=_("code"))
    def code_link(self, issue: Issue) -> SafeString:
        return format_html(
            '<a class="pb-link" href="{}">{}</a>',
            reverse("admin:promo_code_change", args=[issue.code_id]),
            self.code_shown(issue),
        )

    @admin.display(description=_("amount"))
    def amount(self, issue: Issue) -> str:
        return str(issue.pool)

    @admin.display(description=_("phone"))
    def phone_shown(self, issue: Issue) -> str:
        return mask_phone(issue.phone) if issue.phone else "—"

    @admin.display(description=_("request"))
    def request_shown(self, issue: Issue) -> str:
        return issue.request_id or "—"


@admin.register(Lot)
class LotAdmin(EndlessAdmin):
    """Where codes came from."""

    list_display = ["number", "source", "name", "actor", "created_at"]
    list_filter = [("source", ChoicesDropdownFilter)]
    list_filter_submit = True
    sortable_by: list[str] = []
    fields = ["source", "name", "actor", "reason", "created_at", "run_link", "codes_now"]

    @admin.display(description="№")
    def number(self, lot: Lot) -> str:
        return f"№{lot.pk}"

    @admin.display(description=_("run"))
    def run_link(self, lot: Lot) -> SafeString | str:
        if lot.run_id is None:
            return "—"
        return format_html(
            '<a class="pb-link" href="{}">№{}</a>',
            reverse("admin:promo_replenishrun_change", args=[lot.run_id]),
            lot.run_id,
        )

    @admin.display(description=_("codes by state"))
    def codes_now(self, lot: Lot) -> SafeString | str:
        counted = Code.objects.filter(lot=lot).order_by().values_list("state").annotate(n=Count("pk"))
        names = dict(Code._meta.get_field("state").flatchoices)
        badges = [draw_badge(f"{names.get(state, state)} {n}", CODE_COLOURS.get(state, "")) for state, n in counted]
        return format_html("{} " * len(badges), *badges) if badges else "—"


@admin.register(Demand)
class DemandAdmin(ReadOnlyAdmin):
    """Amounts that were asked for in vain."""

    list_display = ["amount", "day", "misses"]
    fields = ["amount", "day", "misses"]

    @admin.display(description=_("amount"), ordering="amount_uah")
    def amount(self, demand: Demand) -> str:
        return str(_("%(amount)d UAH") % {"amount": demand.amount_uah})


@admin.register(Publication)
class PublicationAdmin(ReadOnlyAdmin):
    """What the bucket was told, revision by revision. The codes listed are live: shown as numbers only."""

    list_display = ["revision_shown", "planned_at", "put_badge", "foreign_added", "foreign_removed"]
    sortable_by: list[str] = []
    fields = ["revision", "planned_at", "put_badge", "foreign_added", "foreign_removed", "digest", "listed_counts"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Publication]:
        # The document itself may hold hundreds of thousands of codes; a list needs none of them.
        queryset: QuerySet[Publication] = super().get_queryset(request)
        return queryset.defer("listed")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [path("compare/", wrap(partial(_compare, self)), name="promo_mirror"), *super().get_urls()]

    @admin.display(description=_("revision"))
    def revision_shown(self, publication: Publication) -> str:
        return str(publication)

    @admin.display(description=_("written at"))
    def put_badge(self, publication: Publication) -> SafeString | str:
        at = publication.put_at
        return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else draw_badge(_("not written"), "warning")

    @admin.display(description=_("codes listed"))
    def listed_counts(self, publication: Publication) -> str:
        counts = sorted(
            (int(amount), len(codes)) for amount, codes in publication.listed.items() if str(amount).isdigit()
        )
        if not counts:
            return "—"
        shown = ", ".join(f"{amount}: {n}" for amount, n in counts[:200])
        return shown + (" …" if len(counts) > 200 else "")


def _compare(page: PublicationAdmin, request: HttpRequest) -> HttpResponse:
    return show_drift(request, page.admin_site)
