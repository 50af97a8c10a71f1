"""Theme: a refill through a real browser, and reading a long grid, beside the same clicks scripted bare at the same simulated panel.

Ours is the whole sitting of a worker: lease, browser, saved session, rows, pictures, trace, reading back. Both start a browser of their own and end it.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from threading import Event
from typing import Any

from django.conf import settings

from benchmarks.clicking import Script
from benchmarks.crews import Jobs, crew, take_turns
from benchmarks.figures import AtMost, Figure, figure_of_rounds, spaced
from benchmarks.ground import Database, Ground
from benchmarks.sizes import Size
from demo.panel.server import serve
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME, PanelState
from promo import policy, sitting, wiring
from promo.models import Pool
from promo.services import stock
from tools.binaries import chromium_program
from tools.places import Refusal
from tools.ports import LOOPBACK, free_port

# Every refill gets an amount of its own, so that nothing has to be put back between rounds.
_OUR_AMOUNTS, _THEIR_AMOUNTS = count(1100, 2), count(1101, 2)
_FORK = multiprocessing.get_context("fork")


def measure(ground: Ground, size: Size) -> list[Figure]:
    chromium = chromium_program()
    if chromium is None:
        raise Refusal("There is no browser here, and a refill needs one. Run: python3 -m tools.setup")
    database = ground.database()
    pages = {"ours": _FORK.Value("i"), "theirs": _FORK.Value("i")}
    with _running_panel(size.grid_rows) as url:
        script = Script(url=url, username=DEMO_USERNAME, password=DEMO_PASSWORD, chromium=str(chromium))
        ours, theirs = (
            partial(_prepare_ours, database, script, size, pages),
            partial(_prepare_theirs, script, size, pages),
        )
        with crew(1, ours) as portal, crew(1, theirs) as bare:

            def turns(job: str) -> dict[str, list[float]]:
                both = {"ours": partial(portal.seconds, job, times=1), "theirs": partial(bare.seconds, job, times=1)}
                return take_turns(both, rounds=size.refill_rounds, is_cold_thrown_away=size.warms_up)

            refills, readings = turns("refill"), turns("read")
    ground.drop(database)
    turned = {name: float(one.value) for name, one in pages.items()}
    title = f"a grid of {spaced(size.grid_rows)} rows"
    return [
        figure_of_rounds(
            f"a refill of {size.refill_codes} codes / the same clicks scripted bare",
            refills["ours"],
            refills["theirs"],
            target=AtMost(2),
            unit="s",
        ),
        Figure(
            f"{title}: pages turned / fewest",
            **turned,
            ratio=turned["ours"] / turned["theirs"],
            target=AtMost(1),
            unit="pages",
        ),
        figure_of_rounds(
            f"{title}: reading it / scripted bare", readings["ours"], readings["theirs"], target=None, unit="s"
        ),
    ]


@contextmanager
def _running_panel(rows: int) -> Iterator[str]:
    """The simulated store panel with so many codes, in a process of its own. Yields the address of its codes page."""
    port, ready = free_port(), _FORK.Event()
    panel = _FORK.Process(target=_serve_panel, args=(port, rows, ready), daemon=True)
    panel.start()
    try:
        if not ready.wait(30):
            raise RuntimeError("The simulated panel did not start within 30 s.")
        yield f"http://{LOOPBACK}:{port}/edit/discounts/codes"
    finally:
        panel.terminate()
        panel.join()


def _serve_panel(port: int, rows: int, ready: Any) -> None:
    state = PanelState()
    for number in range(rows):
        state.add_code(f"BON900N{number:05d}", 900)
    with serve(state, port):
        ready.set()
        Event().wait()  # until this process is ended


def _prepare_ours(database: Database, script: Script, size: Size, pages: Any) -> Jobs:
    database.use_in_django()
    settings.PANEL_URL, settings.CHROMIUM_PATH = script.url, script.chromium
    settings.PANEL_USERNAME, settings.PANEL_PASSWORD = script.username, script.password

    def refill() -> None:
        pool = Pool.objects.create(
            amount_uah=next(_OUR_AMOUNTS), low_water=size.refill_codes - 1, target=size.refill_codes
        )
        stock.request_run(pool_id=pool.pk, trigger="staff", requested_by="bench", now=dt.datetime.now(dt.UTC))
        sitting.hold_sitting(open_panel=wiring.open_panel, holder="bench", budget_seconds=600)
        if (made := pool.codes.available().count()) != size.refill_codes:
            raise AssertionError(f"the refill made {made} codes: {pool.runs.get().detail}")

    def read() -> None:
        with wiring.open_panel(on_step=lambda _step: None, on_wait=lambda: None) as panel:
            panel.sign_in()
            pages["ours"].value = panel.read_codes(amount_uah=None).pages

    return {"refill": refill, "read": read}


def _prepare_theirs(script: Script, size: Size, pages: Any) -> Jobs:
    session = script.sign_in()
    last_day = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=365)).isoformat()

    def refill() -> None:
        amount = next(_THEIR_AMOUNTS)
        codes = [policy.invent_code(amount) for _ in range(size.refill_codes)]
        script.refill(session, amount_uah=amount, codes=codes, last_day=last_day)

    def read() -> None:
        _rows, pages["theirs"].value = script.read_all(session)

    return {"refill": refill, "read": read}
