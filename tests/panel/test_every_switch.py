"""Every switch of the simulated panel, and the state and reason in which a run ends under it.

The first table is played on one page that stays signed in; the second has a sitting of its own for each row, because it is about getting in, about
waits that run out, or leaves the page knowing something.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import pytest

from demo.panel.switches import Switches
from promo.adapters.bon_admin.thread import open_panel
from promo.models import PanelLease, Pool, ReplenishRun
from promo.ports import PanelConfig
from promo.services import leasing, replenishing, stock
from promo.sitting import hold_sitting
from tests.factories import make_code, make_pool
from tests.panel.visiting import PROFILE, impatient, visit

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("panel-switches")]
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
AMOUNT = 1100


@dataclass(frozen=True)
class Case:
    """Switches, and how a run under them ends: its state, its reason, and the pool's codes by state."""

    switches: dict[str, Any]
    state: str = "succeeded"
    reason: str = ""
    codes: dict[str, int] = field(default_factory=lambda: {"available": 1})
    kind: str = "refill"
    target: int = 1
    foreign_rows: int = 0
    profile: Any = PROFILE
    blocked: str = ""
    has_session: bool = True

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.switches.items()) + f":{self.kind}"


NOTHING: dict[str, int] = {}
RETIRED = {"void": 1}
ON_ONE_PAGE = [
    Case({"changed_header_ids": True}),
    Case({"changed_table_id": True}),
    Case({"columns_swapped": True}),
    Case({"columns_inserted": True}),
    Case({"status_words": "ru", "amount_format": "decimal", "date_format": "iso"}),
    Case({"status_words": "en", "amount_format": "nbsp", "date_format": "empty"}),
    Case({"status_words": "sentences", "amount_format": "grouped", "codes_padded": True, "other_codes": True}),
    Case({"status_words": "some_unknown", "amount_format": "grouped_nbsp"}),
    # What the panel says of the code is not understood: it stays planned, and is not made again.
    Case({"status_words": "unknown"}, "failed", "partial", {"planned": 1}),
    Case({"grid_empty_at_first": True}),
    # Said to exist, and nowhere to be read: this string is given up for good.
    Case({"save_outcome": "claims_duplicate"}, "failed", "partial", {"void": 1}),
    Case({"save_outcome": "claims_duplicate", "save_outcome_every": 2}, "failed", "partial", {"available": 1, "void": 1}, target=2),
    Case({"save_outcome": "silent_failure"}, "failed", "partial", {"planned": 1}),
    Case({"save_outcome": "silent_failure", "save_outcome_every": 2}, "failed", "partial", {"available": 1, "planned": 1}, target=2),
    Case({"save_outcome": "stored_then_500"}),
    Case({"delete_outcome": "silent_failure"}, "failed", "partial", {"withdrawn": 1}, kind="retire"),
    Case({"dialog": "modal"}, codes=RETIRED, kind="retire"),
    Case({"dialog_texts_changed": True}, codes=RETIRED, kind="retire"),
]  # fmt: skip
BY_ITSELF = [
    Case({"slow_seconds": 600}, "failed", "slow", NOTHING, profile=impatient(open_seconds=0.5)),
    Case({"slow_grid_seconds": 600}, "failed", "slow", NOTHING, profile=impatient(grid_seconds=0.5, login_seconds=0.5)),
    Case({"maintenance": True}, "requested", "maintenance", NOTHING, blocked="maintenance"),
    Case({"maintenance_after_requests": 2}, "requested", "maintenance", {"planned": 1}, blocked="maintenance"),
    Case({"challenge": True}),
    Case({"password_refused": True}, "needs_person", "wrong_password", NOTHING, blocked="wrong_password", has_session=False),
    Case({"captcha": True}, "needs_person", "captcha", NOTHING, blocked="captcha", has_session=False),
    Case({"second_factor": "totp"}, has_session=False),
    Case({"second_factor": "sms"}, "needs_person", "second_factor", NOTHING, blocked="second_factor", has_session=False),
    Case({"session_requests": 2}, "failed", "session_lost", NOTHING),
    Case({"session_ends_at_save": 1}, "failed", "partial", {"planned": 1}),
    Case({"changed_iframe_path": True}),
    Case({"changed_form_fields": True}, "failed", "layout", {"planned": 1}, profile=impatient(settled_seconds=0.3)),
    Case({"filter_mode": "ignored"}),
    Case({"filter_mode": "prefix"}),
    Case({"drifting_pages": True}, codes={"available": 1, "foreign": 170}, foreign_rows=170),
    Case({"save_outcome": "stored_then_hang", "hang_seconds": 600}, profile=impatient(save_seconds=1)),
]  # fmt: skip


