"""The life of one code as moments in time: how it became known, every change and who made it, to whom it was handed out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from bonusportal.masking import mask_phone
from promo.admin.wording import name_state, say_why
from promo.models import Code, CodeEvent, CodeState, Issue

ICONS = {
    CodeState.PLANNED: "edit_note",
    CodeState.AVAILABLE: "check_circle",
    CodeState.ISSUED: "sell",
    CodeState.REDEEMED: "shopping_bag",
    CodeState.WITHDRAWN: "undo",
    CodeState.VOID: "block",
    CodeState.FOREIGN: "travel_explore",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. `facts` are (name, value) pairs below it; `link` leads to where it came from."""

    at: dt.datetime
    icon: str
    title: str
    text: str = ""
    actor: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""
    link_text: str = ""


def tell_life(code: Code, *, with_links: bool) -> list[Moment]:
    """All moments, oldest first. Phones are masked. `with_links` only for those who may open runs."""
    moments = [_beginning(code, with_links)]
    moments += [_change(event) for event in code.events.all()]
    issue = Issue.objects.filter(code=code).first()
    if issue is not None:
        moments.append(_handing_out(issue))
    return sorted(moments, key=lambda moment: moment.at)


def _beginning(code: Code, with_links: bool) -> Moment:
    lot = code.lot
    run_id = (lot.run_id if lot else None) or code.run_id
    return Moment(
        at=code.created_at,
        icon="flag",
        title=_("Became known"),
        text=str(lot.get_source_display()) if lot else "",
        actor=lot.actor if lot else "",
        facts=tuple(
            (name, value)
            for name, value in [(_("lot"), lot.name if lot else ""), (_("reason"), lot.reason if lot else "")]
            if value
        ),
        link=reverse("admin:promo_replenishrun_change", args=[run_id]) if run_id and with_links else "",
        link_text=_("run №%(id)d") % {"id": run_id} if run_id else "",
    )


def _change(event: CodeEvent) -> Moment:
    if event.from_state == event.to_state:
        is_reveal = event.reason.startswith("revealed: ")
        title = _("Shown in full") if is_reveal else _("Noted")
        return Moment(
            at=event.at,
            icon="visibility" if is_reveal else "info",
            title=title,
            text=say_why(event.reason),
            actor=event.actor,
        )
    title = name_state(event.to_state)
    return Moment(
        at=event.at,
        icon=ICONS.get(CodeState(event.to_state), "info") if event.to_state in CodeState.values else "info",
        title=(f"{name_state(event.from_state)} → {title}" if event.from_state else title).capitalize(),
        text=say_why(event.reason),
        actor=event.actor,
    )


def _handing_out(issue: Issue) -> Moment:
    facts = [
        (_("phone"), mask_phone(issue.phone) if issue.phone else ""),
        (_("order"), issue.order_number),
        (_("address"), issue.caller_address),
        (_("request"), issue.request_id),
    ]
    return Moment(
        at=issue.issued_at,
        icon="sell",
        title=_("Handed out"),
        text=str(issue.get_channel_display()),
        actor=issue.actor,
        facts=tuple((name, value) for name, value in facts if value),
    )
