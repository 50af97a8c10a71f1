"""The page on which a person pastes codes into a pool: try first, then take in. What is a good code is decided by the importing service."""

from __future__ import annotations

from django import forms
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from bonusportal.errors import PortalError
from bonusportal.nudges import nudge
from promo.admin.asking import require
from promo.models import Pool
from promo.services.importing import paste_codes
from promo.services.reporting import Report

MOST_CHARACTERS = 400_000
MOST_PROBLEMS = 100


class PasteForm(forms.Form):
    """Codes, one a line, and why. `skip_bad` takes what is good and leaves the rest; without it one bad line stops all."""

    text = forms.CharField(
        label=_("Codes, one per line"),
        max_length=MOST_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 10, "spellcheck": "false", "autocomplete": "off", "translate": "no"}
        ),
    )
    reason = forms.CharField(
        label=_("Where they come from, and why"), max_length=250, widget=UnfoldAdminTextInputWidget
    )
    skip_bad = forms.BooleanField(
        label=_("Leave bad lines out and take the rest"), required=False, widget=UnfoldBooleanWidget
    )


def show_paste(request: HttpRequest, site: AdminSite, pool_id: int) -> HttpResponse:
    """The form; after a trial or an import with its report above it."""
    actor = require(request, "promo.manage_pools")
    pool = get_object_or_404(Pool, pk=pool_id)
    form = PasteForm(request.POST or None)
    report: Report | None = None
    if request.method == "POST" and form.is_valid():
        try:
            report = paste_codes(
                pool=pool,
                text=form.cleaned_data["text"],
                actor=actor,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
                is_dry_run="try" in request.POST,
                skip_bad=form.cleaned_data["skip_bad"],
            )
        except PortalError as error:
            form.add_error(None, str(error.message))
        if report is not None and report.added and not report.is_dry_run:
            nudge("promo.tasks.publish_mirror", at_most_every_seconds=5.0)
            form = PasteForm()
    context = {
        **site.each_context(request),
        "title": gettext("Paste codes of %(amount)d UAH") % {"amount": pool.amount_uah},
        "pool": pool,
        "form": form,
        "report": report,
        "sentences": report.sentences() if report else [],
        "problems": report.problems[:MOST_PROBLEMS] if report else [],
    }
    response = TemplateResponse(request, "promo/paste.html", context)
    response["Cache-Control"] = "no-store"  # the text holds live codes
    return response
