"""What an order of the CRM means to the ledger, as pure functions: its stage, its parts, its totals, its code, what a card may reserve."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from bonuses.policy import Totals
from bonuses.policy_orders import SHOP, Stage
from keycrm.payloads import GROUP_CANCELLED, GROUP_COMPLETED, Order, order_number

# Cyrillic letters that look like Latin ones: a code that a person typed may hold them.
_LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХІЈЅ", "ABEKMHOPCTYXIJS")


def fold_code(written: str) -> str:
    """A code as it is stored: trimmed, upper case, Latin letters. Nothing else is repaired: a code is compared as a whole or not at all."""
    return written.strip().upper().translate(_LOOK_ALIKES)


def source_name(source_id: int, shop_sources: Sequence[int]) -> str:
    """The name of an order's source in the ledger. Without a list every source counts as the shop."""
    return SHOP if not shop_sources or source_id in shop_sources else f"keycrm-{source_id}"


def number_of(order: Order) -> str:
    """Ours; it must fit its column whatever a source calls a number."""
    number = order_number(order.source_uuid, crm_id=order.id)
    return number if len(number) <= 64 else f"crm:{order.id}"


def stage_of(order: Order, overrides: Mapping[int, Stage]) -> Stage:
    """By the override of its status, else by its group: 5 is completed, 6 cancelled, anything else under way."""
    if order.status_id in overrides:
        return overrides[order.status_id]
    return {GROUP_COMPLETED: Stage.COMPLETED, GROUP_CANCELLED: Stage.CANCELLED}.get(
        order.group_id or 0, Stage.CONFIRMED
    )


@dataclass(frozen=True, slots=True)
class Part:
    """One order of the CRM as a part of ours; most orders have one."""

    order: Order
    stage: Stage

    @property
    def is_live(self) -> bool:
        return self.stage is not Stage.CANCELLED


def stage_of_parts(parts: Sequence[Part]) -> Stage:
    """Completed when every live part is; cancelled when none is live."""
    live = [part for part in parts if part.is_live]
    if not live:
        return Stage.CANCELLED
    return Stage.COMPLETED if all(part.stage is Stage.COMPLETED for part in live) else Stage.CONFIRMED


def totals_of_parts(parts: Sequence[Part], *, ours_uah: int = 0) -> Totals:
    """The sums of the live parts; `ours_uah` of their discount was paid with points. Of a cancelled order the sums of all parts, so that its page still
    says what it was about.
    """
    counted = [part.order for part in parts if part.is_live] or [part.order for part in parts]

    def total(of: Sequence[Decimal]) -> Decimal:
        return sum(of, Decimal(0)).quantize(Decimal("0.01"))

    discount = total([one.total_discount for one in counted])
    return Totals(
        grand=total([one.grand_total for one in counted]),
        goods=total([goods_of(one) for one in counted]),
        shipping=total([one.shipping_price for one in counted]),
        wrap=total([one.wrap_price for one in counted]),
        taxes=total([one.taxes for one in counted]),
        other_discount=max(discount - ours_uah, Decimal(0)),
    )


def goods_of(order: Order) -> Decimal:
    """The products' total before discounts; reckoned back from the grand total where the lines are not there."""
    if order.lines:
        return sum((line.price * line.quantity for line in order.lines), Decimal(0))
    return order.grand_total - order.shipping_price - order.wrap_price - order.taxes + order.total_discount


def discounted_goods(order: Order) -> Decimal:
    """The products' total after the discounts of their lines: the most that the order's own discount can be."""
    if order.lines is None:
        return goods_of(order) if order.goods_total is None else order.goods_total
    # Where a line does not say for how much it was sold, it may still say its discount, which is that of all its pieces.
    return sum(
        (min(line.price_sold * line.quantity, line.price * line.quantity - line.discount) for line in order.lines),
        Decimal(0),
    )


def own_discount(order: Order) -> Decimal:
    """The order's own discount, which is what can be written. Where the account does not show it: what the total is short of the goods as their lines say.
    (`total_discount` may hold the lines' discounts as well.)
    """
    if order.discount_amount is not None:
        return order.discount_amount
    if order.lines is None and order.goods_total is None:
        return order.total_discount
    paid = order.grand_total - order.shipping_price - order.wrap_price - order.taxes
    return min(max(discounted_goods(order) - paid, Decimal(0)), order.total_discount)


def activated_at(parts: Sequence[Part]) -> dt.datetime | None:
    """When the last live part was closed, else when it last changed; None: nobody says."""
    moments = [part.order.closed_at or part.order.updated_at for part in parts if part.is_live]
    known = [moment for moment in moments if moment is not None]
    return max(known, default=None)


def reservable(*, asked: int, available: int, goods: Decimal, discount: Decimal, share_percent: int) -> int:
    """Points that a manager may reserve: within the share of the products' total, less the discount that is there already."""
    share = int((goods * share_percent / 100 - discount).to_integral_value(ROUND_DOWN))
    return max(0, min(asked, available, share))
