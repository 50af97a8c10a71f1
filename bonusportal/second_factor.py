"""The page on which a member of staff sets up a second factor: scan, type one code, keep the recovery codes. And the way to get rid of it.

What the sign-in form asks for is in `bonusportal.signing_in`.
"""

from __future__ import annotations

import io
from base64 import b32encode

import django_otp
from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.widgets import UnfoldAdminTextInputWidget

RECOVERY_CODES = 8


class OneTimeCodeForm(forms.Form):
    """One code from the app, to prove that the app has the key."""

    token = forms.CharField(
        label=_("One-time code"),
        max_length=16,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


def show_second_factor(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """Set up, or remove, the second factor of whoever is signed in. Both need a right code."""
    user = request.user
    assert isinstance(user, User)  # admin_view lets nobody else through
    confirmed = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    device = confirmed or _unconfirmed_device(user)
    form = OneTimeCodeForm(request.POST or None)
    recovery_codes: list[str] = []
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            right = (
                TOTPDevice.objects.select_for_update()
                .get(pk=device.pk)
                .verify_token(form.cleaned_data["token"].replace(" ", ""))
            )
        if not right:
            form.add_error("token", _("The one-time code is wrong or was used already. Wait for the next one."))
        elif confirmed:
            remove_second_factor(user)
            messages.success(request, _("The second factor was removed."))
            return HttpResponseRedirect(reverse("admin:second_factor"))
        else:
            recovery_codes = _confirm(device)
            confirmed = device
            django_otp.login(request, device)
            form = OneTimeCodeForm()
    context = {
        **site.each_context(request),
        "title": _("Second factor"),
        "form": form,
        "is_confirmed": confirmed is not None,
        "recovery_codes": recovery_codes,
        "picture": None if confirmed else qr_picture(device.config_url),
        "key": None if confirmed else _readable_key(device),
    }
    return TemplateResponse(request, "admin/second_factor.html", context)


def remove_second_factor(user: User) -> None:
    """From now on the password is enough. For the person's own page, and for an administrator when a phone was lost."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _unconfirmed_device(user: User) -> TOTPDevice:
    """The same key until it is confirmed: reloading the page must not invalidate what was scanned already."""
    device, _created = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


@transaction.atomic
def _confirm(device: TOTPDevice) -> list[str]:
    TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
    StaticDevice.objects.filter(user_id=device.user_id).delete()
    spare = StaticDevice.objects.create(user_id=device.user_id, name="recovery")
    codes = [StaticToken.random_token() for _number in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create([StaticToken(device=spare, token=code) for code in codes])
    return codes


def _readable_key(device: TOTPDevice) -> str:
    key = b32encode(device.bin_key).decode()
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def qr_picture(text: str) -> SafeString:
    """An inline SVG: needs no image library and no second request that would carry the key."""
    import qrcode
    from qrcode.image.svg import SvgPathImage

    picture = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, border=2).save(picture)
    svg = picture.getvalue().decode().removeprefix("<?xml version='1.0' encoding='UTF-8'?>\n")
    return mark_safe(svg)  # noqa: S308  # drawn by the library: shapes only, no text of anybody's
