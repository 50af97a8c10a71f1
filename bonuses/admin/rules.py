"""Versions of the earning rule: read, and add a new one. A version that is in force is never edited."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bonuses.models import EarningRule
from bonuses.services import ruling
from promo.admin.asking import ask, require, say_outcome
from promo.admin.read_only import ReadOnlyAdmin

MAKE = "bonuses.make_rules"


class MultipliersField(forms.CharField):
    """A line for each: first day, last day, factor, name."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Multipliers"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            help_text=_("A line for each, by the day the order was placed: 2026-03-07 2026-03-08 2 Double points"),
        )  # fmt: skip

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{one['first_day']} {one['last_day']} {one['factor']} {one['name']}" for one in value)

    def clean(self, value: Any) -> list[dict[str, str]]:
        lines = [line.split(maxsplit=3) for line in str(value or "").splitlines() if line.strip()]
        if any(len(words) < 4 for words in lines):
            raise forms.ValidationError(
                _("A multiplier needs a name, a first and a last day, and a factor from 0 to 100.")
            )
        return [
            {"name": name, "first_day": first, "last_day": last, "factor": factor.replace(",", ".")}
            for first, last, factor, name in lines
        ]


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = EarningRule
        fields = [*ruling.FIGURES, "reason"]
        widgets = {"reason": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, forms.TypedChoiceField):
                field.widget = UnfoldAdminSelectWidget(choices=field.choices)
            elif name not in self.Meta.widgets:
                field.widget = UnfoldAdminTextInputWidget()
        self.fields["multipliers"] = MultipliersField()
        self.fields["reason"].required = True


@admin.register(EarningRule)
class EarningRuleAdmin(ReadOnlyAdmin):
    list_display = [
        "version",
        "valid_from",
        "rate_percent",
        "base",
        "minimum_order",
        "share_percent",
        "lifetime_days",
        "actor",
        "reason",
    ]
    fields = ["version", "valid_from", *ruling.FIGURES, "actor", "reason", "created_at"]
    list_before_template = "bonuses/new_rule.html"

    def get_urls(self) -> list[URLPattern]:
        return [path("make/", self.admin_site.admin_view(self.make), name="bonuses_rule_make"), *super().get_urls()]

    def make(self, request: HttpRequest) -> HttpResponse:
        """A new version from this moment on; what is not changed stays as it is."""
        actor = require(request, MAKE)
        newest = EarningRule.objects.order_by("-version")[0]
        values = {name: getattr(newest, name) for name in ruling.FIGURES}
        form = RuleForm(request.POST or None, initial=values)
        back = reverse("admin:bonuses_earningrule_changelist")
        if request.method == "POST" and form.is_valid():
            typed = dict(form.cleaned_data)
            reason = typed.pop("reason")
            if say_outcome(request, lambda: _make(actor, reason, typed)):
                return HttpResponseRedirect(back)
        elif request.method == "POST":
            messages.error(request, gettext("Something is missing or out of its range."))
        return ask(
            request, self.admin_site, title=_("A new version of the rule"), back=back, form=cast("forms.Form", form), button=_("Put it in force"),
            sentence=_("It counts for orders placed from now on. Earlier orders keep the version they were placed under, also for refunds."),
        )  # fmt: skip


def _make(actor: str, reason: str, figures: dict[str, Any]) -> str:
    made = ruling.make_rule(actor=actor, reason=reason, now=timezone.now(), **figures)
    return gettext("Rule %(version)d is in force.") % {"version": made.version}
