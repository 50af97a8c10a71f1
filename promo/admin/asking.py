"""Pages that ask a person before something happens: a reason, or just "yes". What happens is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from bonusportal.errors import PortalError


class ReasonForm(forms.Form):
    """Why. Kept with what was done, for whoever asks later."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=250,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=_("Kept with your name and the time."),
    )


def require(request: HttpRequest, *permissions: str) -> str:
    """The name of whoever asks, if they have all these permissions. Raises PermissionDenied."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied
    return str(request.user.get_username())


def ask(
    request: HttpRequest,
    site: AdminSite,
    *,
    title: str | Promise,
    sentence: str | Promise,
    button: str | Promise,
    back: str,
    form: forms.Form,
    is_dangerous: bool = False,
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    """The question as a page. Inside another page the same address is opened as a dialog (the part with the id `dialog`)."""
    context = {
        **site.each_context(request),
        "title": title,
        "sentence": sentence,
        "button": button,
        "back": back,
        "form": form,
        "is_dangerous": is_dangerous,
        **(extra or {}),
    }
    return TemplateResponse(request, "promo/ask.html", context)


def say_outcome(request: HttpRequest, act: Callable[[], str | Promise]) -> bool:
    """Do it and show its sentence, or the sentence of the error that refused it. Returns whether it was done."""
    try:
        messages.success(request, str(act()))
    except PortalError as error:
        messages.error(request, str(error.message))
        return False
    return True


def go_back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To where the form said it came from, if that is a page of ours."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(address if is_ours else otherwise)
