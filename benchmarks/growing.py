"""Theme: issuing from a large pool beside issuing from a small one. Both are ours; only the number of rows differs.

What is timed is what a call of `/get-code` does with rows: the claim with its journal entry and the daily cap, then the look at the stock.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from functools import partial

from benchmarks.crews import Jobs, crew, take_turns
from benchmarks.figures import AtMost, Figure, figure_of_rounds, spaced
from benchmarks.ground import Database, Ground
from benchmarks.sizes import Size
from promo.services import issuing, stock

AMOUNT, FORMER_AMOUNT = 1100, 1200


def measure(ground: Ground, size: Size) -> list[Figure]:
    small, large, aged = ground.database(), ground.database(), ground.database()
    # A portal that has been in use for a while: of a table that was empty when the server looked at it last it expects nothing, and reads the whole
    # of it until it looks again, which may or may not happen while we measure.
    for database in (small, large):
        database.add_history(amount_uah=FORMER_AMOUNT, count=size.issued_before)
    large.add_codes(amount_uah=AMOUNT, count=size.large_pool)
    aged.add_history(amount_uah=FORMER_AMOUNT, count=size.large_pool)
    aged.add_codes(amount_uah=AMOUNT, count=size.large_pool)
    databases = {"small": small, "large": large, "aged": aged}
    small.add_codes(amount_uah=AMOUNT, count=size.small_pool)
    for database in databases.values():
        database.settle()
    with ExitStack() as open_crews:
        issuers = {
            name: open_crews.enter_context(crew(1, partial(_prepare, database))) for name, database in databases.items()
        }
        refilled_up_to = dict.fromkeys(databases, size.large_pool)

        def seconds(name: str) -> float:
            taken = issuers[name].seconds("issue", times=size.claims_per_round)
            # Every pool gets back what was taken, so that all three keep their size.
            databases[name].add_codes(
                amount_uah=AMOUNT, count=size.claims_per_round, first_place=refilled_up_to[name] + 1
            )
            refilled_up_to[name] += size.claims_per_round
            return taken * 1000 / size.claims_per_round

        times = take_turns({name: partial(seconds, name) for name in databases}, rounds=size.rounds)
    for database in databases.values():
        ground.drop(database)

    def figure(name: str, title: str) -> Figure:
        return figure_of_rounds(title, times[name], times["small"], target=AtMost(1.3), unit="ms")

    few, many = spaced(size.small_pool), spaced(size.large_pool)
    return [
        figure("large", f"a code from {many} / from {few}"),
        figure("aged", f"the same with {many} issued before"),
    ]


def _prepare(database: Database) -> Jobs:
    database.use_in_django()

    def issue() -> None:
        now = dt.datetime.now(dt.UTC)
        issued = issuing.issue_code(amount_uah=AMOUNT, channel="drop_in", now=now, daily_cap=1_000_000_000)
        stock.note_issue(pool_id=issued.pool_id, now=now)

    return {"issue": issue}
