"""Opening balances: a CSV and the predecessor's shapes, dry run, repetition, duplicates, reserves."""

import io
import json

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import translation

from bonuses.errors import ImportRefused
from bonuses.models import Customer, Hold, ImportBatch, ImportLine, LedgerEntry, Lot, Order
from bonuses.policy import last_day_of
from bonuses.reading.balances import BalanceLine, read_balances
from bonuses.services import customers, migrating, notifying
from bonuses.services.migrating import Fate
from tests.bonuses.scenes import DAY, NOW, entries, has, say

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


CSV = """phone,points,expires_on,reserved,order,name
067 000 00 01,184,2026-06-12,60,70415,Зразок Тестовий
+38 (067) 000-00-02,50.0,,,,
not a phone,5,,,,
067 000 00 03,0,,,,
0670000002,80,2026-05-01,,,
067 000 00 04,12.5,,,,
067 000 00 05,40,2026-03-01,,,
"""
BUYERS = {
    "data": [
        {"id": 9001, "full_name": "Зразок Тестовий", "phone": ["380000000001"], "email": ["sample@customer.example"],
         "custom_fields": [
             {"uuid": "CT_1023", "name": "Бонусні бали", "value": "424"},
             {"uuid": "CT_1034", "name": "Зарезервовані бонуси", "value": "75"},
             {"uuid": "CT_1024", "name": "Дата закінчення бонусів", "value": "2026-06-12"},
             {"uuid": "CT_1033", "name": "Історія бонусів", "value": "🔒 14.03.26 18:40 | #70415 | 1900₴ | резерв 60 | 484→424 | до 12.06.26"}]},
        {"id": 9002, "full_name": "Друга Зразкова", "phone": None, "custom_fields": []},
    ],
}  # fmt: skip
CLIENTS = [
    {
        "id": 1,
        "phone": "380000000001",
        "bonus_balance": 150,
        "reserved_balance": 20,
        "bonus_expiry": "2026-06-12",
        "emails": [],
        "names": ["Зразок"],
    }
]
BALANCES = {
    "Items": [
        {
            "phone": {"S": "+380000000001"},
            "active_bonus": {"N": "150"},
            "reserved_bonus": {"N": "-20"},
            "bonus_expiry_date": {"S": "2026-06-12"},
        }
    ]
}


def bring(content, *, batch="opening", now=NOW, **options):
    raw = content if isinstance(content, str) else json.dumps(content)
    reports = migrating.import_balances(read_balances(raw.encode()), batch=batch, now=now, actor="olena", **options)
    return [(report.line, report.fate, report.active, report.reserved, report.remark) for report in reports]


def of(phone):
    return customers.find_customer(phone)


def test_a_csv_line_by_line():
    assert bring(CSV) == [
        (2, Fate.IMPORTED, 184, 60, ""),
        (3, Fate.LEFT_OUT, 50, 0, "the same phone as line 6, which has 30 more"),
        (4, Fate.WRONG, 0, 0, "not a Ukrainian phone number"),
        (5, Fate.EMPTY, 0, 0, ""),
        (6, Fate.IMPORTED, 80, 0, ""),
        (7, Fate.WRONG, 0, 0, "points are not a whole number"),
        (8, Fate.IMPORTED, 40, 0, "the active points had expired already"),
    ]
    assert has(of("067 000 00 01")) == (184, 60, 0)
    assert has(of("067 000 00 02")) == (80, 0, 0)
    assert has(of("067 000 00 05")) == (0, 0, 0)
    assert [str(last_day_of(lot.expires_at)) for lot in Lot.objects.order_by("pk")] == [
        "2026-06-12",
        "2026-05-01",
        "2026-03-01",
    ]
    assert of("067 000 00 03") is None


def test_without_a_date_points_live_90_days():
    bring("phone;points\n0670000001;10\n")
    assert str(last_day_of(Lot.objects.get().expires_at)) == "2026-06-08"


