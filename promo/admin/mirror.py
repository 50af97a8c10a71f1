"""The page that holds rows and document against each other, and mends in the direction a person chooses, after a preview."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from bonusportal.errors import PortalError
from promo import wiring
from promo.admin.asking import require
from promo.errors import MirrorError
from promo.rendering import DocumentBroken
from promo.services import mending

MANAGE = "promo.manage_pools"


class MendForm(forms.Form):
    """Which side is right, and why."""

    source = forms.ChoiceField(
        label=_("What is right"),
        choices=[
            ("rows", _("the portal: write its lists into the document")),
            ("documents", _("the document: take its lists into the pools")),
        ],
        widget=UnfoldAdminRadioSelectWidget,
        initial="rows",
    )
    reason = forms.CharField(label=_("Why"), max_length=250, widget=UnfoldAdminTextInputWidget)


def show_drift(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The differences; after "preview" what mending would do; after "mend" it is done."""
    actor = require(request, MANAGE)
    form = MendForm(request.POST or None)
    preview = ""
    try:
        if request.method == "POST" and form.is_valid():
            preview = _mend(form, actor=actor, is_dry_run="mend" not in request.POST)
            if "mend" in request.POST:
                messages.success(request, preview)
                return HttpResponseRedirect(reverse("admin:promo_mirror"))
    except (PortalError, MirrorError, DocumentBroken) as error:
        messages.error(request, str(error))
    drift, trouble = _look()
    context = {
        **site.each_context(request),
        "title": gettext("The mirror and its document"),
        "form": form,
        "drift": drift,
        "trouble": trouble,
        "preview": preview,
        "where": f"s3://{settings.S3_BUCKET}/{settings.MIRROR_CODES_KEY}"
        if settings.S3_BUCKET
        else settings.MIRROR_CODES_KEY,
    }
    response = TemplateResponse(request, "promo/mirror.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _look() -> tuple[mending.Drift | None, str]:
    try:
        drift = mending.find_drift(
            store=wiring.open_mirror_store(),
            codes_key=settings.MIRROR_CODES_KEY,
            counts_key=settings.MIRROR_COUNTS_KEY,
            codes_per_pool=settings.MIRROR_CODES_PER_POOL,
        )
    except MirrorError as error:
        return None, str(error)
    return drift, ""


def _mend(form: MendForm, *, actor: str, is_dry_run: bool) -> str:
    """Do what the form asks, or say what it would do. Raises PortalError, MirrorError, DocumentBroken."""
    store, now, reason = wiring.open_mirror_store(), timezone.now(), form.cleaned_data["reason"]
    if form.cleaned_data["source"] == "rows":
        if is_dry_run:
            return gettext("The document would be replaced by the portal's lists. Whatever else it says is lost.")
        revision = mending.rebuild_document(
            store=store, codes_key=settings.MIRROR_CODES_KEY, codes_per_pool=settings.MIRROR_CODES_PER_POOL, actor=actor,
            reason=reason, now=now,
        )  # fmt: skip
        return gettext("The document is revision %(revision)d now.") % {"revision": revision}
    rebuilt = mending.rebuild_pools(
        store=store, codes_key=settings.MIRROR_CODES_KEY, actor=actor, reason=reason, now=now, dry_run=is_dry_run
    )
    numbers = {
        "added": rebuilt.added,
        "adopted": rebuilt.adopted,
        "withdrawn": rebuilt.withdrawn,
        "refused": len(rebuilt.refused),
    }
    if is_dry_run:
        return (
            gettext(
                "It would add %(added)d codes, adopt %(adopted)d and withdraw %(withdrawn)d; %(refused)d are known here in another state and stay."
            )
            % numbers
        )
    return (
        gettext("%(added)d codes added, %(adopted)d adopted, %(withdrawn)d withdrawn; %(refused)d stayed as they were.")
        % numbers
    )
