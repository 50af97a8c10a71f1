"""A test bears the name of each invariant of the ledger. Random lives, races, crashes and tampering have modules of their own; here each is shown plainly."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from bonuses.errors import InsufficientPoints, KeyReused
from bonuses.models import Account, EarningRule, Hold, LedgerEntry, Lot, LotDraw
from bonuses.policy import end_of_day, kyiv_midnight, last_day_of, lot_end
from bonuses.services import adjusting, auditing, erasing, expiring, holding, merging, reckoning, ruling, sealing
from bonuses.services.ruling import as_rule
from tests.bonuses.scenes import DAY, NOW, entries, give, has, hold, make_customer, say
from tests.bonuses.test_crashes import staff_id
from tests.bonuses.world import World, random_step

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
MICROSECOND = dt.timedelta(microseconds=1)


@pytest.fixture
def life(settings):
    """Five customers after 120 random steps."""
    settings.ADJUST_DAY_POINTS = 10**9
    dice, world = random.Random(1), World()
    for _ in range(120):
        random_step(world, dice)
    return world


def test_inv_01_conservation(life):
    """Every entry takes from one account what it gives to another, so nothing is made or lost: all accounts together, the program's included, are 0."""
    changes = dict.fromkeys(Account.objects.values_list("pk", flat=True), 0)
    for debit, credit, points in LedgerEntry.objects.values_list("debit_id", "credit_id", "points"):
        changes[debit] -= points
        changes[credit] += points
    assert sum(changes.values()) == 0
    stored = Account.objects.exclude(customer=None).aggregate(points=Sum("balance"))["points"]
    assert stored == -sum(changes[pk] for pk in (-1, -2, -3, -4, -5))


@pytest.mark.parametrize(("kind", "balance"), [("available", -1), ("held", -1), ("debt", 1)])
def test_inv_02_no_overdraft_is_refused_by_the_database_itself(kind, balance):
    customer = make_customer()
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.filter(customer_id=customer, kind=kind).update(balance=balance)


def test_inv_02_no_overdraft_is_refused_kindly_before():
    customer = make_customer()
    give(customer, 60)
    with pytest.raises(InsufficientPoints) as refused:
        hold(customer, 61)
    assert refused.value.details == {"available": 60}
    assert (has(customer), Hold.objects.count(), entries()) == ((60, 0, 0), 0, [("accrue", 60)])


def test_inv_03_replay_equals_cache(life):
    assert list(auditing.fold_differences()) == []
    Lot.objects.filter(remaining__gt=0).update(remaining=0)
    assert list(auditing.fold_differences()) != []


def test_inv_04_lots_equal_balance(life):
    for customer_id in life.ids:
        stored = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "balance"))
        lots = Lot.objects.filter(customer_id=customer_id).aggregate(remaining=Sum("remaining"), held=Sum("held"))
        assert (stored["available"], stored["held"]) == (lots["remaining"] or 0, lots["held"] or 0)


def test_inv_04_a_lot_can_never_hold_more_than_it_granted():
    give(make_customer(), 60)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.update(held=1)


def test_inv_06_resolve_once():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 60).id
    for _ in range(3):
        holding.capture_hold(hold_id=held, now=NOW, actor="shop")
    assert entries() == [("accrue", 60), ("hold", 60), ("capture", 60)]
    assert has(customer) == (0, 0, 0)


def test_inv_08_idempotent_key():
    customer, other = make_customer(), make_customer()
    give(customer, 60)
    give(other, 60)
    first = hold(customer, 50, key="key")
    again = hold(customer, 50, key="key", now=NOW + DAY)
    assert (again.id, again.expires_at, again.is_replay) == (first.id, first.expires_at, True)
    for who, points in ((customer, 49), (other, 50)):
        with pytest.raises(KeyReused):
            hold(who, points, key="key")
    assert Hold.objects.count() == 1
    assert has(other) == (60, 0, 0)


def test_inv_08_the_key_is_looked_up_before_the_balance():
    customer = make_customer()
    give(customer, 60)
    first = hold(customer, 60, key="key")
    assert hold(customer, 60, key="key").id == first.id


def test_inv_09_natural_key():
    give(make_customer(), 60)
    entry = LedgerEntry.objects.get()
    entry.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        entry.save(force_insert=True)


def test_inv_10_path_independence():
    """Any sequence of edits and refunds that ends in one snapshot ends in the same net points, whatever was spent in between."""
    ends = set()
    for seed in range(12):
        dice, customer = random.Random(seed), make_customer()
        now = NOW
        for _ in range(dice.randrange(1, 8)):
            now += DAY
            stage = dice.choice(["confirmed", "completed", "cancelled"])
            say(f"order {seed}", stage, str(dice.randrange(3000)), customer=customer, now=now)
            available = has(customer, now=now)[0]
            if available and dice.randrange(2):
                spent = hold(customer, dice.randrange(1, available + 1), now=now)
                holding.release_hold(hold_id=spent.id, now=now, actor="shop")
        now += DAY
        say(f"order {seed}", "completed", "1234.50", customer=customer, now=now)
        ends.add(has(customer, now=now))
    assert ends == {(123, 0, 0)}


