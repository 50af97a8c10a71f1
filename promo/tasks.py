"""Where services meet adapters: load the row, build the adapter, call the service. All are sweeps as well: run late, twice or after a crash they continue."""

from __future__ import annotations

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from bonusportal import counting
from bonusportal.nudges import nudge
from promo import sitting, wiring
from promo.errors import MirrorConflict, MirrorUnavailable
from promo.rendering import DocumentBroken
from promo.services import exporting, mirroring, moving, stock, witnessing

logger = logging.getLogger(__name__)
MIRROR_EVERY_SECONDS = 5.0


def nudge_runs() -> None:
    nudge("promo.tasks.work_through_runs")


def nudge_mirror() -> None:
    """One write per five seconds at most, and late enough to hold everything that happened within them."""
    nudge("promo.tasks.publish_mirror", at_most_every_seconds=MIRROR_EVERY_SECONDS)


@shared_task
def look_at_stock() -> int:
    asked = stock.look_at_stock(now=timezone.now())
    if asked:
        nudge_runs()
    return len(asked)


@shared_task
def void_expired_codes() -> int:
    now = timezone.now()
    witnessing.forget_old_evidence(now=now)
    exporting.forget_old_exports(now=now)
    return moving.void_expired_codes(now=now)


@shared_task
def write_exports() -> int:
    return exporting.write_waiting(now=timezone.now())


@shared_task
def publish_mirror() -> int:
    """Bring the bucket up to the rows. What goes wrong is counted, and the next tick looks again."""
    now = timezone.now()
    try:
        published = mirroring.publish(
            store=wiring.open_mirror_store(),
            codes_key=settings.MIRROR_CODES_KEY,
            counts_key=settings.MIRROR_COUNTS_KEY,
            codes_per_pool=settings.MIRROR_CODES_PER_POOL,
            now=now,
        )
    except (MirrorConflict, MirrorUnavailable) as error:
        logger.warning("the mirror could not be written (%s): the next tick looks again", error)
        counting.count("mirror.failed", now=now)
        return 0
    except DocumentBroken as error:
        logger.error("the document in the bucket cannot be read (%s): it is left alone until a person looks", error)
        counting.count("alarm.mirror_document_broken", now=now)
        return 0
    if published.wrote:
        logger.info("mirror revision %s written after %s look(s)", published.revision, published.looks)
    return published.revision


@shared_task
def work_through_runs() -> int:
    """Serve every requested run in one sitting at the panel. Returns how many were served."""
    if not sitting.is_anything_to_do():
        return 0
    if wiring.panel_config() is None:
        logger.warning("runs are requested but no panel is configured (PANEL_URL, PANEL_USERNAME, PANEL_PASSWORD)")
        return 0
    served = sitting.hold_sitting(
        open_panel=wiring.open_panel,
        holder=wiring.worker_name(),
        budget_seconds=settings.RUN_BUDGET_SECONDS,
        after_run=nudge_mirror,
    )
    # Whatever was requested while we worked, or was put off by the time budget.
    if served and sitting.is_anything_to_do():
        nudge_runs()
    return served
