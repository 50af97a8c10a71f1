"""The stock board: the first page after signing in. Gathers what services say and what a template draws; decides nothing about stock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bonusportal.counting import kyiv_day
from bonusportal.living import Part, look_around
from bonusportal.models import DailyCount
from promo.admin.drawing import SparkBar, draw_badge, draw_spark, percent_of
from promo.admin.wording import LEVELS, RUN_COLOURS, name_counter
from promo.models import Demand, Pool, ReplenishRun, RunState
from promo.policy_sentences import sentence_for
from promo.services import leasing, levels
from promo.services.levels import PoolState
from promo.strength_sentences import say_strength

# Apps above this one warn on the board too: each adds a function of `now`.
WATCHERS: list[Callable[[dt.datetime], list[Banner]]] = []
POOLS_PER_PAGE = 50
DEMAND_DAYS = 14
MOST_DEMANDS = 8
MOST_COUNTERS = 8
MOST_WEAK = 12


@dataclass(frozen=True, slots=True)
class Banner:
    """Something that somebody has to see to. `is_block` draws the button that lets the panel's runs go on; `address` leads to where to look."""

    colour: str
    icon: str
    text: str
    hint: str = ""
    seen_at: dt.datetime | None = None
    is_block: bool = False
    address: str = ""
    pools: list[PoolState] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A pool with its pictures."""

    state: PoolState
    badge: SafeString
    percent: int
    low_percent: int
    spark: list[SparkBar]
    lasts: str
    is_urgent: bool
    run_badge: SafeString | str
    run_at: dt.datetime | None


def show_board(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook for the index page: everything that `admin/index.html` needs. Without `view_pool` there is no board."""
    context["title"] = _("Stock board")
    if not request.user.has_perm("promo.view_pool"):
        return {**context, "board": None}
    now = timezone.now()
    states = levels.board(now=now)
    in_need = [state for state in states if state.is_active and state.is_low]
    shown = in_need if request.GET.get("show") == "low" else states
    amount = request.GET.get("amount", "").strip()
    if amount:
        shown = [state for state in shown if str(state.amount_uah) == amount]
    page = Paginator(shown, POOLS_PER_PAGE).get_page(request.GET.get("page"))
    board = {
        "banners": [
            *(banner for watch in WATCHERS for banner in watch(now)),
            *find_banners(now=now, parts=look_around(now=now)),
            *_warn_of_weak_pools(states),
        ],
        "lines": [draw_line(state, now=now) for state in page],
        "page": page,
        "pages": _pages(page),
        "number_of_pools": len(states),
        "number_in_need": len(in_need),
        "issued_today": sum(state.issued_today for state in states),
        "available": sum(state.available for state in states),
        "foreign": sum(state.foreign for state in states),
        "waiting_runs": ReplenishRun.objects.filter(state=RunState.NEEDS_PERSON).count(),
        "only_low": request.GET.get("show") == "low",
        "amount": amount,
        "demand": unmet_demand(now=now),
        "counters": counters_of_today(now=now),
        "may_manage": request.user.has_perm("promo.manage_pools"),
        "may_add": request.user.has_perm("promo.add_pool"),
        "may_find": request.user.has_perm("promo.view_code"),
        "may_see_runs": request.user.has_perm("promo.view_replenishrun"),
        "may_see_codes": request.user.has_perm("promo.view_code"),
    }
    return {**context, "board": board, "now": now}


def draw_line(state: PoolState, *, now: dt.datetime) -> Line:
    words, colour = LEVELS[state.level]
    run = state.last_run
    return Line(
        state=state,
        badge=draw_badge(words, colour) if state.is_active else draw_badge(_("not in use")),
        percent=percent_of(state.available, state.target),
        low_percent=percent_of(state.low_water, state.target),
        spark=draw_spark(state.issued_by_day, last_day=kyiv_day(now)),
        lasts=_say_days(state.days_left),
        is_urgent=state.days_left is not None and state.days_left < 1,
        run_badge=draw_badge(run.get_state_display(), RUN_COLOURS.get(run.state, "")) if run else "",
        run_at=(run.finished_at or run.leased_at or run.requested_at) if run else None,
    )


def _say_days(days_left: float | None) -> str:
    if days_left is None:
        return ""
    if days_left < 1:
        return _("under a day")
    if days_left > 365:
        return _("over a year")
    return ngettext("%(n)d day", "%(n)d days", round(days_left)) % {"n": round(days_left)}


def _pages(page: Page[PoolState]) -> list[int | str]:
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1))


