"""Signing in to the staff pages: password, and a one-time code for whoever has confirmed a second factor.

Wrong passwords are counted by axes, which calls `show_locked_out` after too many; wrong one-time codes by the devices themselves (each slows down after
a failure). Enrolling is in `bonusportal.second_factor`.
"""

from __future__ import annotations

import re
from typing import Any

from axes.helpers import get_cool_off
from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django_otp import devices_for_user
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.models import Device
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

_APP_CODE = re.compile(r"[0-9]{6}", re.ASCII)


class SignInForm(OTPAuthenticationFormMixin, AuthenticationForm):  # type: ignore[misc]
    """Unfold's form with one more field. Left empty it changes nothing for those who have no device."""

    otp_token = forms.CharField(
        label=_("One-time code"),
        required=False,
        max_length=32,
        help_text=_(
            "From the app on your phone, or one of your recovery codes. Leave it empty if you have not set this up."
        ),
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "class": " ".join(BASE_INPUT_CLASSES),
                "inputmode": "text",
                "spellcheck": "false",
            }
        ),
    )

    otp_error_messages = {
        **OTPAuthenticationFormMixin.otp_error_messages,
        "token_required": _("Enter the one-time code from your app."),
        "invalid_token": _("The one-time code is wrong or was used already. Wait for the next one."),
        "n_failed_attempts": _("Too many wrong one-time codes. Wait a little and try again."),
        "verification_not_allowed": _("Too many wrong one-time codes. Wait a little and try again."),
    }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        user = self.get_user()
        if user is not None and has_second_factor(user):
            self.clean_otp(user)
        return cleaned

    def _chosen_device(self, user: AbstractBaseUser) -> Device | None:
        """The device that the code is for, told by its shape: trying every device in turn would count a failure against each that does not match."""
        token = re.sub(r"[\s-]", "", self.cleaned_data.get("otp_token") or "").lower()
        self.cleaned_data["otp_token"] = token
        devices = list(devices_for_user(user, confirmed=True, for_verify=True))
        from_app = bool(_APP_CODE.fullmatch(token))
        matching = [device for device in devices if isinstance(device, TOTPDevice) is from_app]
        return (matching or devices or [None])[0]

    def _update_form(self, user: AbstractBaseUser) -> None:
        """The base class would send the typed password back inside the page, so that it need not be typed again. Not here."""


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Whether this person has confirmed an app: then a session without a one-time code is not enough."""
    return bool(TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).exists())


def show_locked_out(
    request: HttpRequest, original: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """Axes' answer after too many wrong passwords: 429 with the time to wait, on a page that looks like the one before."""
    wait = get_cool_off(request)
    context = {
        **admin.site.each_context(request),
        "title": _("Log in"),
        "minutes": round(wait.total_seconds() / 60) if wait else 0,
    }
    response: HttpResponse = TemplateResponse(request, "admin/locked_out.html", context, status=429).render()
    if wait:
        response["Retry-After"] = str(int(wait.total_seconds()))
    # The page is made outside the admin's views, so its content policy has to be asked for here.
    return csp_update(settings.ADMIN_CSP)(lambda _request: response)(request)  # type: ignore[return-value]
