"""Which points pay for an order: those held for the code that stands in it. Only codes that we handed out count; an ordinary discount never does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from bonuses.services import charging, redemptions
from keycrm.policy import fold_code
from promo.models import Code, CodeState
from promo.services import moving


def find_code(written: Iterable[str]) -> Code | None:
    """The code of ours among what stands in `promocode`, handed out or not; None where it was never ours."""
    folded = [code for text in written if (code := fold_code(text)) and len(code) <= 50]
    if not folded:
        return None
    return Code.objects.select_related("pool", "issue").filter(code__in=folded).order_by("pk").first()


def was_handed_out(code: Code) -> bool:
    return hasattr(code, "issue")


def pay_for(code: Code, *, customer_id: int | None, may_charge: bool, now: dt.datetime, actor: str) -> list[int] | None:
    """The holds that pay for the code. One that was handed out without a hold is charged to the customer of the order, once, if the order `may_charge`.

    None: nobody is there to be charged. In a transaction of its own: it takes accounts, and the order's lock comes before those.
    """
    if not was_handed_out(code):
        return []
    if holds := redemptions.holds_of_code(code.code):
        return holds[-1:]
    if not may_charge:
        return []
    if customer_id is None:
        return None
    made = charging.charge_code(
        customer_id=customer_id, points=code.pool.amount_uah, code_id=code.pk, key=charging.key_of(code.pk), now=now, actor=actor
    )  # fmt: skip
    return [made.id]


def mark_redeemed(code: Code, *, crm_id: int, now: dt.datetime, actor: str) -> bool:
    """The code was seen used in an order. False where that is known already."""
    return code.state != CodeState.REDEEMED and moving.move_code(
        code_id=code.pk, to=CodeState.REDEEMED, actor=actor, reason=f"used in order {crm_id} of the CRM", now=now
    )
