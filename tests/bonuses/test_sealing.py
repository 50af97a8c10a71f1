"""The chain, its anchors, and what the verification finds after somebody with SQL and no triggers was at work."""

import datetime as dt
import io
import random

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from bonuses import append_only
from bonuses.adapters.anchor_files import AnchorFiles
from bonuses.errors import AnchorExists
from bonuses.models import Anchor, LedgerEntry, Lot, Seal
from bonuses.services import auditing, sealing
from tests.bonuses.scenes import DAY, NOW, entries, give, hold, make_customer, say
from tests.bonuses.world import World, random_step

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LATER = NOW + DAY


@pytest.fixture
def store(tmp_path):
    return AnchorFiles(tmp_path / "anchors")


@pytest.fixture
def sealed(store):
    """A customer with a little history, sealed and anchored."""
    customer = make_customer()
    say("1", customer=customer)
    hold(customer, 40)
    say("1", total="500", customer=customer, now=NOW + dt.timedelta(minutes=1))
    sealing.seal_entries(now=LATER)
    sealing.anchor_head(store, now=LATER)
    return customer


def test_every_entry_gets_one_place_without_gaps_and_a_later_moment(sealed):
    assert [kind for kind, _ in entries()] == ["accrue", "hold", "clawback"]
    seals = list(Seal.objects.order_by("sequence"))
    assert [seal.sequence for seal in seals] == [1, 2, 3]
    assert [seal.sealed_at for seal in seals] == [LATER + dt.timedelta(microseconds=n) for n in range(3)]
    assert sealing.seal_entries(now=LATER) == 0


def test_a_clock_that_went_back_still_seals_later(sealed):
    give(sealed, 5)
    sealing.seal_entries(now=NOW - 400 * DAY)
    assert Seal.objects.get(sequence=4).sealed_at == LATER + dt.timedelta(microseconds=3)


def test_an_entry_that_commits_late_with_a_lower_id_is_sealed_as_well(sealed):
    """The ids of entries are not the order of their commits: here entry 2 commits after entry 3 was sealed."""
    give(sealed, 7)
    late = LedgerEntry.objects.latest("pk")
    with connection.cursor() as cursor:
        append_only.remove(connection)
        cursor.execute("DELETE FROM bonuses_seal WHERE sequence = 3")
        append_only.install(connection)
    assert sealing.seal_entries(now=LATER + DAY) == 2
    assert Seal.objects.get(entry=late).sequence == 4
    assert LedgerEntry.objects.filter(seal=None).count() == 0


def test_the_same_history_verifies(sealed, store):
    told: list[int] = []
    verdict = auditing.verify_ledger(store, progress=told.append)
    assert verdict == auditing.Verdict(entries=3, anchors=1, unsealed=0, finding=None)
    assert told == [3]


def test_the_anchor_is_made_once_and_never_overwritten(sealed, store):
    assert sealing.anchor_head(store, now=LATER) is None
    name = Anchor.objects.get().name
    with pytest.raises(AnchorExists):
        store.create(name, b"{}")
    assert b'"sequence": 3' in store.read(name)


def test_a_lost_row_of_an_anchor_is_made_again_from_the_object(sealed, store):
    append_only.remove(connection)
    Anchor.objects.all().delete()
    append_only.install(connection)
    assert sealing.anchor_head(store, now=LATER) == 3
    assert Anchor.objects.get().sequence == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bonuses_ledgerentry SET points = points + 1",
        "DELETE FROM bonuses_ledgerentry",
        "UPDATE bonuses_lotdraw SET points = points + 1",
        "DELETE FROM bonuses_lotdraw",
        "UPDATE bonuses_seal SET digest = ''",
        "DELETE FROM bonuses_seal",
        "UPDATE bonuses_anchor SET digest = ''",
        "DELETE FROM bonuses_anchor",
        "UPDATE bonuses_earningrule SET rate_percent = 99",
        "DELETE FROM bonuses_earningrule",
        "UPDATE bonuses_ordersnapshot SET earns = 9",
        "DELETE FROM bonuses_ordersnapshot",
    ],
)
def test_inv_18_append_only(sealed, statement):
    before = (entries(), list(Seal.objects.values()))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert (entries(), list(Seal.objects.values())) == before