def test_inv_11_rule_pinned():
    customer = make_customer()
    say("1", customer=customer)
    say("2", "confirmed", customer=customer)
    ruling.make_rule(actor="olena", reason="autumn", now=NOW + DAY, rate_percent=Decimal(1), minimum_order=Decimal(700))
    later = NOW + 2 * DAY
    say("1", total="500", customer=customer, now=later)  # a refund, by the rule that granted
    assert has(customer, now=later) == (50, 0, 0)
    say("2", customer=customer, now=later)  # placed before the new rule
    assert has(customer, now=later) == (150, 0, 0)
    say("3", customer=customer, now=later, placed_at=later)
    assert has(customer, now=later) == (160, 0, 0)


def test_inv_13_expiry_kept():
    """Ordering and cancelling, holding and releasing, merging: no lot lives a day longer, and no younger lot takes an older one's place."""
    customer, other = make_customer(), make_customer()
    give(customer, 100)
    (old,) = Lot.objects.values_list("pk", "expires_at")
    later = NOW + 80 * DAY
    held = hold(customer, 40, now=later, lives=None)
    say("1", customer=customer, now=later, holds=[held.id])
    say("1", "cancelled", customer=customer, now=later + DAY)
    holding.release_hold(hold_id=hold(customer, 60, now=later + DAY).id, now=later + DAY, actor="shop")
    merging.merge_customers(from_id=customer, into_id=other, now=later + DAY, actor="olena")
    assert has(other, now=later + DAY) == (100, 0, 0)
    assert reckoning.balance(other, now=later + DAY).expiring == [(100, last_day_of(old[1]))]
    assert Lot.objects.values_list("pk", "expires_at").get(pk=old[0]) == old
    assert has(other, now=old[1]) == (0, 0, 0)


def test_inv_14_draw_order():
    customer = make_customer()
    give(customer, 10, now=NOW + 5 * DAY)
    give(customer, 10, now=NOW)  # ends earlier, although it is the younger row
    give(customer, 10, now=NOW)
    first, second, third = Lot.objects.order_by("pk").values_list("pk", flat=True)
    hold(customer, 25, now=NOW + 6 * DAY)
    draws = list(LotDraw.objects.order_by("pk").values_list("lot_id", "points"))
    assert draws == [(second, 10), (third, 10), (first, 5)]


def test_inv_14_never_ending_lots_come_last():
    customer = make_customer()
    give(customer, 10)
    Lot.objects.update(expires_at=None)
    give(customer, 10)
    hold(customer, 15)
    never, ending = Lot.objects.order_by("pk").values_list("pk", flat=True)
    assert list(LotDraw.objects.order_by("pk").values_list("lot_id", "points")) == [(ending, 10), (never, 5)]


@pytest.mark.parametrize("jobs", ["off", "on", "doubled", "late"])
def test_inv_15_cron_independence(jobs):
    customer = make_customer()
    give(customer, 100)
    hold(customer, 60)
    say("1", total="300", customer=customer, now=NOW + DAY)
    hold(customer, 90, now=NOW + 88 * DAY, lives=10 * DAY)
    told = []
    for day in range(2, 130):
        now = NOW + day * DAY
        if jobs == "on" or (jobs == "late" and day % 17 == 0):
            expiring.sweep(now=now)
        if jobs == "doubled":
            expiring.sweep(now=now)
            expiring.sweep(now=now)
        told.append(has(customer, now=now))
    while expiring.sweep(now=NOW + 200 * DAY):
        pass
    # Ten of the first lot run out on day 90, the second lot a day later; what the hold frees on day 98 is over by then and gone at once.
    days = [(2, 90, (40, 90, 0)), (91, 91, (30, 90, 0)), (92, 97, (0, 90, 0)), (98, 129, (0, 0, 0))]
    assert told == [state for first, last, state in days for _ in range(first, last + 1)]
    facts = list(
        LedgerEntry.objects.order_by("effective_at", "kind", "points").values_list("kind", "points", "effective_at")
    )
    assert [(kind, points) for kind, points, _ in facts if kind in {"release", "expire"}] == [
        ("release", 60), ("expire", 10), ("expire", 30), ("expire", 90), ("release", 90),
    ]  # fmt: skip
    assert has(customer, now=NOW + 200 * DAY) == (0, 0, 0)


