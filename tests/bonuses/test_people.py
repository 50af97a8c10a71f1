"""Customers and what staff do with them: finding, adjusting, erasing, exporting."""

import ast
import datetime as dt
import inspect
import json
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models as fields

from bonuses.errors import (
    AdjustingForbidden,
    AdjustLimitReached,
    CannotMerge,
    CustomerBusy,
    InsufficientPoints,
    KeyReused,
    RuleInvalid,
)
from bonuses.models import Account, Customer, EarningRule, LedgerEntry, Note, StaffPhone
from bonuses.services import adjusting, customers, erasing, merging, reporting, ruling
from bonusportal.phones import PhoneInvalid
from tests.bonuses.scenes import DAY, NOW, entries, give, has, hold, make_customer, say
from tests.factories import make_issue, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.mark.parametrize(
    "typed",
    [
        "067 000 00 01",
        "+38 (067) 000-00-01",
        "380670000001",
        "80670000001",
        "670000001",
        "0038067 000 00 01",
        " 067-000-00-01 ",
    ],
)
def test_every_way_to_type_a_phone_is_one_customer(typed):
    first = customers.find_or_create(phone="+380670000001", now=NOW)
    assert customers.find_or_create(phone=typed, now=NOW) == first
    assert customers.find_customer(typed) == first
    assert Customer.objects.count() == 1
    assert list(Account.objects.filter(customer_id=first).order_by("pk").values_list("kind", "balance")) == [
        ("available", 0), ("held", 0), ("debt", 0),
    ]  # fmt: skip


def test_what_is_no_phone_makes_nobody():
    with pytest.raises(PhoneInvalid):
        customers.find_or_create(phone="12345", now=NOW)
    assert customers.find_customer("067 000 00 09") is None
    assert Customer.objects.count() == 0


def test_hints_fill_what_is_empty_and_overwrite_nothing():
    customer = make_customer(phone="+380670000001", name="Перша Зразкова")
    customers.find_or_create(phone="+380670000001", now=NOW, name="Інша", email="sample@customer.example")
    row = Customer.objects.get(pk=customer)
    assert (row.name, row.email) == ("Перша Зразкова", "sample@customer.example")


def test_a_merged_phone_finds_the_survivor_through_several_merges():
    one, two, three = make_customer(phone="+380670000001"), make_customer(), make_customer()
    merging.merge_customers(from_id=one, into_id=two, now=NOW, actor="olena")
    merging.merge_customers(from_id=two, into_id=three, now=NOW, actor="olena")
    assert customers.find_customer("067 000 00 01") == three
    with pytest.raises(CannotMerge):
        merging.merge_customers(from_id=three, into_id=one, now=NOW, actor="olena")
    with pytest.raises(CannotMerge):
        merging.merge_customers(from_id=three, into_id=three, now=NOW, actor="olena")


# --- adjusting


@pytest.fixture
def olena():
    user = make_staff(["bonuses.adjust_points"], "olena", email="olena@store.example")
    StaffPhone.objects.create(user=user, phone="+380009999999")
    return user


def adjust(customer, points, user, *, key="key", reason="goodwill", now=NOW, **fields):
    return adjusting.adjust_points(
        customer_id=customer, points=points, reason=reason, key=key, user_id=user.pk, now=now, **fields
    )


def test_an_adjustment_is_an_entry_with_reason_actor_and_an_erasable_note(olena):
    customer = make_customer()
    pk = adjust(customer, 100, olena, note="an invented remark")
    assert adjust(customer, 100, olena, note="an invented remark") == pk
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.points, entry.actor, entry.reason_code) == ("adjust", 100, "olena", "goodwill")
    assert Note.objects.get(entry=entry).text == "an invented remark"
    assert "invented" not in entry.note_digest
    adjust(customer, -30, olena, key="other", reason="abuse")
    assert has(customer) == (70, 0, 0)
    assert has(customer, now=NOW + 91 * DAY) == (0, 0, 0)


def test_a_key_of_another_adjustment_is_refused(olena):
    customer = make_customer()
    adjust(customer, 100, olena)
    for other in ({"points": 99}, {"reason": "abuse"}, {"customer": make_customer()}):
        asked = {"customer": customer, "points": 100, "reason": "goodwill", **other}
        with pytest.raises(KeyReused):
            adjust(asked["customer"], asked["points"], olena, reason=asked["reason"])
    assert entries() == [("adjust", 100)]


def test_limits_of_an_action_and_of_a_kyiv_day(olena):
    customer = make_customer()
    with pytest.raises(AdjustLimitReached):
        adjust(customer, 501, olena)
    with pytest.raises(AdjustLimitReached):
        adjust(customer, -501, olena)
    for number in range(4):
        adjust(customer, 500, olena, key=f"key{number}")
    with pytest.raises(AdjustLimitReached) as refused:
        adjust(customer, -1, olena, key="one more")
    assert refused.value.details == {"left": 0}
    midnight = dt.datetime(2026, 3, 10, 22, 0, tzinfo=dt.UTC)
    with pytest.raises(AdjustLimitReached):
        adjust(customer, 1, olena, key="late", now=midnight - dt.timedelta(microseconds=1))
    adjust(customer, 1, olena, key="next day", now=midnight)
    assert has(customer) == (2001, 0, 0)