@pytest.mark.parametrize("table", append_only.TABLES)
def test_inv_18_append_only_also_against_truncate(sealed, table):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    connection.check_constraints()  # what is pending would refuse first
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


# --- tampering

COLUMNS = {
    "kind": "'expire'", "points": "points + 1", "source": "'order:shop:forged'", "revision": "revision + 7", "actor": "'nobody'",
    "reason_code": "'abuse'", "note_digest": "'00'", "effective_at": "'2020-01-01 00:00:00'", "recorded_at": "'2020-01-01 00:00:00'",
    "debit_id": "-4", "credit_id": "-5", "rule_id": "NULL", "order_id": "NULL", "hold_id": "NULL",
}  # fmt: skip


def tamper(dice):
    """One change by SQL that the triggers would have refused. Returns the sequence at which the history is bad from then on, and what was done."""
    with connection.cursor() as cursor:

        def rows(query):
            cursor.execute(query)
            return cursor.fetchall()

        what = dice.choice(
            ["entry", "entry", "entry", "draw", "draw gone", "draw added", "lot", "lot", "seal", "entry gone", "swap"]
        )
        seals = rows("SELECT sequence, entry_id FROM bonuses_seal ORDER BY sequence")
        by_entry = {entry_id: sequence for sequence, entry_id in seals}
        sequence, entry_id = dice.choice(seals)
        if what == "entry":
            column = dice.choice(sorted(COLUMNS))
            before = rows(f"SELECT {column} FROM bonuses_ledgerentry WHERE id = {entry_id}")
            cursor.execute(f"UPDATE bonuses_ledgerentry SET {column} = {COLUMNS[column]} WHERE id = {entry_id}")
            if rows(f"SELECT {column} FROM bonuses_ledgerentry WHERE id = {entry_id}") == before:
                return None
            return sequence, f"{column} of {entry_id}"
        if what.startswith("draw"):
            draw_id, entry_id, lot_id = dice.choice(
                rows("SELECT id, entry_id, lot_id FROM bonuses_lotdraw ORDER BY id")
            )
            if what == "draw":
                cursor.execute(
                    f"UPDATE bonuses_lotdraw SET points = points + {dice.randrange(1, 9)} WHERE id = {draw_id}"
                )
            elif what == "draw gone":
                cursor.execute(f"DELETE FROM bonuses_lotdraw WHERE id = {draw_id}")
            else:
                other = dice.choice(
                    rows(
                        f"SELECT id FROM bonuses_lot WHERE id NOT IN (SELECT lot_id FROM bonuses_lotdraw WHERE entry_id = {entry_id})"
                    )
                )
                cursor.execute(
                    f"INSERT INTO bonuses_lotdraw (entry_id, lot_id, points) VALUES ({entry_id}, {other[0]}, 1)"
                )
            return by_entry[entry_id], f"{what} of {entry_id}, lot {lot_id}"
        if what == "lot":
            lot_id, entry_id = dice.choice(rows("SELECT id, entry_id FROM bonuses_lot ORDER BY id"))
            change = dice.choice(
                ["expires_at = '2099-01-01 00:00:00'", "activates_at = '2020-01-01 00:00:00'", "granted = granted + 5", "rule_id = NULL",
                 "granted = granted + 1, remaining = remaining + 1", "granted = granted + 1, held = held + 1"]
            )  # fmt: skip
            before = rows(f"SELECT * FROM bonuses_lot WHERE id = {lot_id}")
            cursor.execute(f"UPDATE bonuses_lot SET {change} WHERE id = {lot_id}")
            if rows(f"SELECT * FROM bonuses_lot WHERE id = {lot_id}") == before:
                return None
            return by_entry[entry_id], f"lot {lot_id} {change}"
        if what == "seal":
            cursor.execute(
                f"UPDATE bonuses_seal SET digest = '{dice.randrange(10**12):064x}' WHERE sequence = {sequence}"
            )
            return sequence, f"seal {sequence}"
        if what == "entry gone":
            gone = dice.choice(rows(
                "SELECT e.id FROM bonuses_ledgerentry e WHERE NOT EXISTS (SELECT 1 FROM bonuses_lot l WHERE l.entry_id = e.id) "
                "AND NOT EXISTS (SELECT 1 FROM bonuses_note n WHERE n.entry_id = e.id)"
            ))[0]  # fmt: skip
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA defer_foreign_keys = ON")
            cursor.execute(f"DELETE FROM bonuses_lotdraw WHERE entry_id = {gone}")
            cursor.execute(f"DELETE FROM bonuses_ledgerentry WHERE id = {gone}")
            return by_entry[gone], f"entry {gone} gone"
        # Two entries change places in the chain, digests and all recomputed from there on: only the anchor knows.
        if sequence == seals[-1][0]:
            return None
        cursor.execute(f"UPDATE bonuses_ledgerentry SET actor = 'forger' WHERE id = {entry_id}")
        rewrite_chain(sequence)
        return seals[-1][0], f"chain rewritten from {sequence}"