def arrange(case: Case, panel) -> Pool:
    """A pool that wants one code or has one to be killed, a panel with a stranger's row, and the switches."""
    pool = make_pool(amount_uah=AMOUNT, low_water=0, target=case.target, adopt="ask" if case.foreign_rows else "trust")
    panel.state.add_code("BON200OTHER", 200)
    for number in range(3):  # every third row is the odd one under some_unknown; ours, the next, shall not be
        if panel.state.add_code(f"BON200PAD{number}", 200).id % 3 == 0:
            break
    for number in range(case.foreign_rows):
        panel.state.add_code(f"BON1100F{number:04}", AMOUNT)
    if case.kind == "retire":
        panel.state.add_code("BON1100GONE1", AMOUNT)
        make_code(pool, "withdrawn", code="BON1100GONE1")
    panel.state.set_switches(**case.switches)
    stock.request_run(pool_id=pool.pk, kind=case.kind, trigger="staff", now=NOW)
    return pool


def ended(pool: Pool) -> tuple[str, str, dict[str, int]]:
    run = ReplenishRun.objects.get(pool=pool)
    states = list(pool.codes.values_list("state", flat=True))
    return run.state, run.reason, {state: states.count(state) for state in sorted(set(states))}


def check_the_far_side(case: Case, pool: Pool, panel) -> None:
    """Whatever happened: what we hand out is there, and nothing else was touched."""
    assert panel.state.find("BON200OTHER") is not None
    assert {code.code for code in panel.state.deleted} <= {"BON1100GONE1"}
    for code in pool.codes.filter(state="available"):
        there = panel.state.find(code.code)
        assert (there.active, int(there.amount)) == (True, AMOUNT)


@pytest.fixture(scope="module")
def signed_in_page(store, browser_thread) -> Iterator[Any]:
    store.state.replace_switches(Switches())  # made before `panel` tidies up behind the test before
    with visit(store, browser_thread) as here:
        here.panel.sign_in()
        yield here.panel


@pytest.mark.parametrize("case", ON_ONE_PAGE, ids=str)
def test_a_run_under_this_switch_ends_in_its_state_and_reason(panel, signed_in_page, case):
    pool = arrange(case, panel)
    token = leasing.take_lease(holder="test", now=NOW)
    run = leasing.next_run(token, now=NOW)
    outcome = replenishing.work_on(
        run=run, token=token, panel=signed_in_page, clock=lambda: NOW, deadline=NOW + dt.timedelta(hours=1)
    )
    replenishing.finish_run(run=run, token=token, outcome=outcome, now=NOW)
    assert ended(pool) == (case.state, case.reason, case.codes)
    check_the_far_side(case, pool, panel)


@pytest.mark.parametrize("case", BY_ITSELF, ids=str)
def test_a_sitting_under_this_switch_ends_in_its_state_and_reason(panel, browser_thread, live_session, case):
    @contextmanager
    def open_lent(*, on_step: Any, on_wait: Any, profile: Any, trace: Any) -> Iterator[Any]:
        config = PanelConfig(
            url=panel.codes_url,
            username=panel.state.username,
            password=panel.state.password,
            totp_secret=panel.state.totp_secret if case.switches.get("second_factor") == "totp" else "",
            wait_seconds=60,
            with_pictures=False,
        )
        with open_panel(
            config,
            profile=case.profile,
            saved_session=live_session if case.has_session else None,
            on_step=on_step,
            on_wait=on_wait,
            clock=panel.state.clock,
            browser=browser_thread,
        ) as bon:
            yield bon

    pool = arrange(case, panel)
    hold_sitting(open_panel=open_lent, holder="test", budget_seconds=600, clock=lambda: NOW)
    assert ended(pool) == (case.state, case.reason, case.codes)
    assert PanelLease.objects.get().blocked_reason == case.blocked
    check_the_far_side(case, pool, panel)


def test_no_switch_and_no_choice_of_one_is_forgotten():
    played = [case.switches for case in (*ON_ONE_PAGE, *BY_ITSELF)]
    for one in fields(Switches):
        values = {switches[one.name] for switches in played if one.name in switches}
        assert values, one.name
        assert set(one.metadata["choices"]) - {one.default} <= values, one.name
