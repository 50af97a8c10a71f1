"""What staff type: points and a reason, a phone to merge into, a word of confirmation. What happens is the services'."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bonuses.models import StaffPhone
from bonuses.services.adjusting import Reason
from bonusportal.errors import PortalError
from bonusportal.phones import normalise_phone


def _text(**attributes: str | bool) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", **attributes})


class AdjustForm(forms.Form):
    """`key` is made with the form, so that a button pressed twice adjusts once."""

    points = forms.IntegerField(
        label=_("Points"),
        widget=UnfoldAdminIntegerFieldWidget(attrs={"autofocus": True}),
        help_text=_("Whole points; with a minus they are taken."),
    )
    reason = forms.ChoiceField(label=_("Reason"), choices=Reason.choices, widget=UnfoldAdminSelectWidget)
    note = forms.CharField(
        label=_("Note"),
        max_length=500,
        required=False,
        widget=_text(),
        help_text=_("Kept beside the entry; erased with the customer."),
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = secrets.token_hex(16)


class MergeForm(forms.Form):
    into_phone = forms.CharField(
        label=_("Phone of the record that stays"), max_length=40, widget=_text(autofocus=True, inputmode="tel")
    )


class EraseForm(forms.Form):
    """The customer's number, typed: erasing cannot be taken back."""

    number = forms.CharField(label=_("The customer's number, to confirm"), max_length=20, widget=_text(autofocus=True))

    def __init__(self, *args: Any, customer_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._customer_id = customer_id

    def clean_number(self) -> str:
        typed = str(self.cleaned_data["number"]).strip().removeprefix("№").strip()
        if typed != str(self._customer_id):
            raise forms.ValidationError(_("This is another number."))
        return typed


class OrderByHandForm(forms.Form):
    number = forms.CharField(label=_("Number of the order"), max_length=64, widget=_text(autofocus=True))
    phone = forms.CharField(label=_("Phone of who earns"), max_length=40, widget=_text(inputmode="tel"))
    total = forms.DecimalField(
        label=_("Paid for the goods, UAH"),
        min_value=0,
        max_value=10_000_000,
        max_digits=12,
        decimal_places=2,
        widget=_text(inputmode="decimal"),
    )
    stage = forms.ChoiceField(
        label=_("The order is"),
        choices=[("completed", _("completed")), ("confirmed", _("confirmed")), ("cancelled", _("cancelled"))],
        widget=UnfoldAdminSelectWidget,
    )
    promo_code = forms.CharField(
        label=_("Promo code in the order"),
        max_length=50,
        required=False,
        widget=_text(),
        help_text=_("If it was paid with one of ours."),
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        widget=_text(),
        help_text=_("Kept with the order, together with your name and the time."),
    )

    def clean_phone(self) -> str:
        try:
            return normalise_phone(self.cleaned_data["phone"])
        except PortalError as error:
            raise forms.ValidationError(str(error.message)) from error


class StaffPhoneForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = StaffPhone
        fields = ["user", "phone"]

    def clean_phone(self) -> str:
        try:
            return normalise_phone(self.cleaned_data["phone"])
        except PortalError as error:
            raise forms.ValidationError(str(error.message)) from error
