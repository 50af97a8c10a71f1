"""What runs by itself, on one page. Celery's beat and the cloud's events are both made from `SCHEDULES`.

Every entry is a sweep: it looks at rows and continues what a crash or a lost message interrupted, so late, doubled or missed ticks change no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    Schedule("expired-codes", "promo.tasks.void_expired_codes", 3600, "takes codes near their last day out of use"),
    Schedule(
        "old-records",
        "bonusportal.tasks.forget_old_records",
        3600,
        "drops idempotency records, rate windows and old evidence",
    ),
)

# Runs at the panel take minutes and need a browser; everything else takes moments and must not wait behind them.
DEFAULT_QUEUE, PANEL_QUEUE = "portal", "panel"
ROUTES = {"promo.tasks.work_through_runs": {"queue": PANEL_QUEUE}}
# Under which name a worker that serves the queue is seen.
ROLE_OF_QUEUE = {DEFAULT_QUEUE: "worker", PANEL_QUEUE: "browser"}

# Sweeps that a worker does once when it starts.
AT_START = ("promo.tasks.look_at_stock", "promo.tasks.work_through_runs", "promo.tasks.publish_mirror")


def for_celery() -> dict[str, dict[str, Any]]:
    """CELERY_BEAT_SCHEDULE. A tick that nobody took within its period is dropped: the next one does the same work."""
    return {
        entry.name: {"task": entry.task, "schedule": entry.seconds, "options": {"expires": max(entry.seconds, 10)}}
        for entry in SCHEDULES
    }