def test_nobody_adjusts_their_own_account_not_even_after_a_merge_or_by_mail(olena):
    own = make_customer(phone="+380009999999")
    by_mail = make_customer(email="Olena@store.example")
    survivor = make_customer()
    for customer in (own, by_mail):
        with pytest.raises(AdjustingForbidden):
            adjust(customer, 1, olena)
    merging.merge_customers(from_id=own, into_id=survivor, now=NOW, actor="taras")
    with pytest.raises(AdjustingForbidden):
        adjust(survivor, 1, olena)
    assert entries() == []


def test_without_permission_or_an_own_phone_on_record_nobody_adjusts():
    customer = make_customer()
    for user in (make_staff([], "nobody"), make_staff(["bonuses.adjust_points"], "no phone")):
        with pytest.raises(AdjustingForbidden):
            adjust(customer, 1, user)
    gone = make_staff(["bonuses.adjust_points"], "gone", is_active=False)
    StaffPhone.objects.create(user=gone, phone="+380000000098")
    with pytest.raises(AdjustingForbidden):
        adjust(customer, 1, gone)


def test_an_adjustment_down_never_takes_more_than_there_is(olena):
    customer = make_customer()
    give(customer, 10)
    with pytest.raises(InsufficientPoints):
        adjust(customer, -11, olena)
    assert has(customer) == (10, 0, 0)


# --- rules


