"""Staff at the door: what they see of refusals and proofs, and what they do with a reason."""

import datetime as dt

import pytest
import time_machine

from storefront.models import Channel, Door, DoorChange, FailedTries, Proof
from storefront.services import doorkeeping, proving, refusing
from storefront.tokens import make_token, read_token
from tests.factories import NOW, make_staff
from tests.promo.test_admin_words import english_in
from tests.staff import messages_of, read, sign_in
from tests.storefront.street import PHONE, Browser, error_of, make_shopper

pytestmark = pytest.mark.django_db
LOOK = ("storefront.view_refusal", "storefront.view_proof", "storefront.view_door", "storefront.view_doorchange")
SWITCH = "storefront.switch_storefront"
DEEDS = ("storefront", "customer", "lift")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def shopper():
    return make_shopper(NOW)


def start(phone=PHONE):
    return proving.start_proof(phone=phone, channel=Channel.CONSOLE, language="en", address="198.51.100.7", now=NOW)


def test_refusals_are_seen_by_reason_and_address(client):
    for _ in range(3):
        refusing.note_refusal(reason="code_wrong", address="203.0.113.7", now=NOW)
    refusing.note_refusal(reason="session_required", address="2001:db8::1", now=NOW)
    refusing.note_refusal(reason="session_required", address="2001:db8::2", now=NOW)
    page = read(sign_in(client, *LOOK), "/admin/storefront/refusal/")
    assert "wrong digits 203.0.113.7 3" in page
    assert "no confirmed phone number 2001:db8::/64 2" in page
    narrowed = read(client, "/admin/storefront/refusal/?reason=code_wrong")
    assert "2001:db8" not in narrowed


def test_a_thousand_addresses_do_not_fill_the_table(monkeypatch, client):
    monkeypatch.setattr(refusing, "ADDRESSES_A_DAY", 3)
    for number in range(6):
        refusing.note_refusal(reason="code_wrong", address=f"203.0.113.{number}", now=NOW)
    assert "all others together 3" in read(sign_in(client, *LOOK), "/admin/storefront/refusal/")


def test_a_proof_shows_no_digits_and_no_whole_phone(client, shopper):
    start()
    page = read(sign_in(client, *LOOK), "/admin/storefront/proof/")
    assert "+38000•••••01" in page
    assert PHONE not in page
    assert Proof.objects.get().digest not in page


def test_the_storefront_is_switched_off_and_on_with_a_reason_and_a_history(client, shopper, clock):
    token = make_token(customer_id=shopper, now=NOW)
    boss = sign_in(client, *LOOK, SWITCH)
    answer = boss.post("/admin/storefront/door/storefront/", {"reason": "an attack"})
    assert messages_of(answer) == ["The storefront is off."]
    assert error_of(Browser().start()) == (503, "storefront_off")
    assert error_of(Browser(token).get("/balance")) == (503, "storefront_off")
    clock.shift(60)
    boss.post("/admin/storefront/door/storefront/", {"reason": "it is over"})
    assert read_token(token, now=NOW + dt.timedelta(seconds=60)) is None  # sessions of before stay ended
    assert Browser().start().status_code == 200
    changes = list(DoorChange.objects.order_by("id").values_list("action", "reason"))
    assert changes == [("closed", "an attack"), ("opened", "it is over")]
    page = read(boss, "/admin/storefront/doorchange/")
    assert "an attack" in page
    assert DoorChange.objects.first().actor in page


def test_a_customer_is_switched_off_by_phone(client, shopper):
    boss = sign_in(client, *LOOK, SWITCH)
    fields = {"phone": "000 000 00 01", "deed": "closed", "reason": "somebody else uses it"}
    assert messages_of(boss.post("/admin/storefront/door/customer/", fields)) == ["Switched off."]
    assert not Door.objects.get(customer_id=shopper).is_open
    assert messages_of(boss.post("/admin/storefront/door/customer/", fields))[-1] == "It was so already."
    assert DoorChange.objects.count() == 1
    unknown = {**fields, "phone": "+380000000099"}
    assert messages_of(boss.post("/admin/storefront/door/customer/", unknown))[-1] == "This customer is not known."


def test_a_lockout_is_lifted_for_a_phone_and_for_an_address(client, shopper, settings):
    settings.SESSION_FAILED_TRIES_A_DAY = 1
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "session_address": "2/hour"}
    session = Browser().start().json()["session"]
    Browser().verify(session, "000000")
    assert error_of(Browser().start()) == (429, "tries_exhausted")
    boss = sign_in(client, *LOOK, SWITCH)
    boss.post("/admin/storefront/door/lift/", {"phone": PHONE, "reason": "she called"})
    assert not FailedTries.objects.exists()
    assert error_of(Browser().start()) == (429, "rate_limited")
    boss.post("/admin/storefront/door/lift/", {"address": "198.51.100.7", "reason": "an office"})
    assert Browser().start().status_code == 200
    assert list(DoorChange.objects.order_by("id").values_list("action", "about")) == [
        ("lifted", "+38000•••••01"),
        ("lifted", "198.51.100.7"),
    ]


@pytest.mark.parametrize("page", DEEDS)
def test_nothing_is_done_without_a_reason_or_without_the_permission(client, shopper, page):
    address = f"/admin/storefront/door/{page}/"
    fields = {"phone": PHONE, "deed": "closed"}
    assert sign_in(client, *LOOK).post(address, {**fields, "reason": "why not"}).status_code == 403
    assert sign_in(client, *LOOK, SWITCH).post(address, {**fields, "reason": " "}).status_code == 200
    assert not DoorChange.objects.exists()


def test_whose_door_it_is_may_not_be_left_open(client):
    boss = sign_in(client, *LOOK, SWITCH)
    page = boss.post("/admin/storefront/door/lift/", {"reason": "x"}).content.decode()
    assert "A phone or an address is needed." in page
    page = boss.post("/admin/storefront/door/lift/", {"address": "somewhere", "reason": "x"}).content.decode()
    assert "This is not an address like 203.0.113.7." in page


def test_no_english_is_left_on_ukrainian_pages(client, shopper):
    start()
    for reason in ("code_wrong", "session_required", "over_share"):
        refusing.note_refusal(reason=reason, address="203.0.113.7", now=NOW)
    doorkeeping.switch(customer_id=shopper, is_open=False, actor="17", reason="перевірка", now=NOW)
    client.force_login(make_staff(username="18", is_superuser=True))
    client.cookies["portal_language"] = "uk"
    pages = [f"{model}/" for model in ("refusal", "proof", "door", "doorchange")] + [f"door/{deed}/" for deed in DEEDS]
    left = {}
    for page in pages:
        answer = client.get(f"/admin/storefront/{page}")
        assert answer.status_code == 200, page
        if found := english_in(answer.content.decode()):
            left[page] = found
    assert left == {}
