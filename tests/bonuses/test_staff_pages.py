"""Staff pages of the ledger over HTTP: what is shown, to whom, and what the buttons do."""

import json
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bonuses.models import Anchor, Customer, EarningRule, ImportBatch, LedgerEntry, StaffPhone, Verification
from bonuses.services import holding, sealing
from tests.bonuses.scenes import DAY, NOW, entries, give, has, hold, make_customer, say
from tests.factories import make_staff
from tests.staff import text_of

pytestmark = pytest.mark.django_db
VIEWS = [
    "bonuses.view_customer",
    "bonuses.view_order",
    "bonuses.view_ledgerentry",
    "bonuses.view_earningrule",
    "bonuses.view_verification",
]
LISTS = ["customer", "order", "ledgerentry", "earningrule", "verification"]


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def staff(client):
    def sign_in(*permissions, username="olena"):
        user = make_staff([*VIEWS, *permissions], username)
        StaffPhone.objects.create(user=user, phone="+380009999999")
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def customer():
    pk = make_customer(phone="+380670000001", name="Зразок Тестовий", email="sample@customer.example")
    say("70415", customer=pk)
    hold(pk, 40, lives=None)
    return pk


def page(name, *arguments):
    return reverse(f"admin:bonuses_{name}", args=arguments)


@pytest.mark.parametrize("name", LISTS)
def test_lists_open_to_those_who_may_look_and_to_nobody_else(client, staff, customer, name):
    client.force_login(make_staff([], "stranger"))
    assert client.get(page(f"{name}_changelist")).status_code == 403
    assert staff().get(page(f"{name}_changelist")).status_code == 200


def test_the_list_shows_what_each_has_and_masks_the_phone(staff, customer):
    text = staff().get(page("customer_changelist")).content.decode()
    assert "+38067•••••01" in text
    assert "+380670000001" not in text
    assert ">60<" in text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    "what", ["067 000 00 01", "+38 (067) 000-00-01", "380670000001", "SAMPLE@customer.example", "70415", "№{pk}"]
)
def test_a_phone_an_email_an_order_or_a_number_leads_to_the_page(staff, customer, what):
    answer = staff().post(page("find"), {"what": what.format(pk=customer)})
    assert answer.headers["Location"] == page("customer_change", customer)


@pytest.mark.parametrize("what", ["067 000 00 02", "nobody@customer.example", "99999", "№999999", "№", "", "@"])
def test_what_is_not_found_says_so_and_stays_on_the_list(staff, customer, what):
    assert staff().post(page("find"), {"what": what}).headers["Location"] == page("customer_changelist")


def test_an_email_of_two_customers_shows_both_and_masks_their_phones(staff, customer):
    other = make_customer(phone="+380670000002", email="sample@customer.example")
    text = staff().post(page("find"), {"what": "sample@customer.example"}).content.decode()
    assert page("customer_change", customer) in text
    assert page("customer_change", other) in text
    assert "+380670000001" not in text


