"""Customers: the list with what each has, one page each, and what a person may do: adjust, merge, erase, export."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from bonuses.admin.forms import AdjustForm, EraseForm, MergeForm, StaffPhoneForm
from bonuses.admin.portrait import paint
from bonuses.admin.statement import show_statement
from bonuses.errors import CustomerUnknown
from bonuses.models import Account, Customer, StaffPhone
from bonuses.services import adjusting, customers, erasing, merging, reckoning
from bonusportal.errors import PortalError
from bonusportal.masking import mask_phone
from bonusportal.page_titles import PlainTitles
from promo.admin.asking import ask, require, say_outcome
from promo.admin.read_only import EndlessAdmin

VIEW = "bonuses.view_customer"
DEEDS = (
    ("statement", VIEW, _("Statement, past balance"), "receipt_long"),
    ("adjust", "bonuses.adjust_points", _("Adjust points"), "exposure"),
    ("merge", "bonuses.merge_customers", _("Merge"), "merge"),
    ("export", "bonuses.export_customer", _("Export"), "download"),
    ("erase", "bonuses.erase_customer", _("Erase"), "person_off"),
)


def _balance(kind: str) -> Subquery:
    return Subquery(Account.objects.filter(customer=OuterRef("pk"), kind=kind).values("balance")[:1])


@admin.register(Customer)
class CustomerAdmin(EndlessAdmin):
    list_display = ["number", "phone_shown", "name_shown", "available", "held", "owed", "created_at"]
    list_before_template = "bonuses/find.html"
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "bonuses/customer.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        rows: QuerySet[Customer] = super().get_queryset(request)
        return rows.annotate(points=_balance("available"), points_held=_balance("held"), points_owed=_balance("debt"))

    def get_fieldsets(self, request: HttpRequest, obj: Customer | None = None) -> list[Any]:
        return []  # the page is the customer's portrait

    @admin.display(description=_("customer"))
    def number(self, customer: Customer) -> str:
        return str(customer)

    @admin.display(description=_("phone"))
    def phone_shown(self, customer: Customer) -> str:
        return mask_phone(customer.phone) if customer.phone else "—"

    @admin.display(description=_("full name"))
    def name_shown(self, customer: Customer) -> str:
        return customer.name or "—"

    @admin.display(description=_("available"))
    def available(self, customer: Any) -> str:
        return f"{customer.points or 0}"

    @admin.display(description=_("held"))
    def held(self, customer: Any) -> str:
        return f"{customer.points_held or 0}"

    @admin.display(description=_("owed"))
    def owed(self, customer: Any) -> str:
        return f"{-(customer.points_owed or 0)}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("find/", wrap(partial(_find, self)), name="bonuses_find"),
            path("<int:customer_id>/statement/", wrap(partial(_statement, self)), name="bonuses_customer_statement"),
            path("<int:customer_id>/export/", wrap(export), name="bonuses_customer_export"),
            path("<int:customer_id>/adjust/", wrap(partial(_adjust, self)), name="bonuses_customer_adjust"),
            path("<int:customer_id>/merge/", wrap(partial(_merge, self)), name="bonuses_customer_merge"),
            path("<int:customer_id>/erase/", wrap(partial(_erase, self)), name="bonuses_customer_erase"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        customer = self.get_object(request, object_id)
        context = {**(extra_context or {}), "show_close": False}
        if customer is not None:
            deeds = [
                (name, title, icon, reverse(f"admin:bonuses_customer_{name}", args=[customer.pk]))
                for name, permission, title, icon in DEEDS
                if request.user.has_perm(permission)
                and (not customer.erased_at or name in {"statement", "adjust", "export"})
            ]
            context |= {
                "portrait": paint(customer, now=timezone.now()) | {"deeds": deeds},
                "title": gettext("Customer №%(id)d") % {"id": customer.pk},
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response


def _find(model_admin: CustomerAdmin, request: HttpRequest) -> HttpResponse:
    """A phone, an e-mail or an order's number leads to the customer. Asked by POST, so that nothing personal ends up in an address or a log."""
    require(request, VIEW)
    back = HttpResponseRedirect(reverse("admin:bonuses_customer_changelist"))
    if request.method != "POST":
        return back
    try:
        found = customers.find_people(request.POST.get("what", ""))
        if not found:
            raise CustomerUnknown
    except PortalError as error:
        messages.warning(request, str(error.message))
        return back
    if len(found) == 1:
        return HttpResponseRedirect(_page(found[0]))
    people = [
        (one, mask_phone(one.phone) if one.phone else "—")
        for one in model_admin.get_queryset(request).filter(pk__in=found)
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": gettext("Several customers were found"),
        "people": people,
    }
    return TemplateResponse(request, "bonuses/found.html", context)


