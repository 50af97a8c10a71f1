"""Install on the store: the tags for copying, whether the shop reaches us, colours and texts with a live preview, versions with the way back, the switch."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from csp.decorators import csp_replace
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.read_only import ListOnly, ReadOnlyAdmin
from storefront import trials
from storefront.admin.connection import findings_of_trial, try_connection
from storefront.admin.previewing import show_preview
from storefront.configuration import LANGUAGES, Look, newest_version, read_built, texts_of, versions
from storefront.models import ThemeChoice, WidgetLook
from storefront.services import dressing, sighting

VIEW = "storefront.view_widgetlook"
DRESS = "storefront.dress_shop"
TRIED = "storefront_tried"
STRANGERS_SHOWN = 5
# Texts that a shop may want in its own words; the rest follows the shopper's language and is ours to keep right.
OFFERED = ("checkout.title", "checkout.hint", "checkout.bonus", "checkout.phoneWhy", "thankyou.earned", "thankyou.when", "hint.product")  # fmt: skip
TAGS = (
    ("bonus_checkoutpage_script.html", _("Checkout"), _("Page Path contains /checkout/, not /checkout/complete")),
    ("bonus_thankspage_script.html", _("Thank-you page"), _("Page Path contains /checkout/complete")),
    ("bonus_hint_script.html", _("Points beside prices (optional)"), _("All Pages")),
)


class LookForm(forms.Form):
    """What the widgets show; the texts are fields of their own, one for each language."""

    version = forms.ChoiceField(label=_("Scripts"), widget=UnfoldAdminSelectWidget)
    accent = forms.CharField(
        label=_("Accent"),
        max_length=7,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "color", "class": "pb-colour"}),
    )
    theme = forms.ChoiceField(label=_("Light or dark"), choices=ThemeChoice.choices, widget=UnfoldAdminSelectWidget)
    shows_hint = forms.BooleanField(label=_("Points beside prices"), required=False, widget=UnfoldBooleanSwitchWidget)
    reason = forms.CharField(label=_("Why"), max_length=250, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, look: Look, **kwargs: Any) -> None:
        initial = {"version": look.version, "accent": look.accent, "theme": look.theme, "shows_hint": look.shows_hint}
        super().__init__(*args, **{**kwargs, "initial": initial})
        field = self.fields["version"]
        assert isinstance(field, forms.ChoiceField)
        newest, *others = reversed(versions())
        field.choices = [(newest, gettext("%s, the newest") % newest), *((version, version) for version in others)]
        for name in OFFERED:
            part, key = name.split(".")
            for language in LANGUAGES:
                self.fields[f"{language}:{name}"] = forms.CharField(
                    required=False, max_length=dressing.LONGEST_TEXT, initial=look.texts.get(language, {}).get(name, ""),
                    label=language.upper(), widget=UnfoldAdminTextInputWidget(
                        attrs={"placeholder": texts_of(look.version)[part][key][language], "lang": language, "data-text": f"{language}:{name}"}
                    ),
                )  # fmt: skip

    def plain_fields(self) -> list[Any]:
        return [self[name] for name in ("version", "accent", "theme", "shows_hint")]

    def text_fields(self) -> list[tuple[str, list[Any]]]:
        """Each text with its languages."""
        ours = texts_of(newest_version())
        found = []
        for name in OFFERED:
            part, key = name.split(".")
            found.append((ours[part][key]["uk"], [self[f"{language}:{name}"] for language in LANGUAGES]))
        return found

    def texts(self) -> dict[str, dict[str, str]]:
        return {language: {name: self.cleaned_data[f"{language}:{name}"] for name in OFFERED} for language in LANGUAGES}


@admin.register(WidgetLook)
class WidgetLookAdmin(ListOnly, ReadOnlyAdmin):
    """Versions, the newest in use."""

    list_display = ["created_at", "version", "colour", "state", "actor", "reason", "deeds"]
    sortable_by: list[str] = []

    @admin.display(description=_("accent"))
    def colour(self, look: WidgetLook) -> SafeString:
        return format_html('<svg width="18" height="18" aria-hidden="true"><circle cx="9" cy="9" r="8" fill="{0}"/></svg> {0}', look.accent)  # fmt: skip

    @admin.display(description=_("state"))
    def state(self, look: WidgetLook) -> str:
        return gettext("switched off") if look.is_off else gettext("on")

    @admin.display(description=_("what to do"))
    def deeds(self, look: WidgetLook) -> SafeString:
        back = reverse("admin:storefront_look_back", args=[look.pk])
        return format_html('<a class="pb-button" href="{}">{}</a>', back, _("Put into use again"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        framing = csp_replace({"frame-src": ["'self'"]})
        return [
            path("install/", wrap(framing(partial(_install, self.admin_site))), name="storefront_install"),
            path("preview/", wrap(show_preview), name="storefront_preview"),
            path("trial/", wrap(_end_trial), name="storefront_trial"),
            path("switch/", wrap(partial(_switch, self.admin_site)), name="storefront_switch_widgets"),
            path("<int:look_id>/back/", wrap(partial(_back, self.admin_site)), name="storefront_look_back"),
            *super().get_urls(),
        ]


def _install(site: AdminSite, request: HttpRequest) -> HttpResponse:
    actor = require(request, VIEW)
    look = dressing.look_in_use()
    may_dress = request.user.has_perm(DRESS)
    form = LookForm(request.POST if "save" in request.POST else None, look=look)
    if request.method == "POST" and "save" in request.POST:
        require(request, DRESS)
        if form.is_valid() and say_outcome(request, partial(_save, form, actor)):
            return HttpResponseRedirect(reverse("admin:storefront_install"))
    portal = request.build_absolute_uri("/").rstrip("/")
    context = {
        **site.each_context(request),
        "title": gettext("Install on the store"),
        "look": look,
        "form": form,
        "may_dress": may_dress,
        "tags": [{"name": name, "title": title, "trigger": trigger, "text": _tag(name, portal)} for name, title, trigger in TAGS],
        "origins": _origins(request),
        "strangers": sighting.strangers(ours=settings.STOREFRONT_ORIGINS, now=timezone.now())[:STRANGERS_SHOWN],
        "origins_named": ",".join(settings.STOREFRONT_ORIGINS),
        "newest": WidgetLook.objects.all()[:6],
    }  # fmt: skip
    return TemplateResponse(request, "storefront/install.html", context)


def _end_trial(request: HttpRequest) -> HttpResponse:
    """A page of the shop comes back and says how far it got. What it found stays in the session, for the page that shows it."""
    require(request, VIEW)
    origin = trials.end(request.session, token=request.GET.get("of", ""))
    if origin is None:
        messages.error(request, gettext("That test was not begun here, is over, or took longer than a quarter of an hour."))  # fmt: skip
    else:
        tried = {"at": timezone.now().isoformat(), "no": request.GET.get("no", "")}
        request.session[TRIED] = {**request.session.get(TRIED, {}), origin: tried}
    return HttpResponseRedirect(reverse("admin:storefront_install") + "#connection")


def _origins(request: HttpRequest) -> list[dict[str, Any]]:
    """Each origin of the shop: when a page of it last asked, what we find from here, and what a page found from there."""
    visits, tried = sighting.visits(), request.session.get(TRIED, {})
    found = []
    for origin in settings.STOREFRONT_ORIGINS:
        trial = tried.get(origin)
        found.append(
            {
                "origin": origin,
                "seen_at": visits.get(origin),
                "findings": try_connection(origin, around=request) if "try" in request.POST else [],
                "trial": f"{origin}/checkout/#bonus-{trials.begin(request.session, origin=origin)}",
                "tried_at": trial and dt.datetime.fromisoformat(trial["at"]),
                "tried": findings_of_trial(trial["no"]) if trial else [],
            }
        )
    return found


def _tag(name: str, portal: str) -> str:
    return read_built(name).decode().replace("https://portal.example", portal)


def _save(form: LookForm, actor: str) -> str:
    chosen = {name: form.cleaned_data[name] for name in ("version", "accent", "theme", "shows_hint", "reason")}
    dressing.choose(**chosen, texts=form.texts(), actor=actor, now=timezone.now())
    return gettext("In use. Pages of the shop that are loaded from now on show it.")


def _switch(site: AdminSite, request: HttpRequest) -> HttpResponse:
    actor = require(request, DRESS)
    is_off = not dressing.look_in_use().is_off
    back = reverse("admin:storefront_install")
    form = ReasonForm(request.POST or None)
    form.fields["reason"].help_text = ""
    if request.method == "POST" and form.is_valid():

        def act() -> str:
            dressing.switch(is_off=is_off, actor=actor, reason=form.cleaned_data["reason"], now=timezone.now())
            return gettext("Switched off.") if is_off else gettext("Switched on.")

        if say_outcome(request, act):
            return HttpResponseRedirect(back)
    off = _(
        "Pages that are loaded from now on show nothing of ours; open ones stop within a minute. Codes already in carts stay."
    )
    return ask(
        request,
        site,
        title=gettext("Switch the widgets off") if is_off else gettext("Switch the widgets on"),
        sentence=off if is_off else _("Pages that are loaded from now on show the widgets again."),
        button=_("Switch off") if is_off else _("Switch on"),
        back=back,
        form=form,
        is_dangerous=is_off,
    )


def _back(site: AdminSite, request: HttpRequest, look_id: int) -> HttpResponse:
    actor = require(request, DRESS)
    old = get_object_or_404(WidgetLook, pk=look_id)
    back = reverse("admin:storefront_install")
    form = ReasonForm(request.POST or None)
    form.fields["reason"].help_text = ""
    if request.method == "POST" and form.is_valid():

        def act() -> str:
            dressing.go_back_to(look_id=look_id, actor=actor, reason=form.cleaned_data["reason"], now=timezone.now())
            return gettext("In use. Pages of the shop that are loaded from now on show it.")

        if say_outcome(request, act):
            return HttpResponseRedirect(back)
    return ask(
        request,
        site,
        title=gettext("Put this look into use again"),
        sentence=gettext("Scripts %(version)s, accent %(accent)s, and its texts.") % {"version": old.version, "accent": old.accent},
        button=_("Put into use"),
        back=back,
        form=form,
    )  # fmt: skip
