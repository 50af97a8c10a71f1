"""What runs by itself, on one page. Celery's beat and the cloud's events are both made from `SCHEDULES`; the events stand in zappa_settings.json,
where `python -m tools.zappa_settings` writes them.

Every entry is a sweep: it looks at rows and continues what a crash or a lost message interrupted, so late, doubled or missed ticks change no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class Schedule:
    """`task` is Celery's name. `seconds` between ticks under beat; the cloud knows minutes, so it rounds up."""

    name: str
    task: str
    seconds: int
    about: str


SCHEDULES = (
    Schedule("beat-seen", "bonusportal.tasks.note_beat", 15, "leaves a trace that the scheduler lives"),
    Schedule("runs", "promo.tasks.work_through_runs", 30, "continues requested and abandoned runs"),
    Schedule("stock", "promo.tasks.look_at_stock", 60, "asks for refills that a lost nudge or a crash forgot"),
    Schedule("mirror", "promo.tasks.publish_mirror", 15, "brings the documents up to the rows"),
    Schedule("exports", "promo.tasks.write_exports", 60, "writes the files that staff asked for"),
    Schedule("expired-codes", "promo.tasks.void_expired_codes", 3600, "takes codes near their last day out of use"),
    Schedule("codes-back", "bonuses.tasks.carry_codes_back", 30, "ends holds by what became of their codes"),
    Schedule("warnings", "bonuses.tasks.warn_of_ends", 3600, "warns customers of points that end"),
    Schedule("old-claims", "bonuses.tasks.forget_reports", 3600, "drops order reports after 14 days"),
    Schedule("seal", "bonuses.tasks.seal_entries", 10, "gives new entries their place in the chain"),
    Schedule("anchor", "bonuses.tasks.anchor_head", 600, "puts the chain's head where nobody can change it"),
    Schedule("due-points", "bonuses.tasks.settle_due", 60, "brings ends of points and holds into the books"),
    Schedule("verify-ledger", "bonuses.tasks.verify_nightly", 3600, "verifies the ledger once a night"),
    Schedule(
        "old-records",
        "bonusportal.tasks.forget_old_records",
        3600,
        "drops idempotency records, rate windows and old evidence",
    ),
    Schedule("digits", "storefront.tasks.send_digits", 15, "sends codes whose nudge was lost or whose sender crashed"),
    Schedule("strangers", "storefront.tasks.forget_old", 3600, "forgets phones of proofs and addresses of refusals"),
    Schedule("crm-orders", "keycrm.tasks.apply_orders", 30, "goes on with orders of the CRM that were asked for"),
    Schedule("crm-cards", "keycrm.tasks.reserve_by_cards", 60, "goes on with cards by which managers reserve points"),
    Schedule("crm-updated", "keycrm.tasks.poll_updated", 300, "lists changed orders, the net below the webhooks"),
    Schedule("crm-created", "keycrm.tasks.poll_created", 900, "lists new orders, the net below the webhooks"),
    Schedule("crm-write-back", "keycrm.tasks.write_back", 60, "brings balances to the buyers' cards in the CRM"),
    Schedule("crm-vanished", "keycrm.tasks.look_for_vanished", 21_600, "looks at orders that nobody saw for a day"),
    Schedule("crm-differences", "keycrm.tasks.reconcile", 86_400, "lists what ledger, CRM and codes do not agree on"),
)

# Runs at the panel take minutes and need a browser; whatever calls the CRM waits for its turn among sixty calls a minute. Everything else takes moments
# and must not wait behind them.
DEFAULT_QUEUE, PANEL_QUEUE, CRM_QUEUE = "portal", "panel", "crm"
ROUTES = {"promo.tasks.work_through_runs": {"queue": PANEL_QUEUE}, "keycrm.tasks.*": {"queue": CRM_QUEUE}}
# Under which name a worker that serves the queue is seen.
ROLE_OF_QUEUE = {DEFAULT_QUEUE: "worker", PANEL_QUEUE: "browser", CRM_QUEUE: "crm"}

# Which stage of zappa_settings.json takes a queue's messages, and the ticks of the tasks that belong to it.
STAGE_OF_QUEUE = {DEFAULT_QUEUE: "web", CRM_QUEUE: "web", PANEL_QUEUE: "worker"}
# Zappa finds the function in the rule's name, which is 64 characters long at most: hence short words.
TICK, MESSAGES = "bonusportal.serverless.tick", "bonusportal.serverless.run_messages"

# Sweeps that a worker does once when it starts.
AT_START = ("promo.tasks.look_at_stock", "promo.tasks.work_through_runs", "promo.tasks.publish_mirror")


def for_celery() -> dict[str, dict[str, Any]]:
    """CELERY_BEAT_SCHEDULE. A tick that nobody took within its period is dropped: the next one does the same work."""
    return {
        entry.name: {"task": entry.task, "schedule": entry.seconds, "options": {"expires": max(entry.seconds, 10)}}
        for entry in SCHEDULES
    }


def queue_of(task: str) -> str:
    """Where a task waits for a worker; the patterns are Celery's."""
    return next((route["queue"] for pattern, route in ROUTES.items() if fnmatchcase(task, pattern)), DEFAULT_QUEUE)


def for_zappa(stage: str, *, queue_arn: Callable[[str], str]) -> list[dict[str, Any]]:
    """`events` of a stage: a rule per schedule, and the queues whose messages it takes.

    One message an invocation: a failure then concerns no other message.
    """
    ticks = [
        {
            "name": entry.name,
            "function": TICK,
            "expression": rate(entry.seconds),
            "description": entry.about,
            "kwargs": {"schedule": entry.name},
        }
        for entry in SCHEDULES
        if STAGE_OF_QUEUE[queue_of(entry.task)] == stage
    ]
    sources = [
        {"function": MESSAGES, "event_source": {"arn": queue_arn(queue), "batch_size": 1, "enabled": True}}
        for queue, taker in STAGE_OF_QUEUE.items()
        if taker == stage
    ]
    return [*ticks, *sources]


def rate(seconds: int) -> str:
    """The cloud's word for a period. It knows whole minutes only and rounds up."""
    number, unit = -(-seconds // 60), "minute"
    if number % 60 == 0:
        number, unit = number // 60, "hour"
    return f"rate({number} {unit}{'' if number == 1 else 's'})"