def test_a_rule_that_begins_in_the_past_or_is_out_of_range_is_refused():
    wrongs: list[dict[str, Any]] = [
        {"valid_from": NOW - DAY}, {"rate_percent": Decimal(101)}, {"share_percent": 120}, {"base": "other"},
        {"multipliers": [{"name": "x", "first_day": "2026-03-08", "last_day": "2026-03-07", "factor": "2"}]}, {"multipliers": [{}]},
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(RuleInvalid):
            ruling.make_rule(actor="olena", reason="", now=NOW, **wrong)
    assert EarningRule.objects.count() == 1


# --- erasing, exporting


def test_open_holds_and_open_orders_refuse_erasure():
    customer = make_customer()
    give(customer, 60)
    held = hold(customer, 50, lives=None)
    with pytest.raises(CustomerBusy):
        erasing.erase_customer(customer_id=customer, now=NOW)
    say("1", "confirmed", customer=customer, holds=[held.id])
    with pytest.raises(CustomerBusy):
        erasing.erase_customer(customer_id=customer, now=NOW)
    say("1", customer=customer, holds=[held.id], now=NOW + DAY)
    assert erasing.erase_customer(customer_id=customer, now=NOW + DAY)
    # What is left runs out; the phone is a stranger's now.
    assert has(customer, now=NOW + DAY) == (110, 0, 0)
    assert has(customer, now=NOW + 92 * DAY) == (0, 0, 0)


def test_an_erased_phone_begins_anew():
    customer = make_customer(phone="+380670000001")
    give(customer, 60)
    erasing.erase_customer(customer_id=customer, now=NOW)
    again = customers.find_or_create(phone="+380670000001", now=NOW)
    assert again != customer
    assert has(again) == (0, 0, 0)


def test_erasure_forgets_merged_records_and_codes_handed_out_to_the_phone():
    old, customer = make_customer(phone="+380670000001"), make_customer(phone="+380670000002", name="Зразок")
    merging.merge_customers(from_id=old, into_id=customer, now=NOW, actor="olena")
    issue = make_issue(phone="+380670000001", caller_address="192.0.2.1")
    reporting.claim_order(source="shop", number="9", customer_id=customer, total=Decimal(100), now=NOW)
    erasing.erase_customer(customer_id=customer, now=NOW)
    issue.refresh_from_db()
    assert (issue.phone, issue.caller_address) == ("", "")
    assert list(Customer.objects.values_list("phone", "email", "name")) == [(None, "", "")] * 2


def test_the_export_is_everything_and_json():
    customer = make_customer(phone="+380670000001", name="Зразок", email="sample@customer.example")
    say("1", customer=customer)
    hold(customer, 40)
    told = json.loads(json.dumps(erasing.export_customer(customer_id=customer, now=NOW)))
    assert told["customer"][0]["phone"] == "+380670000001"
    assert told["balance"] == {
        "available": 60,
        "held": 40,
        "owed": 0,
        "expiring": [{"points": 60, "last_day": "2026-06-08"}],
    }
    assert [entry["kind"] for entry in told["entries"]] == ["accrue", "hold"]
    assert [order["number"] for order in told["orders"]] == ["1"]
    assert len(told["holds"]) == len(told["lots"]) == 1


# Every text column of our apps: who may stand in it. A new column has to be thought about here first.
NEVER_PERSONAL = "never personal"
ERASED = "erased with the customer"
TEXT_COLUMNS = {
    "bonuses.Customer.phone": ERASED, "bonuses.Customer.email": ERASED, "bonuses.Customer.name": ERASED,
    "bonuses.Note.text": ERASED, "bonuses.Note.salt": ERASED, "bonuses.ImportLine.remark": ERASED,
    "bonuses.OrderReport.source": ERASED, "bonuses.OrderReport.order_number": ERASED, "bonuses.OrderReport.trust": ERASED,
    "promo.Issue.phone": ERASED, "promo.Issue.caller_address": ERASED,
    "bonuses.StaffPhone.phone": "staff, gone with the user",
    **dict.fromkeys(
        (
            "bonuses.Account.kind", "bonuses.AskedAgain.key", "bonuses.Anchor.digest",
            "bonuses.Anchor.name", "bonuses.EarningRule.actor", "bonuses.EarningRule.base",
            "bonuses.EarningRule.multipliers", "bonuses.EarningRule.reason", "bonuses.EarningRule.rounding", "bonuses.Hold.key", "bonuses.Hold.state",
            "bonuses.Hold.stuck_reason", "bonuses.ImportBatch.actor", "bonuses.ImportBatch.name", "bonuses.LedgerEntry.actor",
            "bonuses.LedgerEntry.kind", "bonuses.LedgerEntry.note_digest", "bonuses.LedgerEntry.reason_code", "bonuses.LedgerEntry.source",
            "bonuses.Order.number", "bonuses.Order.source", "bonuses.Order.state", "bonuses.Order.stuck_reason", "bonuses.OrderSnapshot.actor",
            "bonuses.OrderSnapshot.digest", "bonuses.OrderSnapshot.reason", "bonuses.OrderSnapshot.stage", "bonuses.Seal.digest",
            "bonuses.Verification.actor", "bonuses.Verification.finding",
            # Ids and figures. What the CRM sent stands encrypted in InboundEvent.body, for two weeks.
            "keycrm.BuyerLink.stuck_detail", "keycrm.BuyerLink.stuck_reason", "keycrm.CallWindow.turns", "keycrm.Connection.last_failure",
            "keycrm.CrmCard.stuck_detail", "keycrm.CrmCard.stuck_reason", "keycrm.CrmOrder.number", "keycrm.CrmOrder.set_aside_by",
            "keycrm.CrmOrder.set_aside_reason", "keycrm.CrmOrder.source", "keycrm.CrmOrder.stage", "keycrm.CrmOrder.stuck_detail",
            "keycrm.CrmOrder.stuck_reason", "keycrm.Dictionary.entries", "keycrm.Dictionary.name", "keycrm.Difference.cleared_by",
            "keycrm.Difference.detail", "keycrm.Difference.key", "keycrm.Difference.kind", "keycrm.Difference.reason", "keycrm.InboundEvent.channel",
            "keycrm.InboundEvent.digest", "keycrm.InboundEvent.name", "keycrm.InboundEvent.reason", "keycrm.InboundEvent.replayed_by",
            "keycrm.InboundEvent.state", "keycrm.InboundEvent.subject", "keycrm.ManualReserve.given_back_by", "keycrm.ManualReserve.given_back_reason",
            "keycrm.PollCursor.name",
        ),
        NEVER_PERSONAL,
    ),
}  # fmt: skip
# Tables that know no customers at all; a column of theirs that could is listed above.
IMPERSONAL = {"bonusportal", "promo"}


def test_inv_27_every_text_column_has_been_thought_about():
    text = (fields.CharField, fields.TextField, fields.JSONField)
    found = {
        f"{model._meta.label}.{field.name}"
        for label in ("bonuses", "promo", "keycrm", "bonusportal")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, text)
    }
    unknown = {name for name in found if name not in TEXT_COLUMNS and name.split(".")[0] not in IMPERSONAL}
    assert unknown == set()
    assert {name for name in TEXT_COLUMNS if name not in found} == set()
    personal = {
        name for name in found if name.rsplit(".", 1)[1] in {"phone", "email", "name", "caller_address", "address"}
    }
    assert {name for name in personal if name.split(".")[0] in IMPERSONAL and name not in TEXT_COLUMNS} <= {
        "promo.Lot.name", "promo.RunStep.name", "bonusportal.Heartbeat.name", "bonusportal.DailyCount.name",
    }  # fmt: skip


def test_the_ledger_is_the_only_writer_of_entries():
    """`INSERT INTO bonuses_ledgerentry` stands in one module, and nobody goes around it by the ORM."""
    from pathlib import Path

    import bonuses

    writers = []
    for path in Path(inspect.getfile(bonuses)).parent.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        source = path.read_text()
        strings = [
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        if (
            any("INTO bonuses_ledgerentry" in one for one in strings)
            or "LedgerEntry.objects.create" in source
            or "LedgerEntry(" in source.replace("class LedgerEntry(", "")
        ):
            writers.append(path.name)
    assert writers == ["ledger.py"]
    assert get_user_model().objects.count() == 0