def test_inv_16_instant_exact():
    customer = make_customer()
    give(customer, 100)
    end = Lot.objects.get().expires_at
    assert end == dt.datetime(2026, 6, 8, 21, 0, tzinfo=dt.UTC)  # 00:00 in Kyiv of 9 June: 8 June was the ninetieth day
    assert has(customer, now=end - MICROSECOND) == (100, 0, 0)
    assert has(customer, now=end) == (0, 0, 0)
    with pytest.raises(InsufficientPoints):
        hold(customer, 1, now=end)
    assert hold(customer, 100, now=end - MICROSECOND).points == 100


@pytest.mark.parametrize(
    ("activated", "last_day"),
    [
        ("2026-12-28T10:00+02:00", "2027-03-28"),  # the night in which clocks go forward
        ("2026-07-27T10:00+03:00", "2026-10-25"),  # the night in which they go back
        ("2027-12-01T10:00+02:00", "2028-02-29"),
        ("2027-01-31T10:00+02:00", "2027-05-01"),
        ("2027-01-30T23:59:59.999999+02:00", "2027-04-30"),
        ("2027-01-31T00:00+02:00", "2027-05-01"),
    ],
)
def test_inv_16_the_last_day_is_whole_in_kyiv(activated, last_day):
    at = dt.datetime.fromisoformat(activated)
    end = lot_end(as_rule(EarningRule.objects.get()), activated_at=at, known_at=at)
    assert last_day_of(end) == dt.date.fromisoformat(last_day)
    assert end == kyiv_midnight(dt.date.fromisoformat(last_day) + DAY)
    assert end == end_of_day(dt.date.fromisoformat(last_day))


def test_inv_16_an_old_completion_still_leaves_30_days_from_when_we_knew():
    customer = make_customer()
    say("1", customer=customer, placed_at=NOW - 100 * DAY, activated_at=NOW - 85 * DAY)
    assert last_day_of(Lot.objects.get().expires_at) == dt.date(2026, 4, 9)
    say("2", customer=customer, activated_at=NOW + DAY)  # a clock that is ahead counts as now
    assert last_day_of(Lot.objects.latest("pk").expires_at) == dt.date(2026, 6, 8)


def test_inv_17_past_is_fixed(life):
    """What was true at T as known at K stays what it was, whatever is written, settled or sealed later, also what is dated back."""
    sealing.seal_entries(now=life.now)
    moments = [life.now - DAY * n for n in (0, 1, 3, 10)]
    known_at = life.now
    before = [reckoning.balance_as_of(pk, at=at, known_at=known_at) for pk in life.ids for at in moments]
    dice = random.Random(2)
    for _ in range(60):
        random_step(life, dice)
    for number, pk in enumerate(life.ids):
        if number not in life.reference.merged:
            say(f"late {number}", customer=pk, now=life.now, activated_at=known_at - 2 * DAY)
    while expiring.sweep(now=life.now + 100 * DAY):
        pass
    sealing.seal_entries(now=life.now)
    after = [reckoning.balance_as_of(pk, at=at, known_at=known_at) for pk in life.ids for at in moments]
    assert [(one.available, one.held, one.owed) for one in after] == [
        (one.available, one.held, one.owed) for one in before
    ]
    assert not any(one.is_provisional for one in after)


def test_inv_17_newer_than_the_last_seal_is_provisional():
    customer = make_customer()
    give(customer, 60)
    assert reckoning.balance_as_of(customer, at=NOW).is_provisional
    sealing.seal_entries(now=NOW)
    assert reckoning.balance_as_of(customer, at=NOW, known_at=NOW) == reckoning.PastBalance(
        60, 0, 0, is_provisional=False
    )
    assert reckoning.balance_as_of(customer, at=NOW, known_at=NOW + DAY).is_provisional
    assert reckoning.balance_as_of(customer, at=NOW, known_at=NOW - DAY) == reckoning.PastBalance(
        0, 0, 0, is_provisional=False
    )


def test_inv_24_debt_visible():
    """Spent, then refunded: what is missing is owed, shown, and paid by the next points that become free."""
    customer = make_customer()
    say("1", customer=customer)
    holding.capture_hold(hold_id=hold(customer, 80).id, now=NOW, actor="shop")
    say("1", "cancelled", customer=customer, now=NOW + DAY)
    assert has(customer, now=NOW + DAY) == (0, 0, 80)
    give(customer, 50, now=NOW + 2 * DAY)
    assert has(customer, now=NOW + 2 * DAY) == (0, 0, 30)
    give(customer, 50, now=NOW + 3 * DAY)
    assert has(customer, now=NOW + 3 * DAY) == (20, 0, 0)
    assert [one for one in entries() if one[0] in {"incur_debt", "repay"}] == [
        ("incur_debt", 80),
        ("repay", 50),
        ("repay", 30),
    ]