def _statement(model_admin: CustomerAdmin, request: HttpRequest, customer_id: int) -> HttpResponse:
    return show_statement(request, model_admin.admin_site, customer_id, view=VIEW)


def export(request: HttpRequest, customer_id: int) -> HttpResponse:
    """All that is known of a person, as a file."""
    require(request, VIEW, "bonuses.export_customer")
    get_object_or_404(Customer, pk=customer_id)
    told = erasing.export_customer(customer_id=customer_id, now=timezone.now())
    response = HttpResponse(
        json.dumps(told, ensure_ascii=False, indent=2), content_type="application/json; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="customer-{customer_id}.json"'
    response["Cache-Control"] = "no-store"
    return response


def _page(customer_id: int) -> str:
    return reverse("admin:bonuses_customer_change", args=[customer_id])


def _ask_and_do(
    model_admin: CustomerAdmin,
    request: HttpRequest,
    customer_id: int,
    form: forms.Form,
    act: Callable[[dict[str, Any]], str],
    *,
    title: Promise,
    sentence: Promise,
    button: Promise,
    is_dangerous: bool = False,
) -> HttpResponse:
    customer = get_object_or_404(Customer, pk=customer_id)
    back = _page(customer_id)
    if request.method == "POST" and form.is_valid() and say_outcome(request, lambda: act(form.cleaned_data)):
        return HttpResponseRedirect(back)
    return ask(
        request, model_admin.admin_site, title=title, sentence=sentence, button=button, back=back, form=form, is_dangerous=is_dangerous,
        extra={"subject": " · ".join(filter(None, [str(customer), customer.name, _say_balance(customer)]))},
    )  # fmt: skip


def _say_balance(customer: Customer) -> str:
    found = reckoning.balance(customer.pk, now=timezone.now())
    return gettext("available: %(points)d") % {"points": found.available} + (
        f" · {gettext('owed')}: {found.owed}" if found.owed else ""
    )


def _adjust(model_admin: CustomerAdmin, request: HttpRequest, customer_id: int) -> HttpResponse:
    require(request, VIEW, "bonuses.adjust_points")
    user_id = request.user.pk
    assert user_id is not None

    def act(typed: dict[str, Any]) -> str:
        adjusting.adjust_points(customer_id=customer_id, user_id=user_id, now=timezone.now(), **typed)
        return gettext("The balance is adjusted.")

    return _ask_and_do(
        model_admin, request, customer_id, AdjustForm(request.POST or None), act, title=_("Adjust points"), button=_("Adjust"),
        sentence=_("The adjustment is an entry of its own, with your name and the reason. Added points live as long as those of an order."),
    )  # fmt: skip


def _merge(model_admin: CustomerAdmin, request: HttpRequest, customer_id: int) -> HttpResponse:
    actor = require(request, VIEW, "bonuses.merge_customers")

    def act(typed: dict[str, Any]) -> str:
        into_id = customers.find_customer(typed["into_phone"])
        if into_id is None:
            raise CustomerUnknown
        merging.merge_customers(from_id=customer_id, into_id=into_id, now=timezone.now(), actor=actor)
        return gettext("The two records are one now.")

    return _ask_and_do(
        model_admin, request, customer_id, MergeForm(request.POST or None), act, title=_("Merge into another customer"), button=_("Merge"),
        sentence=_("Points, holds and orders go on under the other record, with their dates. This cannot be taken back."), is_dangerous=True,
    )  # fmt: skip


def _erase(model_admin: CustomerAdmin, request: HttpRequest, customer_id: int) -> HttpResponse:
    require(request, VIEW, "bonuses.erase_customer")

    def act(_typed: dict[str, Any]) -> str:
        erasing.erase_customer(customer_id=customer_id, now=timezone.now())
        return gettext("Phone, e-mail, name and notes are forgotten. Remaining points run out by themselves.")

    return _ask_and_do(
        model_admin, request, customer_id, EraseForm(request.POST or None, customer_id=customer_id), act, title=_("Erase the person"),
        button=_("Erase"), is_dangerous=True,
        sentence=_("Phone, e-mail, name and notes are forgotten for good. The history of points stays, without the person."),
    )  # fmt: skip


@admin.register(StaffPhone)
class StaffPhoneAdmin(PlainTitles, ModelAdmin):  # type: ignore[misc]
    """Own phones of those who may adjust: kept by whoever keeps the people."""

    form = StaffPhoneForm
    list_display = ["user", "phone_shown"]
    fields = ["user", "phone"]

    @admin.display(description=_("phone"))
    def phone_shown(self, row: StaffPhone) -> str:
        return mask_phone(row.phone)
