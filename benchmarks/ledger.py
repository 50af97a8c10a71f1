"""Theme: the ledger. Its services beside the same statements written by hand, pages of long histories beside short ones, verification beside bare SHA-256."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import os
import resource
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median

import psycopg
from django.db import connection

from benchmarks import ledger_by_hand
from benchmarks.crews import Jobs, crew, take_turns
from benchmarks.figures import AtLeast, AtMost, Figure, figure_of_rounds, spaced
from benchmarks.ground import Database, Ground
from benchmarks.sizes import Size
from bonuses.adapters.anchor_files import AnchorFiles
from bonuses.admin.portrait import paint
from bonuses.models import Customer, LedgerEntry
from bonuses.policy import Totals
from bonuses.policy_orders import Stage
from bonuses.services import auditing, customers, holding, orders, reckoning, sealing

CLIENTS = 8
LOTS = 25
FEW, MANY = 10, 100_000
VERIFIED = 1_000_000


def measure(ground: Ground, size: Size) -> list[Figure]:
    is_full = size.rounds > 1
    database = ground.database()
    with crew(CLIENTS, partial(_prepare, database)) as clients:
        rates = take_turns(
            {
                name: partial(clients.rate, name, seconds=size.round_seconds)
                for name in ("accrue", "accrue by hand", "spend", "spend by hand")
            },
            rounds=size.rounds,
        )
    ground.drop(database)
    written = [
        figure_of_rounds(
            f"{title} / the same statements by hand, {CLIENTS} clients",
            rates[name],
            rates[f"{name} by hand"],
            target=AtLeast(0.5),
            unit="/s",
        )
        for title, name in (("accrue", "accrue"), ("hold and capture", "spend"))
    ]
    return [
        *written,
        *_reading(ground, size, MANY if is_full else 200),
        *_verifying(ground, VERIFIED if is_full else 2000),
    ]


# --- writing


def _prepare(database: Database) -> Jobs:
    """Customers of this client's own who earn and who spend, for us and for the statements by hand; each side has one connection that stays open.

    Who earns comes to hundreds of lots here, which nobody has who only shops; so who spends is somebody else, with a good year's lots.
    """
    database.use_in_django()
    numbers, member = itertools.count(1), os.getpid()
    earner, their_earner, spender, their_spender = (
        _endowed(f"+380{member % 10_000:04d}{number:05d}") for number in range(4)
    )
    for customer in (spender, their_spender):
        for number in range(LOTS):
            _complete(customer, f"lot-{customer}-{number}", Decimal(1000))
    session = psycopg.connect(database.url)
    find = "SELECT id FROM bonuses_account WHERE customer_id = %s ORDER BY id"
    earns_on, *_ = (row[0] for row in session.execute(find, [their_earner]))
    accounts = [row[0] for row in session.execute(find, [their_spender])]
    session.commit()

    def accrue() -> None:
        _complete(earner, f"{member}-{next(numbers)}", Decimal(1000))

    def spend() -> None:
        at = dt.datetime.now(dt.UTC)
        held = holding.place_hold(customer_id=spender, points=1, key=f"{member}-{next(numbers)}", now=at, actor="bench")
        holding.capture_hold(hold_id=held.id, now=at, actor="bench")

    def accrue_by_hand() -> None:
        with session.cursor() as cursor:
            ledger_by_hand.accrue(
                cursor, customer=their_earner, available=earns_on, number=f"{member}-hand-{next(numbers)}"
            )
        session.commit()

    def spend_by_hand() -> None:
        key = f"{member}-hand-{next(numbers)}"
        with session.cursor() as cursor:
            hold = ledger_by_hand.place(
                cursor, customer=their_spender, available=accounts[0], held=accounts[1], key=key
            )
        session.commit()
        with session.cursor() as cursor:
            ledger_by_hand.capture(cursor, hold=hold, held=accounts[1], key=key)
        session.commit()

    return {"accrue": accrue, "spend": spend, "accrue by hand": accrue_by_hand, "spend by hand": spend_by_hand}


def _complete(customer: int, number: str, total: Decimal) -> None:
    at = dt.datetime.now(dt.UTC)
    snapshot = orders.Snapshot(
        source="bench",
        number=number,
        stage=Stage.COMPLETED,
        totals=Totals(grand=total),
        placed_at=at,
        seen_at=at,
        customer_id=customer,
    )
    orders.apply_snapshot(snapshot=snapshot, now=at, actor="bench")


def _endowed(phone: str) -> int:
    """A customer with enough points for any run, in one lot that is drawn first."""
    customer = customers.find_or_create(phone=phone, now=dt.datetime.now(dt.UTC))
    _complete(customer, f"gift-{customer}", Decimal(9_000_000))
    return customer


# --- reading


def _reading(ground: Ground, size: Size, many: int) -> list[Figure]:
    database = ground.database()
    database.use_in_django()
    now = dt.datetime.now(dt.UTC)
    people = {}
    for name, count in (("few", FEW), ("many", many)):
        people[name] = _endowed(f"+38067000000{count % 7}")
        ledger_by_hand.fill_history(customer=people[name], entries=count, now=now)
    database.settle()
    figures = []
    for title, ask in (("balance", _ask_balance), ("customer page", _ask_page)):
        taken = take_turns(
            {name: partial(_milliseconds, partial(ask, pk)) for name, pk in people.items()}, rounds=size.rounds
        )
        figures.append(
            figure_of_rounds(
                f"{title} at {spaced(many)} entries / at {FEW}",
                taken["many"],
                taken["few"],
                target=AtMost(1.3),
                unit="ms",
            )
        )
    connection.close()
    ground.drop(database)
    return figures


def _ask_balance(customer: int) -> object:
    return reckoning.balance(customer, now=dt.datetime.now(dt.UTC))


def _ask_page(customer: int) -> object:
    return paint(Customer.objects.get(pk=customer), now=dt.datetime.now(dt.UTC))


def _milliseconds(act: Callable[[], object], times: int = 20) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return median(taken) * 1000


# --- verifying


def _verifying(ground: Ground, entries: int) -> list[Figure]:
    """Entries a second, and how much memory it took; beside it SHA-256 over the same number of forms of the same length."""
    database = ground.database()
    database.use_in_django()
    now = dt.datetime.now(dt.UTC)
    ledger_by_hand.fill_history(customer=_endowed("+380670000009"), entries=entries, now=now)
    database.settle()
    sealing.seal_entries(now=now, whole=True)
    with tempfile.TemporaryDirectory() as folder:
        store = AnchorFiles(Path(folder))
        sealing.anchor_head(store, now=now)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        verdict = auditing.verify_ledger(store)
        ours = verdict.entries / (time.perf_counter() - began)
        grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert verdict.is_good, verdict
    form = sealing.canonical_forms([LedgerEntry.objects.order_by("pk").values_list("pk", flat=True)[0]])[0]
    began = time.perf_counter()
    digest = sealing.GENESIS
    for _ in range(verdict.entries):
        digest = hashlib.sha256(digest.encode() + form).hexdigest()
    theirs = verdict.entries / (time.perf_counter() - began)
    connection.close()
    ground.drop(database)
    return [
        Figure(
            f"verify {spaced(verdict.entries)} entries / SHA-256 alone", ours, theirs, ours / theirs, None, "entries/s"
        ),
        Figure("memory that verifying adds / 64 MiB", grown_mib, 64, grown_mib / 64, AtMost(1.0), "MiB"),
    ]