def test_a_statement_closes_and_tells_what_happened(staff, customer, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    client = staff()
    client.cookies["portal_language"] = "en"
    address = page("customer_statement", customer)
    text = text_of(client.get(address, {"first_day": "2026-03-01", "last_day": "2026-03-31"}))
    assert "earned +100" in text
    assert "At the end, available and held 100" in text
    assert "It closes" in text
    assert "Order 70415 was completed" in text
    assert Anchor.objects.get().sequence == 2  # sealed and anchored first
    before = text_of(client.get(address, {"first_day": "2026-02-01", "last_day": "2026-02-28"}))
    assert "Nothing moved in these days." in before


def test_the_balance_at_a_moment_as_it_was_known_at_another(staff, customer, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    client = staff()
    client.cookies["portal_language"] = "en"
    sealing.seal_entries(now=NOW)
    say("70415", total="500", customer=customer, now=NOW)  # learned later
    later = {"at": "2026-03-10T15:00"}
    with time_machine.travel(NOW + DAY / 12, tick=False):
        address = page("customer_statement", customer)
        assert "Available 10 Held 40 Owed 0" in text_of(client.get(address, later))
        assert "Available 60 Held 40 Owed 0" in text_of(client.get(address, {**later, "known_at": "2026-03-10T14:30"}))
        assert "Available 0 Held 0 Owed 0" in text_of(client.get(address, {"at": "2026-03-09T12:00"}))
        assert client.get(address, {"first_day": "nonsense", "at": "nonsense"}).status_code == 200


def test_a_statement_of_nobody_is_404_and_needs_the_permission(client, staff, customer):
    assert staff().get(page("customer_statement", 999_999)).status_code == 404
    client.force_login(make_staff([], "stranger"))
    assert client.get(page("customer_statement", customer)).status_code == 403


def test_balances_are_tried_first_and_then_taken_in_once(staff):
    client = staff("bonuses.view_importbatch", "bonuses.import_balances")
    client.cookies["portal_language"] = "en"

    def send(button):
        given = SimpleUploadedFile("balances.csv", b"phone,points\n0670000005,184\nnot a phone,5\n")
        return text_of(client.post(page("import_bring"), {"batch": "opening", "file": given, button: ""}))

    told = send("try")
    assert "Only tried: nothing was changed. imported: 1 · wrong: 1. Points: 184." in told
    assert "not a Ukrainian phone number" in told
    assert entries() == []
    assert "Taken in." in send("take")
    assert "imported before: 1" in send("take")
    assert entries() == [("migrate", 184)]
    batch = ImportBatch.objects.get()
    assert client.get(page("import_finish", batch.pk)).status_code == 302
    assert ImportBatch.objects.get().finished_at is None
    client.post(page("import_finish", batch.pk))
    assert ImportBatch.objects.get().finished_at is not None
    assert client.get(page("importbatch_changelist")).status_code == 200


def test_a_file_of_something_else_is_refused_on_the_page(staff):
    client = staff("bonuses.view_importbatch", "bonuses.import_balances")
    client.cookies["portal_language"] = "en"
    given = SimpleUploadedFile("balances.csv", b"\xff\xfe")
    answer = client.post(page("import_bring"), {"batch": "opening", "file": given, "take": ""})
    assert "The file is not UTF-8." in text_of(answer)
    assert not ImportBatch.objects.exists()


def test_balances_need_the_permission(staff):
    client = staff("bonuses.view_importbatch")
    assert client.get(page("import_bring")).status_code == 403
    assert client.post(page("import_finish", 1)).status_code == 403


def test_the_page_tells_lots_holds_orders_entries_and_why(staff, customer):
    holding.capture_hold(hold_id=hold(customer, 20).id, now=NOW, actor="shop")
    say("70415", total="500", customer=customer)
    text = staff().get(page("customer_change", customer), headers={"accept-language": "en"}).content.decode()
    for told in (
        "Order 70415 was completed", "10 % of 1000.00 UAH", "40 points were held for a purchase", "40 points were taken back by the rule that granted them",
        "+380670000001", "Зразок Тестовий",
    ):  # fmt: skip
        assert told in text, told


def test_entries_are_looked_at_and_never_changed(staff, customer):
    entry = LedgerEntry.objects.first()
    client = staff("bonuses.change_ledgerentry", "bonuses.add_ledgerentry", "bonuses.delete_ledgerentry")
    assert client.get(page("ledgerentry_change", entry.pk)).status_code == 200
    assert client.post(page("ledgerentry_change", entry.pk), {"points": 5}).status_code == 403
    assert client.get(page("ledgerentry_add")).status_code == 403
    assert client.post(page("ledgerentry_delete", entry.pk), {"post": "yes"}).status_code == 403
    assert entries() == [("accrue", 100), ("hold", 40)]


@pytest.mark.parametrize("deed", ["adjust", "merge", "erase", "export"])
def test_each_deed_needs_its_permission(staff, customer, deed):
    client = staff()
    assert client.get(page(f"customer_{deed}", customer)).status_code == 403
    assert client.post(page(f"customer_{deed}", customer), {"points": 5}).status_code == 403
    assert page(f"customer_{deed}", customer) not in client.get(page("customer_change", customer)).content.decode()


def test_an_adjustment_pressed_twice_happens_once(staff, customer):
    client = staff("bonuses.adjust_points")
    assert client.get(page("customer_adjust", customer)).status_code == 200
    typed = {"points": "25", "reason": "goodwill", "note": "an invented remark", "key": "0123456789abcdef"}
    for _ in range(2):
        answer = client.post(page("customer_adjust", customer), typed)
        assert answer.headers["Location"] == page("customer_change", customer)
    assert [one for one in entries() if one[0] == "adjust"] == [("adjust", 25)]
    assert LedgerEntry.objects.get(kind="adjust").actor == "olena"


def test_an_adjustment_over_the_limit_says_so_and_changes_nothing(staff, customer):
    client = staff("bonuses.adjust_points")
    answer = client.post(
        page("customer_adjust", customer),
        {"points": "501", "reason": "goodwill", "key": "k"},
        headers={"accept-language": "en"},
    )
    assert answer.status_code == 200
    assert "At most 500 points in one action." in answer.content.decode()
    assert not LedgerEntry.objects.filter(kind="adjust").exists()


def test_merging_by_the_other_phone(staff, customer):
    other = make_customer(phone="+380670000002")
    give(other, 30)
    answer = staff("bonuses.merge_customers").post(page("customer_merge", customer), {"into_phone": "067 000 00 02"})
    assert answer.status_code == 302
    assert has(other) == (90, 40, 0)


def test_erasing_needs_the_number_typed(staff):
    pk = make_customer(phone="+380670000003")
    client = staff("bonuses.erase_customer")
    assert client.post(page("customer_erase", pk), {"number": "12345"}).status_code == 200
    assert Customer.objects.get(pk=pk).phone == "+380670000003"
    assert client.post(page("customer_erase", pk), {"number": f"№{pk}"}).status_code == 302
    assert Customer.objects.get(pk=pk).phone is None


def test_the_export_is_a_file(staff, customer):
    answer = staff("bonuses.export_customer").get(page("customer_export", customer))
    assert answer.headers["Content-Disposition"] == f'attachment; filename="customer-{customer}.json"'
    assert json.loads(answer.content)["balance"]["available"] == 60


def test_the_button_verifies_and_shows_the_result(staff, customer, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    client = staff("bonuses.verify_ledger")
    assert client.get(page("verify_now")).status_code == 405
    assert client.post(page("verify_now")).headers["Location"] == page("verification_changelist")
    run = Verification.objects.get()
    assert (run.entries, run.first_bad, run.actor) == (2, None, "olena")
    assert client.get(page("verification_changelist")).status_code == 200


def test_a_new_rule_is_made_from_the_form_and_an_old_one_never_edited(staff):
    client = staff("bonuses.make_rules", "bonuses.change_earningrule")
    first = EarningRule.objects.get()
    assert client.post(page("earningrule_change", first.pk), {"rate_percent": 50}).status_code == 403
    assert client.get(page("rule_make")).status_code == 200
    typed = {
        "rate_percent": "12", "base": "goods", "rounding": "floor", "minimum_order": "0", "share_percent": "50", "lifetime_days": "90", "least_days": "30",
        "multipliers": "2026-03-07 2026-03-08 2 Double points", "reason": "spring",
    }  # fmt: skip
    assert client.post(page("rule_make"), typed).status_code == 302
    assert list(EarningRule.objects.order_by("version").values_list("version", "rate_percent", "actor")) == [
        (1, Decimal(10), "portal"),
        (2, Decimal(12), "olena"),
    ]


def test_an_order_has_a_page(staff, customer):
    order = customer and LedgerEntry.objects.get(kind="accrue").order_id
    text = staff().get(page("order_change", order), headers={"accept-language": "en"}).content.decode()
    assert "70415" in text
    assert "1000.00" in text
