"""Panel profiles: versions to look at, a form for the next one, a trial against the panel, and the way back."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bonusportal.nudges import nudge
from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.bon_admin.profile_json import ProfileInvalid
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.read_only import ReadOnlyAdmin
from promo.models import Pool, ProfileVersion, ReplenishRun
from promo.models.runs import RunKind, RunTrigger
from promo.services import profiling, stock

MANAGE = "promo.manage_pools"


class ProfileForm(forms.Form):
    """A profile as JSON. What is left out keeps its default; what is wrong is named with its path."""

    text = forms.CharField(
        label=_("Profile (JSON)"),
        max_length=60_000,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 26, "spellcheck": "false", "class": "pb-code-field", "translate": "no"}
        ),
        help_text=_("Selectors, columns, words and waits. Give it a version name of its own."),
    )
    reason = forms.CharField(label=_("Why"), max_length=250, widget=UnfoldAdminTextInputWidget)

    def clean_text(self) -> dict[str, Any]:
        try:
            return PanelProfile.from_json(self.cleaned_data["text"]).to_dict()
        except ProfileInvalid as error:
            raise forms.ValidationError(list(error.problems)) from error


@admin.register(ProfileVersion)
class ProfileVersionAdmin(ReadOnlyAdmin):
    """The newest is in use; none is ever edited."""

    list_display = ["version_shown", "actor", "reason", "created_at"]
    sortable_by: list[str] = []
    fields = ["version", "actor", "reason", "created_at", "shown", "deeds"]
    list_before_template = "promo/profiles_head.html"

    @admin.display(description=_("version"))
    def version_shown(self, version: ProfileVersion) -> str:
        return version.version

    @admin.display(description=_("text"))
    def shown(self, version: ProfileVersion) -> SafeString:
        return format_html(
            '<pre class="pb-pre" translate="no">{}</pre>', json.dumps(version.text, ensure_ascii=False, indent=2)
        )

    @admin.display(description=_("what to do"))
    def deeds(self, version: ProfileVersion) -> SafeString:
        back = reverse("admin:promo_profile_back", args=[version.pk])
        return format_html('<a class="pb-button" href="{}">{}</a>', back, _("Put this version into use"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("new/", wrap(partial(_new, self)), name="promo_profile_new"),
            path("<int:version_id>/back/", wrap(partial(_back, self)), name="promo_profile_back"),
            *super().get_urls(),
        ]


def _new(page: ProfileVersionAdmin, request: HttpRequest) -> HttpResponse:
    actor = require(request, MANAGE)
    in_use = profiling.profile_in_use() or PanelProfile().to_dict()
    form = ProfileForm(request.POST or None, initial={"text": json.dumps(in_use, ensure_ascii=False, indent=2)})
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            run = _try(form.cleaned_data["text"], actor=actor)
            if run is not None:
                messages.success(
                    request,
                    gettext(
                        "A trial was requested. Nothing is changed in the panel; its page tells what was recognised."
                    ),
                )
                return HttpResponseRedirect(reverse("admin:promo_replenishrun_change", args=[run]))
            messages.error(request, gettext("A trial is open already, or there is no pool to try with."))
        elif say_outcome(request, partial(_save, form.cleaned_data, actor)):
            return HttpResponseRedirect(reverse("admin:promo_profileversion_changelist"))
    context = {**page.admin_site.each_context(request), "title": gettext("A new panel profile"), "form": form}
    return TemplateResponse(request, "promo/profile_new.html", context)


def _save(cleaned: dict[str, Any], actor: str) -> str:
    saved = profiling.save_profile(text=cleaned["text"], actor=actor, reason=cleaned["reason"], now=timezone.now())
    return gettext("Profile %(version)s is in use.") % {"version": saved.version}


def _try(text: dict[str, Any], *, actor: str) -> int | None:
    """Ask for a trial of this text; the first pool in use lends its amount."""
    pool_id = Pool.objects.filter(is_active=True).values_list("pk", flat=True).first()
    if pool_id is None:
        return None
    # Together: a worker that leased the run in between would try the profile in use instead.
    with transaction.atomic():
        run = stock.request_run(
            pool_id=pool_id, kind=RunKind.TRY, trigger=RunTrigger.STAFF, requested_by=actor, now=timezone.now()
        )
        if run is not None:
            ReplenishRun.objects.filter(pk=run).update(options={"profile": text})
            nudge("promo.tasks.work_through_runs")
    return run


def _back(page: ProfileVersionAdmin, request: HttpRequest, version_id: int) -> HttpResponse:
    actor = require(request, MANAGE)
    version = ProfileVersion.objects.get(pk=version_id)
    form = ReasonForm(request.POST or None)
    back = reverse("admin:promo_profileversion_changelist")
    if request.method == "POST" and form.is_valid():

        def go_back() -> str:
            saved = profiling.go_back_to(
                version_id=version_id, actor=actor, reason=form.cleaned_data["reason"], now=timezone.now()
            )
            return gettext("Profile %(version)s is in use.") % {"version": saved.version}

        if say_outcome(request, go_back):
            return HttpResponseRedirect(back)
    return ask(
        request,
        page.admin_site,
        title=gettext("Put profile %(version)s into use") % {"version": version.version},
        sentence=_("Its text becomes the newest version. Runs from now on use it."),
        button=_("Put into use"),
        back=back,
        form=form,
    )
