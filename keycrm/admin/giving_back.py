"""The page that gives back points which a manager's card holds for nothing, with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from keycrm.admin.events import REPLAY
from keycrm.models import CrmCard
from keycrm.reasons import say_reason
from keycrm.services import giving_back
from keycrm.services.reserving import ACTOR
from promo.admin.asking import ReasonForm, ask, require, say_outcome


def say_reserve(card: CrmCard) -> dict[str, Any]:
    """What the card's page says of points that were given back, and whether a person may give them back."""
    reserve = getattr(card, "reserve", None)
    said: dict[str, Any] = {"may_give_back": giving_back.may_give_back(card, now=timezone.now())}
    if reserve is not None and reserve.given_back_at is not None:
        said["given_back_at"] = reserve.given_back_at
        said["given_back_by"] = gettext("by itself") if reserve.given_back_by == ACTOR else reserve.given_back_by
        said["given_back_why"] = say_reason(reserve.given_back_reason)
    return said


def give_back(model_admin: ModelAdmin[CrmCard], request: HttpRequest, pk: int) -> HttpResponse:
    actor = require(request, REPLAY)
    card = get_object_or_404(CrmCard, pk=pk)
    back = reverse("admin:keycrm_crmcard_change", args=[pk])
    form = ReasonForm(request.POST or None)

    def act() -> str:
        giving_back.give_back_of_card(card_id=pk, actor=actor, now=timezone.now(), **form.cleaned_data)
        return gettext("The points are given back.")

    if request.method == "POST" and form.is_valid() and say_outcome(request, act):
        return HttpResponseRedirect(back)
    return ask(
        request, model_admin.admin_site, title=_("Give the points back"), button=_("Give back"), back=back, form=form, is_dangerous=True,
        sentence=_(
            "The customer gets back what this card holds; the card reserves nothing any more. The order in the CRM is not changed: see that its discount "
            "does not hold these points."
        ),
        extra={"subject": str(card)},
    )  # fmt: skip