def test_repeating_a_file_doubles_nothing_and_a_corrected_one_is_reported():
    bring(CSV)
    before = (entries(), Customer.objects.count())
    assert {fate for _, fate, *_ in bring(CSV, now=NOW + DAY)} == {Fate.KNOWN, Fate.LEFT_OUT, Fate.WRONG, Fate.EMPTY}
    corrected = bring("name,phone,points\nx,0670000002,90\n")
    assert corrected == [(2, Fate.DIFFERS, 90, 0, "imported before with 80 active and 0 reserved")]
    assert (entries(), Customer.objects.count()) == before


def test_a_dry_run_says_the_same_and_leaves_nothing():
    told = bring(CSV, is_dry_run=True)
    assert (
        LedgerEntry.objects.count(),
        Customer.objects.count(),
        ImportBatch.objects.count(),
        Order.objects.count(),
    ) == (0, 0, 0, 0)
    assert told == bring(CSV)


def test_a_card_of_the_crm_with_its_reserve_by_order_and_the_rest_stuck():
    assert bring(BUYERS) == [
        (1, Fate.IMPORTED, 424, 75, "15 reserved points belong to no order: held, a person decides"),
        (2, Fate.WRONG, 0, 0, "not a Ukrainian phone number"),
    ]
    customer = of("380000000001")
    assert has(customer) == (424, 75, 0)
    assert list(Hold.objects.order_by("-points").values_list("points", "order__number", "stuck_reason")) == [
        (60, "70415", ""), (15, None, "reserved_without_order"),
    ]  # fmt: skip
    assert has(customer, now=NOW + 200 * DAY) == (0, 75, 0)  # held, and no end by time


def test_the_order_in_flight_captures_its_reserve_although_it_is_older_than_the_program(settings):
    settings.PROGRAM_STARTS_AT = NOW + DAY
    bring(BUYERS)
    customer = of("380000000001")
    migrated = Order.objects.get()
    assert (migrated.state, migrated.is_imported, migrated.source) == ("confirmed", True, "horoshop")
    Order.objects.update(source="shop")
    say("70415", customer=customer, now=NOW + DAY)
    assert has(customer, now=NOW + DAY) == (524, 15, 0)


@pytest.mark.parametrize(("shape", "held"), [(CLIENTS, 20), (BALANCES, 0)])
def test_the_predecessors_tables(shape, held):
    assert bring(shape)[0][1] is Fate.IMPORTED
    assert has(of("380000000001")) == (150, held, 0)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "{}", "[", '{"data": 5}', "phone\n0670000001\n"])
def test_a_file_that_is_something_else_is_refused_as_a_whole(content):
    with pytest.raises(ImportRefused):
        read_balances(content.encode())


@time_machine.travel(NOW, tick=False)
def test_the_command_reports_every_line_and_ends_with_1_when_some_were_wrong(tmp_path):
    path = tmp_path / "balances.csv"
    path.write_text(CSV)
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("import_balances", str(path), "--dry-run", stdout=out, stderr=err)
    assert left.value.code == 1
    assert out.getvalue().splitlines()[:2] == ["line,fate,active,reserved,remark", "2,imported,184,60,"]
    assert err.getvalue() == "Dry run: 1 empty, 3 imported, 1 left out, 2 wrong; 364 points imported\n"
    assert ImportLine.objects.count() == 0
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_balances", str(tmp_path / "missing.csv"))
    path.write_text("phone,points\n0670000001,5\n")
    call_command("import_balances", str(path), "--finish", stdout=out, stderr=err)
    assert ImportBatch.objects.get().finished_at is not None


def test_whoever_is_brought_along_is_told_of_no_credit_and_of_everything_that_comes_after():
    migrating.import_balances([BalanceLine(1, "+380670000001", active=184)], batch="opening", now=NOW, actor="olena")
    customer = Customer.objects.get().pk
    assert has(customer) == (184, 0, 0)
    assert notifying.notices_after(customer_id=customer).notices == []
    say("1", total="500", customer=customer)
    assert [(one.kind, one.points) for one in notifying.notices_after(customer_id=customer).notices] == [("credit", 50)]
