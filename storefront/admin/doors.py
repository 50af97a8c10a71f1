"""Doors: switch the storefront or a customer off and on, sign a customer out, lift a lockout. Every deed asks why and stays in the history."""

from __future__ import annotations

import ipaddress
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bonuses.errors import CustomerUnknown
from bonuses.services import customers
from bonusportal.errors import PortalError
from bonusportal.phones import normalise_phone
from promo.admin.asking import ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.read_only import EndlessAdmin, ListOnly, ReadOnlyAdmin
from storefront.models import Door, DoorAction, DoorChange
from storefront.services import doorkeeping

SWITCH = "storefront.switch_storefront"


def _text(**attributes: str | bool) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attributes})


class WhyForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"), max_length=300, widget=_text(), help_text=_("Kept with your name and the time.")
    )


class CustomerForm(WhyForm):
    phone = forms.CharField(label=_("Phone"), max_length=40, widget=_text(autofocus=True, inputmode="tel"))
    deed = forms.ChoiceField(
        label=_("What"),
        choices=[
            (DoorAction.CLOSED, _("switch off: no session, no message")),
            (DoorAction.OPENED, _("switch on")),
            (DoorAction.SIGNED_OUT, _("sign out everywhere")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["phone", "deed", "reason"]

    def clean_phone(self) -> str:
        return _clean_phone(self.cleaned_data["phone"])


class LiftForm(WhyForm):
    phone = forms.CharField(
        label=_("Phone"), max_length=40, required=False, widget=_text(autofocus=True, inputmode="tel")
    )
    address = forms.CharField(label=_("or address"), max_length=45, required=False, widget=_text())
    field_order = ["phone", "address", "reason"]

    def clean_phone(self) -> str:
        return _clean_phone(self.cleaned_data["phone"]) if self.cleaned_data["phone"] else ""

    def clean_address(self) -> str:
        typed = str(self.cleaned_data["address"]).strip()
        try:
            return str(ipaddress.ip_address(typed)) if typed else ""
        except ValueError as error:
            raise forms.ValidationError(_("This is not an address like 203.0.113.7.")) from error

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not (found.get("phone") or found.get("address")):
            self.add_error("phone", _("A phone or an address is needed."))
        return found


def _clean_phone(typed: str) -> str:
    try:
        return normalise_phone(typed)
    except PortalError as error:
        raise forms.ValidationError(str(error.message)) from error


@admin.register(Door)
class DoorAdmin(ListOnly, ReadOnlyAdmin):
    list_display = ["whose", "state", "revoked_at"]
    list_before_template = "storefront/doors_head.html"
    sortable_by: list[str] = []

    @admin.display(description=_("whose"))
    def whose(self, door: Door) -> str:
        return str(door)

    @admin.display(description=_("state"))
    def state(self, door: Door) -> SafeString:
        return draw_badge(_("on"), "success") if door.is_open else draw_badge(_("off"), "danger")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("storefront/", wrap(self.switch_storefront), name="storefront_switch"),
            path("customer/", wrap(self.switch_customer), name="storefront_customer"),
            path("lift/", wrap(self.lift), name="storefront_lift"),
            *super().get_urls(),
        ]

    def switch_storefront(self, request: HttpRequest) -> HttpResponse:
        actor = require(request, SWITCH)
        is_open = not Door.objects.filter(customer=None, is_open=False).exists()

        def act(form: forms.Form) -> str:
            doorkeeping.switch(
                customer_id=None,
                is_open=not is_open,
                actor=actor,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            return gettext("The storefront is off.") if is_open else gettext("The storefront is on.")

        return self._ask(
            request,
            WhyForm(request.POST or None),
            act,
            title=_("Switch the storefront off") if is_open else _("Switch the storefront on"),
            sentence=_(
                "Nobody can prove a phone, see a balance or pay with points until it is switched on. Running sessions end."
            )
            if is_open
            else _("Customers can prove their phones and pay with points again."),
            button=_("Switch off") if is_open else _("Switch on"),
            is_dangerous=is_open,
        )

    def switch_customer(self, request: HttpRequest) -> HttpResponse:
        actor = require(request, SWITCH)

        def act(form: forms.Form) -> str:
            return _to_customer(actor, **form.cleaned_data)

        return self._ask(
            request,
            CustomerForm(request.POST or None),
            act,
            title=_("Switch a customer off or on"),
            sentence=_("Points stay as they are. Whoever is switched off can neither see nor spend them in the shop."),
            button=_("Do it"),
        )

    def lift(self, request: HttpRequest) -> HttpResponse:
        actor = require(request, SWITCH)

        def act(form: forms.Form) -> str:
            doorkeeping.lift_lockout(actor=actor, now=timezone.now(), **form.cleaned_data)
            return gettext("They may try again at once.")

        return self._ask(
            request,
            LiftForm(request.POST or None),
            act,
            title=_("Lift a lockout"),
            sentence=_("Wrong digits and too many calls are forgotten, for a phone or for an address."),
            button=_("Lift"),
        )

    def _ask(self, request: HttpRequest, form: forms.Form, act: Any, **page: Any) -> HttpResponse:
        back = reverse("admin:storefront_door_changelist")
        if request.method == "POST" and form.is_valid() and say_outcome(request, lambda: act(form)):
            return HttpResponseRedirect(back)
        return ask(request, self.admin_site, form=form, back=back, **page)


def _to_customer(actor: str, *, phone: str, deed: str, reason: str) -> str:
    """Raises CustomerUnknown, ReasonMissing."""
    customer_id, now = customers.find_customer(phone), timezone.now()
    if customer_id is None:
        raise CustomerUnknown
    if deed == DoorAction.SIGNED_OUT:
        doorkeeping.sign_out(customer_id=customer_id, actor=actor, reason=reason, now=now)
        return gettext("Signed out everywhere.")
    changed = doorkeeping.switch(
        customer_id=customer_id, is_open=deed == DoorAction.OPENED, actor=actor, reason=reason, now=now
    )
    if not changed:
        return gettext("It was so already.")
    return gettext("Switched on.") if deed == DoorAction.OPENED else gettext("Switched off.")


@admin.register(DoorChange)
class DoorChangeAdmin(ListOnly, EndlessAdmin):
    list_display = ["at", "action", "whose", "reason", "actor"]
    fetched_after = ("door",)
    ordering = ["-id"]
    sortable_by: list[str] = []

    @admin.display(description=_("whose"))
    def whose(self, change: DoorChange) -> str:
        return change.about or str(change.door)