def find_banners(*, now: dt.datetime, parts: Sequence[Part]) -> list[Banner]:
    """What stops the pools from filling, the gravest first."""
    by_name = {part.name: part for part in parts}
    banners: list[Banner] = []
    panel = leasing.panel_state()
    if panel.blocked_reason and (panel.retry_at is None or panel.retry_at > now):
        banners.append(
            Banner("danger", "front_hand", _("The panel is blocked: nobody signs in."), sentence_for(panel.blocked_reason),
                   panel.blocked_at, is_block=True)
        )  # fmt: skip
    worker, browser, beat, broker = (by_name.get(name) for name in ("worker", "browser", "beat", "broker"))
    if broker is not None and broker.ok is False:
        banners.append(
            Banner(
                "danger",
                "cloud_off",
                _("The broker does not answer."),
                _("Codes are issued all the same; refills start when it is back."),
            )
        )
    silent = [part for part in (worker, browser) if part is not None and not part.ok]
    if silent:
        hint = (
            _("Start everything with: make run")
            if settings.IS_LOCAL
            else _("Start the worker; what it missed it finds by itself.")
        )
        banners.append(Banner("danger", "engineering", _say_silent(silent), hint, silent[0].seen_at))
    if worker is not None and worker.ok and beat is not None and not beat.ok:
        text = _("The scheduler is not running: what a lost message forgot is found by nobody.")
        banners.append(Banner("warning", "event_busy", text, "", beat.seen_at))
    if not (settings.PANEL_URL and settings.PANEL_USERNAME and settings.PANEL_PASSWORD):
        banners.append(
            Banner(
                "warning",
                "link_off",
                _("No panel is configured: pools cannot refill."),
                "PANEL_URL · PANEL_USERNAME · PANEL_PASSWORD",
            )
        )
    return banners


def _say_silent(silent: Sequence[Part]) -> str:
    """There are two workers: one works at the panel with a browser, the other does everything else."""
    if len(silent) > 1:
        return _("No worker is running: pools do not refill and the document in the bucket does not follow.")
    if silent[0].name == "browser":
        return _("No browser worker is running: pools do not refill.")
    return _("No worker is running: nothing is swept up and the document in the bucket does not follow.")


def strength_of(state: PoolState) -> str:
    return say_strength(amount_uah=state.amount_uah, bits=state.bits, guesses=state.guesses)


def _warn_of_weak_pools(states: Sequence[PoolState]) -> list[Banner]:
    weak = levels.weak_pools(states)
    if not weak:
        return []
    text = ngettext(
        "%(n)d pool holds codes that are too easy to guess.",
        "%(n)d pools hold codes that are too easy to guess.",
        len(weak),
    ) % {"n": len(weak)}
    hint = _("Weakest: %(strength)s Stock these amounts anew, and first remove every code that nobody has been given.")
    return [Banner("warning", "key_off", text, hint % {"strength": strength_of(weak[0])}, pools=weak[:MOST_WEAK])]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An amount that was asked for in vain within the last two weeks."""

    amount_uah: int
    misses: int
    has_pool: bool


def unmet_demand(*, now: dt.datetime) -> list[Wanted]:
    """The amounts most often asked for and not to be had; those that have no pool at all come first."""
    since = kyiv_day(now) - dt.timedelta(days=DEMAND_DAYS - 1)
    rows = list(
        Demand.objects.filter(day__gte=since)
        .order_by()
        .values("amount_uah")
        .annotate(n=Sum("misses"))
        .order_by("-n", "amount_uah")[: MOST_DEMANDS * 4]
    )
    pools = set(
        Pool.objects.filter(amount_uah__in=[row["amount_uah"] for row in rows]).values_list("amount_uah", flat=True)
    )
    wanted = [Wanted(row["amount_uah"], row["n"], row["amount_uah"] in pools) for row in rows]
    return sorted(wanted, key=lambda one: (one.has_pool, -one.misses, one.amount_uah))[:MOST_DEMANDS]


@dataclass(frozen=True, slots=True)
class Counter:
    """How often something happened today. `is_alarm`: somebody should look."""

    words: str | Promise
    number: int
    is_alarm: bool


def counters_of_today(*, now: dt.datetime) -> list[Counter]:
    """Today's refusals, alarms and failures; counters that share their words are added up."""
    added: dict[str, int] = {}
    alarms: set[str] = set()
    for name, number in DailyCount.objects.filter(day=kyiv_day(now)).values_list("name", "count"):
        words = name_counter(name)
        added[words] = added.get(words, 0) + number
        if name.startswith("alarm."):
            alarms.add(words)
    counters = [Counter(words, number, words in alarms) for words, number in added.items()]
    return sorted(counters, key=lambda one: (not one.is_alarm, -one.number, str(one.words)))[:MOST_COUNTERS]


def board_address() -> str:
    return reverse("admin:index")
