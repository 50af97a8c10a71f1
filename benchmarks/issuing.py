"""Theme: the service that hands out codes, beside the same two statements written by hand."""

from __future__ import annotations

import datetime as dt
from functools import partial

import psycopg

from benchmarks.crews import Jobs, crew, take_turns
from benchmarks.figures import AtLeast, Figure, figure_of_rounds
from benchmarks.ground import Database, Ground
from benchmarks.handwritten import claim_code
from benchmarks.sizes import Size
from promo.services import issuing

CLIENTS = 8
AMOUNT, FORMER_AMOUNT = 1100, 1200


def measure(ground: Ground, size: Size) -> list[Figure]:
    database = ground.database()
    database.add_history(amount_uah=FORMER_AMOUNT, count=size.issued_before)
    database.add_codes(amount_uah=AMOUNT, count=size.codes_to_drain)
    database.settle()
    with crew(CLIENTS, partial(_prepare, database)) as clients:
        rates = take_turns(
            {name: partial(clients.rate, name, seconds=size.round_seconds) for name in ("ours", "theirs")},
            rounds=size.rounds,
        )
    ground.drop(database)
    return [
        figure_of_rounds(
            f"issue_code / claim and insert by hand, {CLIENTS} clients",
            rates["ours"],
            rates["theirs"],
            target=AtLeast(0.5),
            unit="codes/s",
        )
    ]


def _prepare(database: Database) -> Jobs:
    """Both with one connection that stays open, each in its library's own default way."""
    database.use_in_django()
    session = psycopg.connect(database.url)

    def theirs() -> None:
        with session.cursor() as cursor:
            claim_code(cursor, amount_uah=AMOUNT, now=dt.datetime.now(dt.UTC))
        session.commit()

    def ours() -> None:
        issuing.issue_code(amount_uah=AMOUNT, channel="drop_in", now=dt.datetime.now(dt.UTC))

    return {"ours": ours, "theirs": theirs}