def test_inv_26_merge_conserves():
    old, new = make_customer(), make_customer()
    give(old, 100)
    hold(old, 30, lives=None)
    give(new, 20)
    dates = dict(Lot.objects.values_list("pk", "expires_at"))
    history = entries()
    assert merging.merge_customers(from_id=old, into_id=new, now=NOW + DAY, actor="olena")
    assert not merging.merge_customers(from_id=old, into_id=new, now=NOW + DAY, actor="olena")
    assert has(new, now=NOW + DAY) == (90, 30, 0)
    assert dict(Account.objects.filter(customer_id=old).values_list("kind", "balance")) == {
        "available": 0,
        "held": 0,
        "debt": 0,
    }
    assert dict(Lot.objects.values_list("pk", "expires_at")) == dates
    assert entries()[: len(history)] == history
    assert has(old, now=NOW + DAY) == (90, 30, 0)  # whoever asks for the former one is answered for the survivor
    give(old, 5, now=NOW + 2 * DAY)
    assert has(new, now=NOW + 2 * DAY) == (95, 30, 0)


def test_inv_26_merging_pays_one_records_debt_with_the_others_points():
    old, new = make_customer(), make_customer()
    say("1", customer=old)
    holding.capture_hold(hold_id=hold(old, 80).id, now=NOW, actor="shop")
    say("1", "cancelled", customer=old, now=NOW)
    give(new, 200)
    merging.merge_customers(from_id=old, into_id=new, now=NOW, actor="olena")
    assert has(new) == (120, 0, 0)


def test_inv_27_erasure_safe(tmp_path):
    from bonuses.adapters.anchor_files import AnchorFiles

    store = AnchorFiles(tmp_path)
    customer = make_customer(phone="+380671234567", email="sample@customer.example", name="Зразок Тестовий")
    give(customer, 100)
    adjusting.adjust_points(
        customer_id=customer,
        points=7,
        reason="goodwill",
        key="k",
        user_id=staff_id(),
        now=NOW,
        note="called from 067 123 45 67",
    )
    sealing.close_books(store, now=NOW)
    before = (has(customer), entries())
    assert erasing.erase_customer(customer_id=customer, now=NOW)
    assert not erasing.erase_customer(customer_id=customer, now=NOW)
    assert (has(customer), entries()) == before
    assert auditing.verify_ledger(store).finding is None
    assert personal_strings_left(["1234567", "sample@", "Зразок", "123 45 67"]) == []


def personal_strings_left(words):
    """Wherever one of these words stands in any text of any table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            for column in columns:
                cursor.execute(f'SELECT CAST("{column}" AS text) FROM "{table}"')
                found += [
                    (table, column) for (value,) in cursor.fetchall() if value and any(word in value for word in words)
                ]
    return found


def test_inv_30_statement_closes(life):
    """Any period of any customer: opening and the lines are the closing, for points and for debt, and equal the balances of that moment."""
    while expiring.sweep(now=life.now):
        pass
    sealing.seal_entries(now=life.now)
    start = LedgerEntry.objects.order_by("effective_at").values_list("effective_at", flat=True)[0] - DAY
    dice, moved = random.Random(3), 0
    for customer_id in life.ids:
        for _ in range(6):
            span = (life.now - start).total_seconds()
            after, until = sorted(start + dt.timedelta(seconds=dice.uniform(0, span)) for _ in range(2))
            found = reckoning.statement(customer_id, after=after, until=until)
            assert found.closes
            moved += any(found.lines.values())
        whole = reckoning.statement(customer_id, after=start, until=life.now)
        assert whole.closes
        now = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "balance"))
        assert (whole.closing, whole.debt_closing) == (now["available"] + now["held"], -now["debt"])
    assert moved > 5


def test_inv_30_the_lines_of_a_plain_month():
    customer = make_customer()
    say("1", customer=customer)
    holding.capture_hold(hold_id=hold(customer, 80, now=NOW + DAY).id, now=NOW + DAY, actor="shop")
    say("1", total="500", customer=customer, now=NOW + 2 * DAY)
    give(customer, 60, now=NOW + 3 * DAY)
    found = reckoning.statement(customer, after=NOW - DAY, until=NOW + 30 * DAY)
    assert {name: points for name, points in found.lines.items() if points} == {
        "accrued": 160, "captured": -80, "clawed_back": -20, "repaid": -30,
    }  # fmt: skip
    assert {name: points for name, points in found.debt_lines.items() if points} == {"incurred": 30, "repaid": -30}
    assert (found.opening, found.closing, found.debt_opening, found.debt_closing) == (0, 30, 0, 0)
