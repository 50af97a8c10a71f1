"""What becomes of an order, as pure functions: stages, states, events, and what each pair means for holds and points. docs/orders.md is the same table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from bonuses.policy import Rule, Totals, points_of_order

SHOP = "horoshop"  # the source of orders that pages report; the CRM's orders of the shop have the same


class Stage(StrEnum):
    """Where the CRM says an order is."""

    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class OrderState(StrEnum):
    """Where an order is for us. `reported` means that only claims are known: it has no row."""

    REPORTED = "reported"
    CONFIRMED = "confirmed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class OrderEvent(StrEnum):
    REPORT = "report"
    CONFIRM = "confirm"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EDIT = "edit"  # another snapshot in the same stage: edited, partly refunded


class HoldStep(StrEnum):
    """What an event does to the holds that pay for the order."""

    KEEP = "keep"
    TIE = "tie"  # they belong to the order and do not end by time; what was captured or freed is given back first and held again
    CAPTURE = "capture"  # once each; what was freed is taken again as far as its lots have points, the rest is debt
    FREE = "free"  # released, or given back when they were captured


class PointStep(StrEnum):
    """What an event does to the points that the order earned."""

    KEEP = "keep"
    MEET_TARGET = "meet the target"  # post the difference between what the snapshot earns and what is granted


@dataclass(frozen=True, slots=True)
class Transition:
    to: OrderState
    holds: HoldStep
    points: PointStep


_ENDS = {
    OrderEvent.CONFIRM: Transition(OrderState.CONFIRMED, HoldStep.TIE, PointStep.MEET_TARGET),
    OrderEvent.COMPLETE: Transition(OrderState.COMPLETED, HoldStep.CAPTURE, PointStep.MEET_TARGET),
    OrderEvent.CANCEL: Transition(OrderState.CANCELLED, HoldStep.FREE, PointStep.MEET_TARGET),
}
_SAME = {
    OrderState.REPORTED: Transition(OrderState.REPORTED, HoldStep.KEEP, PointStep.KEEP),
    OrderState.CONFIRMED: _ENDS[OrderEvent.CONFIRM],
    OrderState.COMPLETED: _ENDS[OrderEvent.COMPLETE],
    OrderState.CANCELLED: _ENDS[OrderEvent.CANCEL],
}
# Every pair is here. A stage leads to the same place from everywhere, which is why the path of an order does not matter.
TRANSITIONS: dict[tuple[OrderState, OrderEvent], Transition] = {
    (state, event): (
        _SAME[state] if event is OrderEvent.EDIT
        else Transition(state, HoldStep.KEEP, PointStep.KEEP) if event is OrderEvent.REPORT
        else _ENDS[event]
    )
    for state in OrderState for event in OrderEvent
}  # fmt: skip

_EVENT_OF_STAGE = {
    Stage.CONFIRMED: OrderEvent.CONFIRM,
    Stage.COMPLETED: OrderEvent.COMPLETE,
    Stage.CANCELLED: OrderEvent.CANCEL,
}


def event_of(state: OrderState, stage: Stage) -> OrderEvent:
    """The event that a snapshot means to an order in `state`."""
    return OrderEvent.EDIT if state.value == stage.value else _EVENT_OF_STAGE[stage]


def target_points(rule: Rule, totals: Totals, *, stage: Stage, placed_at: dt.datetime) -> int:
    """Net points that an order in this snapshot has earned, whatever happened to it before."""
    return points_of_order(rule, totals, placed_at=placed_at) if stage is Stage.COMPLETED else 0
