"""Stock a whole range of amounts: say what, see what it would come to, then ask for it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from bonusportal.errors import PortalError
from bonusportal.nudges import nudge
from promo import policy
from promo.admin.asking import require
from promo.services import bulk

MANAGE = "promo.manage_pools"


class BulkForm(forms.Form):
    """A range of amounts and what each pool should hold."""

    amounts = forms.CharField(
        label=_("Amounts"),
        max_length=500,
        help_text=_("For example 1-2000, or 50, 100, 200-300."),
        widget=UnfoldAdminTextInputWidget,
    )
    target = forms.IntegerField(
        label=_("Codes per amount"), min_value=0, max_value=1000, initial=10, widget=UnfoldAdminIntegerFieldWidget
    )
    remove_excess = forms.BooleanField(label=_("Remove what is above it"), required=False, widget=UnfoldBooleanWidget)
    delete_inactive = forms.BooleanField(
        label=_("Delete inactive codes after their quarantine"), required=False, widget=UnfoldBooleanWidget
    )
    wipe = forms.BooleanField(
        label=_("First remove every code that nobody has been given"), required=False, widget=UnfoldBooleanWidget
    )


def show_bulk(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The form; after "preview" what it would come to; after "order" the runs are requested."""
    actor = require(request, MANAGE)
    form = BulkForm(request.POST or None)
    seen: bulk.Preview | None = None
    if request.method == "POST" and form.is_valid():
        order = bulk.BulkOrder(
            **{name: form.cleaned_data[name] for name in ("target", "remove_excess", "delete_inactive", "wipe")}
        )
        try:
            amounts = bulk.parse_amounts(form.cleaned_data["amounts"])
            seen = bulk.preview(amounts=amounts, order=order)
            if "order" in request.POST:
                runs = bulk.request_bulk(amounts=amounts, order=order, actor=actor, now=timezone.now())
                nudge("promo.tasks.work_through_runs")
                text = ngettext("%(n)d run was requested.", "%(n)d runs were requested.", len(runs))
                messages.success(request, text % {"n": len(runs)})
                return HttpResponseRedirect(reverse("admin:promo_replenishrun_changelist"))
        except PortalError as error:
            form.add_error("amounts", str(error.message))
    context = {
        **site.each_context(request),
        "title": gettext("Stock a range of amounts"),
        "form": form,
        "seen": seen,
        "minutes": max(1, seen.seconds // 60) if seen else 0,
        "bits": round(policy.entropy_bits(), 1),
        "guesses": f"{policy.expected_guesses(form.cleaned_data['target']):.1e}" if seen else "",
    }
    return TemplateResponse(request, "promo/bulk.html", context)
