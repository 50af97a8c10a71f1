"""What of the CRM stands on the stock board until somebody has seen to it: rows that wait for a person, and lines of the list of differences."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils.translation import gettext as _

from keycrm.models import BuyerLink, CrmCard, CrmOrder, Difference
from promo.admin.board import WATCHERS, Banner


def find_banners(now: dt.datetime) -> list[Banner]:
    """One line for all of them; it leads to the first list that has any."""
    stuck = [
        (_("orders: %(count)d"), CrmOrder.objects.exclude(stuck_reason="").count(), "crmorder", "?stuck=yes"),
        (_("managers’ cards: %(count)d"), CrmCard.objects.exclude(stuck_reason="").count(), "crmcard", "?stuck=yes"),
        (_("buyers’ cards: %(count)d"), BuyerLink.objects.exclude(stuck_reason="").count(), "buyerlink", "?stuck=yes"),
        (_("differences: %(count)d"), Difference.objects.open().count(), "difference", "?open=yes"),
    ]
    waiting = [(text % {"count": count}, model, narrowed) for text, count, model, narrowed in stuck if count]
    if not waiting:
        return []
    _text, model, narrowed = waiting[0]
    return [
        Banner(
            "warning",
            "rule",
            _("The CRM waits for a person: %(what)s.") % {"what": ", ".join(text for text, _model, _query in waiting)},
            "",
            None,
            address=reverse(f"admin:keycrm_{model}_changelist") + narrowed,
        )
    ]


WATCHERS.append(find_banners)