def rewrite_chain(first):
    digest = Seal.objects.get(sequence=first - 1).digest if first > 1 else sealing.GENESIS
    for seal in Seal.objects.filter(sequence__gte=first).order_by("sequence"):
        digest = sealing.link(digest, sealing.canonical_forms([seal.entry_id])[0])
        Seal.objects.filter(sequence=seal.sequence).update(digest=digest)


class Undo(Exception):
    pass


def test_inv_19_tamper_evident_200_random_edits_each_named_by_its_first_bad_entry(store, settings):
    settings.ADJUST_DAY_POINTS = 10**9
    dice, world = random.Random(19), World()
    for _ in range(90):
        random_step(world, dice)
    world.finish()
    sealing.close_books(store, now=world.now)
    assert auditing.verify_ledger(store).finding is None
    append_only.remove(connection)
    done = 0
    while done < 200:
        try:
            with transaction.atomic():
                forged = tamper(dice)
                if forged is not None:
                    expected, what = forged
                    finding = auditing.verify_ledger(store).finding
                    assert finding is not None, what
                    assert finding.sequence == expected, (what, finding)
                    done += 1
                raise Undo
        except Undo:
            pass
    append_only.install(connection)
    assert auditing.verify_ledger(store).finding is None


def test_a_balance_that_was_changed_by_hand_is_found(sealed, store):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE bonuses_account SET balance = balance + 50 WHERE customer_id = %s AND kind = 'available'", [sealed]
        )
    finding = auditing.verify_ledger(store).finding
    assert finding is not None
    assert finding.what.startswith("the balance of account")
    assert finding.sequence == 3


def test_a_lot_that_was_given_to_somebody_else_is_found(sealed, store):
    Lot.objects.update(customer_id=make_customer())
    finding = auditing.verify_ledger(store).finding
    assert finding is not None
    assert finding.sequence == 1


def test_history_cut_off_before_its_anchor_is_found(sealed, store):
    append_only.remove(connection)
    Seal.objects.filter(sequence=3).delete()
    append_only.install(connection)
    finding = auditing.verify_ledger(store).finding
    assert finding is not None
    assert finding.sequence == 3


def test_the_command_names_the_first_bad_entry_and_ends_with_1(sealed, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    out, err = io.StringIO(), io.StringIO()
    call_command("verify_ledger", stdout=out, stderr=err)
    assert out.getvalue() == "Good: 3 entries, 1 anchors; 0 entries are not sealed yet.\n"
    assert err.getvalue() == "3 of 3 entries\n"
    append_only.remove(connection)
    LedgerEntry.objects.filter(seal__sequence=2).update(points=41)
    append_only.install(connection)
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger", stdout=out, stderr=err)
    assert left.value.code == 1
    assert out.getvalue().startswith("BAD: first bad entry is number 2: the entry, its lot or its draws differ")
