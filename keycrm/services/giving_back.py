"""Points that a manager's card reserved and that no order will spend: given back once, with who decided it, when and why.

They go back when the order ended before its discount was written, when the order is set aside, or when a person says so on the card's page. A discount that
was written is paid for by its order, so its points stay with the order for as long as there is one.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from bonuses.models import Hold, HoldState
from bonuses.services import holding
from bonusportal.errors import BadInput, Conflict
from keycrm.models import CrmCard, CrmOrder, ManualReserve
from keycrm.models.events import EventState, Subject
from keycrm.models.orders import ManualReserves
from keycrm.reasons import Reason
from keycrm.services import leasing
from keycrm.services.receiving import settle_events

ORDER_COMES_WITHIN = dt.timedelta(days=2)


def left_alone(*, now: dt.datetime) -> ManualReserves:
    """Reserves whose points no order will spend: it has not come for two days, or was set aside."""
    aside = CrmOrder.objects.filter(crm_id=OuterRef("crm_order_id"), set_aside_at__isnull=False)
    never_came = Q(hold__order=None, planned_at__lt=now - ORDER_COMES_WITHIN)
    held = ManualReserve.objects.standing().filter(hold__state=HoldState.OPEN)
    return held.filter(never_came | Q(Exists(aside)))


def may_give_back(card: CrmCard, *, now: dt.datetime) -> bool:
    """What a person may decide: the card waits for one and its discount is not written, or no order has come."""
    reserve = ManualReserve.objects.standing().filter(card=card, hold__state=HoldState.OPEN, hold__order=None).first()
    if reserve is None or card.lease_token is not None:
        return False
    is_unwritten = bool(card.stuck_reason) and reserve.written_at is None
    return is_unwritten or left_alone(now=now).filter(pk=reserve.pk).exists()


def give_back(reserve_id: int, *, reason: str, actor: str, now: dt.datetime, is_order_out: bool = False) -> bool:
    """False where there is nothing to give back any more. `is_order_out`: also what is held for an order that the ledger knows.

    Raises HoldNotOpen where such an order decides.
    """
    with transaction.atomic():
        reserve = ManualReserve.objects.select_for_update().filter(pk=reserve_id, given_back_at=None).first()
        if reserve is None:
            return False
        hold = _newest(reserve.hold_id)
        if hold.state != HoldState.OPEN:
            return False
        holding.release_hold(hold_id=hold.pk, now=now, actor=actor, is_order_out=is_order_out)
        reserve.given_back_at, reserve.given_back_by = now, actor
        reserve.given_back_reason = reason.strip()[:250]
        reserve.save(update_fields=["given_back_at", "given_back_by", "given_back_reason"])
    return True


def _newest(hold_id: int) -> Hold:
    """The hold, or the one by which it was taken again last."""
    hold: Hold = Hold.objects.get(pk=hold_id)
    while (again := Hold.objects.filter(again_of=hold).first()) is not None:
        hold = again
    return hold


def give_back_of_card(*, card_id: int, reason: str, actor: str, now: dt.datetime) -> None:
    """A person decides that the card reserves nothing: the points go back and the card waits no more. Raises BadInput, Conflict."""
    if not reason.strip():
        raise BadInput(_("Say why: a reason is required."), code="reason_missing")
    with transaction.atomic():
        card = CrmCard.objects.select_for_update(no_key=True).get(pk=card_id)
        reserve = ManualReserve.objects.filter(card=card).first()
        if reserve is None or not may_give_back(card, now=now):
            raise Conflict(_("This card holds no points that could be given back. Nothing changed."), code="not_held")
        give_back(reserve.pk, reason=reason, actor=actor, now=now)
        CrmCard.objects.filter(pk=card.pk).update(
            stuck_reason="", stuck_detail="", asked_at=None, retry_at=None, attempts=0, failures=0, finished_at=now
        )
        settle_events(
            subject=Subject.CARD,
            subject_id=card.crm_id,
            until=now,
            state=EventState.IGNORED,
            reason=Reason.GIVEN_BACK,
            now=now,
        )


def give_back_of_order(crm_id: int, *, reason: str, actor: str, now: dt.datetime) -> list[int]:
    """The order was set aside: whatever a card still holds for it goes back. Returns the cards that waited for a person because of it."""
    reserves = ManualReserve.objects.standing().filter(crm_order_id=crm_id).select_related("card")
    back = [one.card for one in reserves if give_back(one.pk, reason=reason, actor=actor, now=now, is_order_out=True)]
    return [card.crm_id for card in back if card.stuck_reason]


def ask_for_unwritten(crm_ids: list[int], *, now: dt.datetime) -> None:
    """These orders ended. A card whose discount is not known to be written is looked at again: it was given after all, or the points go back."""
    waiting = ManualReserve.objects.standing().filter(crm_order_id__in=crm_ids, written_at=None)
    for card_id in list(waiting.values_list("card__crm_id", flat=True)):
        leasing.ask(CrmCard, card_id, now=now)
