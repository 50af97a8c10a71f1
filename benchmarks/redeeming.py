"""Theme: points become a code, hold and code and idempotency record in one transaction, beside the same statements sent by hand."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from decimal import Decimal
from functools import partial

import psycopg

from benchmarks.crews import Jobs, crew, take_turns
from benchmarks.figures import AtLeast, Figure, figure_of_rounds
from benchmarks.ground import Database, Ground
from benchmarks.redeeming_by_hand import look_at_stock, redeem_by_hand
from benchmarks.sizes import Size
from bonuses.policy import Totals
from bonuses.policy_orders import Stage
from bonuses.services import customers, orders, redeeming
from bonusportal import idempotency

CLIENTS = 8
AMOUNT, THEIR_AMOUNT = 1, 2
CUSTOMERS = 40  # of each client: nobody has thousands of open redemptions


def measure(ground: Ground, size: Size) -> list[Figure]:
    database = ground.database()
    for amount in (AMOUNT, THEIR_AMOUNT):
        database.add_codes(amount_uah=amount, count=size.codes_to_drain)
    database.settle()
    with crew(CLIENTS, partial(_prepare, database)) as clients:
        rates = take_turns(
            {name: partial(clients.rate, name, seconds=size.round_seconds) for name in ("ours", "theirs")},
            rounds=size.rounds,
        )
    ground.drop(database)
    return [
        figure_of_rounds(
            f"redeem points for a code / the same statements by hand, {CLIENTS} clients",
            rates["ours"],
            rates["theirs"],
            target=AtLeast(0.5),
            unit="/s",
        )
    ]


def _prepare(database: Database) -> Jobs:
    """Customers of this client's own, some for us and some for the statements by hand, each side with one connection that stays open."""
    database.use_in_django()
    numbers, member = itertools.count(1), os.getpid()
    ours = [_endowed(f"+380{member % 10_000:04d}{number:05d}") for number in range(CUSTOMERS)]
    theirs = [_endowed(f"+380{member % 10_000:04d}{number:05d}") for number in range(CUSTOMERS, 2 * CUSTOMERS)]
    session = psycopg.connect(
        database.url, autocommit=True
    )  # a transaction where there is something to keep together, as Django does
    find_accounts = "SELECT id FROM bonuses_account WHERE customer_id = %s ORDER BY id"
    accounts = {customer: [row[0] for row in session.execute(find_accounts, [customer])] for customer in theirs}

    def redeem() -> None:
        number = next(numbers)
        customer, key = ours[number % CUSTOMERS], f"{member}-{number}"
        record = idempotency.ask(
            method="POST", path="/api/v1/redemptions", caller=f"customer:{customer}", key=key, body={"points": AMOUNT}
        )
        redeeming.redeem(
            customer_id=customer, points=AMOUNT, order_total=Decimal(1000), key=key, now=dt.datetime.now(dt.UTC), actor="bench", record=record
        )  # fmt: skip

    def by_hand() -> None:
        number = next(numbers)
        customer = theirs[number % CUSTOMERS]
        available, held, _debt = accounts[customer]
        with session.cursor() as cursor:
            with session.transaction():
                pool = redeem_by_hand(
                    cursor, customer=customer, available=available, held=held, amount=THEIR_AMOUNT, key=f"{member}-hand-{number}"
                )  # fmt: skip
            look_at_stock(cursor, pool=pool)

    return {"ours": redeem, "theirs": by_hand}


def _endowed(phone: str) -> int:
    """A customer with enough points for any run, in one lot."""
    at = dt.datetime.now(dt.UTC)
    customer = customers.find_or_create(phone=phone, now=at)
    snapshot = orders.Snapshot(
        source="bench", number=f"gift-{customer}", stage=Stage.COMPLETED, totals=Totals(grand=Decimal(9_000_000)), placed_at=at, seen_at=at,
        customer_id=customer,
    )  # fmt: skip
    orders.apply_snapshot(snapshot=snapshot, now=at, actor="bench")
    return customer
