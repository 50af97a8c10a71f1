"""Proving a phone: six digits go there, whoever brings them back has a session. What a stranger learns on the way: nothing."""

import datetime as dt
import re

import pytest
import responses
import time_machine
from django.utils import translation

from bonuses.models import Customer
from bonusportal.models import DailyCount
from storefront.admin import alarms
from storefront.models import ConfirmedEmail, Door, Proof, Refusal
from storefront.services import confirming, sending
from storefront.tasks import forget_old, send_digits
from storefront.tokens import read_token
from tests.factories import NOW
from tests.storefront.street import (
    OTHER_PHONE,
    PHONE,
    STRANGER,
    Browser,
    error_of,
    make_shopper,
    open_gateway,
    prove,
)  # fmt: skip

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def gateway(settings):
    with responses.mock:
        yield open_gateway(settings)


@pytest.fixture
def shopper():
    return make_shopper(NOW)


def wrong(digits):
    return f"{(int(digits) + 1) % 1_000_000:06d}"


def test_the_digits_reach_the_phone_and_open_a_session_of_its_owner(gateway, shopper):
    started = Browser().start("+38 (000) 000-00-01")
    assert started.status_code == 200
    assert set(started.json()) == {"session", "channel", "expires_at", "digits"}
    assert gateway.taken == []  # the request itself sends nothing
    send_digits()
    ((to, text),) = gateway.taken
    assert to == PHONE
    assert re.match(r"[0-9]{6} is your code", text)
    assert gateway.keys == ["Bearer an invented key"]
    proven = Browser().verify(started.json()["session"], gateway.digits())
    assert proven.status_code == 200
    assert read_token(proven.json()["token"], now=NOW) == shopper
    row = Proof.objects.get()
    assert (row.state, row.gateway_id, row.digits_to_send) == ("sent", "m1", None)


def test_neither_the_digits_nor_the_sessions_name_are_stored(gateway, shopper):
    session = Browser().start().json()["session"]
    send_digits()
    row = Proof.objects.values().get()
    assert session not in str(row)
    assert gateway.digits() not in str(row)


def test_the_text_is_in_the_readers_language(gateway, shopper):
    Browser(language="uk").start()
    send_digits()
    assert "код" in gateway.taken[0][1]


@pytest.mark.usefixtures("shopper")
def test_a_known_and_an_unknown_phone_are_answered_alike_and_leave_alike_rows(gateway):
    known, unknown = Browser().start(PHONE), Browser().start(STRANGER)
    assert known.status_code == unknown.status_code == 200
    varying = {"session", "X-Request-ID"}
    assert {k: v for k, v in known.json().items() if k not in varying} == {
        k: v for k, v in unknown.json().items() if k not in varying
    }
    assert {k: v for k, v in known.headers.items() if k not in varying} == {
        k: v for k, v in unknown.headers.items() if k not in varying
    }
    before = Proof.objects.order_by("id").values("channel", "language", "state", "digits", "tries", "expires_at")
    assert before[0] == before[1]
    send_digits()
    assert [to for to, _text in gateway.taken] == [PHONE]
    answers = [Browser().verify(asked.json()["session"], "000000").json() for asked in (known, unknown)]
    assert answers[0] == answers[1]


def test_no_guess_opens_the_session_of_an_unknown_phone(gateway):
    session = Browser().start(STRANGER).json()["session"]
    send_digits()
    for guess in ("000000", "123456", "999999", "111111", "222222"):
        assert error_of(Browser().verify(session, guess)) == (401, "code_wrong")
    assert not Customer.objects.exists()


def test_a_session_gives_five_tries_and_no_sixth_even_with_the_right_digits(gateway, shopper):
    session = Browser().start().json()["session"]
    send_digits()
    lefts = [Browser().verify(session, wrong(gateway.digits())).json()["tries_left"] for _ in range(5)]
    assert lefts == [4, 3, 2, 1, 0]
    assert error_of(Browser().verify(session, gateway.digits())) == (409, "session_over")


def test_the_right_digits_work_once(gateway, shopper):
    session = Browser().start().json()["session"]
    send_digits()
    assert Browser().verify(session, gateway.digits()).status_code == 200
    assert error_of(Browser().verify(session, gateway.digits())) == (409, "session_over")


def test_digits_of_one_session_do_not_open_another(gateway, shopper):
    first = Browser().start().json()["session"]
    send_digits()
    old = gateway.digits()
    second = Browser().start().json()["session"]
    send_digits()
    if old != gateway.digits():
        assert error_of(Browser().verify(second, old)) == (401, "code_wrong")
    assert Browser().verify(first, old).status_code == 200


def test_the_digits_are_good_for_ten_minutes(gateway, shopper, clock):
    session = Browser().start().json()["session"]
    send_digits()
    clock.move_to(NOW + dt.timedelta(minutes=10))
    assert error_of(Browser().verify(session, gateway.digits())) == (409, "session_over")


def test_after_fifteen_wrong_codes_a_phone_rests_until_tomorrow(gateway, shopper, settings, clock):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "session_phone": "1000/hour"}
    for _ in range(3):
        session = Browser().start().json()["session"]
        send_digits()
        for _ in range(5):
            Browser().verify(session, wrong(gateway.digits()))
    refused = Browser().start()
    assert error_of(refused) == (429, "tries_exhausted")
    assert int(refused["Retry-After"]) == 10 * 3600  # it is two in the afternoon in Kyiv
    assert Browser().start(OTHER_PHONE).status_code == 200
    clock.move_to(NOW + dt.timedelta(hours=10))
    assert Browser().start().status_code == 200


def test_a_session_that_was_open_before_cannot_be_tried_beyond_the_days_limit(gateway, shopper, settings):
    settings.SESSION_FAILED_TRIES_A_DAY = 2
    session = Browser().start().json()["session"]
    send_digits()
    for _ in range(2):
        assert error_of(Browser().verify(session, wrong(gateway.digits()))) == (401, "code_wrong")
    assert error_of(Browser().verify(session, gateway.digits())) == (429, "tries_exhausted")


def test_right_codes_do_not_use_the_days_tries_up(gateway, shopper, settings):
    settings.SESSION_FAILED_TRIES_A_DAY = 1
    for _ in range(3):
        assert prove(gateway)


@pytest.mark.usefixtures("gateway")
def test_a_phone_asks_three_times_an_hour_known_or_not(shopper):
    for phone in (PHONE, STRANGER):
        statuses = [Browser(address=f"198.51.100.{n}").start(phone).status_code for n in range(4)]
        assert statuses == [200, 200, 200, 429]
    assert DailyCount.objects.get(name="refused.rate.session_phone").count == 2


@pytest.mark.usefixtures("gateway")
def test_an_address_asks_twenty_times_an_hour():
    statuses = [Browser().start(f"+3800000001{n:02d}").status_code for n in range(21)]
    assert statuses == [200] * 20 + [429]
    assert Refusal.objects.get().address == "198.51.100.7"


def test_a_thousand_messages_a_day_and_no_more(gateway, shopper, settings):
    settings.SESSION_MESSAGES_A_DAY = 1
    other = make_shopper(NOW, OTHER_PHONE)
    Browser().start(PHONE)
    Browser().start(OTHER_PHONE)
    send_digits()
    assert len(gateway.taken) == 1
    assert Proof.objects.get(phone=OTHER_PHONE).why == "daily_cap"
    assert DailyCount.objects.get(name="alarm.messages_cap").count == 1
    assert error_of(Browser().start(STRANGER)) == (429, "messages_exhausted")
    assert other


@pytest.mark.usefixtures("shopper")
def test_a_gateway_that_is_busy_is_asked_again_with_the_same_digits(settings, clock):
    with responses.mock:
        gateway = open_gateway(settings, 503, 429, 202)
        session = Browser().start().json()["session"]
        send_digits()
        assert (gateway.taken, Proof.objects.get().state) == ([], "sending")
        for _ in range(2):
            clock.shift(60)
            send_digits()
        assert len(gateway.taken) == 1
        assert Browser().verify(session, gateway.digits()).status_code == 200


@pytest.mark.usefixtures("shopper")
def test_a_gateway_that_refuses_is_not_asked_again(settings, clock):
    with responses.mock:
        gateway = open_gateway(settings, 400)
        Browser().start()
        send_digits()
        clock.shift(300)
        send_digits()
        assert len(gateway.keys) == 1
    row = Proof.objects.get()
    assert (row.state, row.why, row.digits_to_send) == ("not_sent", "refused", None)


@pytest.mark.usefixtures("shopper")
@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_gateway_that_refuses_us_is_an_alarm_and_no_shoppers_fault(settings, clock, status):
    with responses.mock:
        gateway = open_gateway(settings, status, status, 202)
        other = make_shopper(NOW, OTHER_PHONE)
        session = Browser().start().json()["session"]
        Browser().start(OTHER_PHONE)
        send_digits()
        assert len(gateway.keys) == 1  # the next one would meet the same
        row = Proof.objects.get(phone=PHONE)
        assert (row.state, row.why) == ("sending", "no_entry")
        assert DailyCount.objects.get(name="alarm.messenger_refuses").count == 1
        assert not DailyCount.objects.filter(name="storefront.message_refused").exists()
        with translation.override("en"):
            (banner,) = alarms.find_banners(NOW)
        assert (banner.colour, banner.seen_at) == ("danger", NOW)
        assert "text message" in banner.text
        clock.shift(60)  # somebody mends the key while it goes on refusing
        send_digits()
        clock.shift(60)
        send_digits()
        assert {to for to, _text in gateway.taken} == {PHONE, OTHER_PHONE}
        assert alarms.find_banners(NOW) == []
        assert Browser().verify(session, gateway.digits()).status_code == 200
    assert other


@pytest.mark.usefixtures("shopper")
def test_the_alarm_stays_when_the_digits_ended_meanwhile(settings, clock):
    with responses.mock:
        open_gateway(settings, 401)
        Browser().start()
        send_digits()
        clock.shift(601)
        send_digits()
    row = Proof.objects.get()
    assert (row.state, row.why, row.digits_to_send) == ("not_sent", "no_entry", None)
    assert len(alarms.find_banners(NOW)) == 1


def test_a_sender_that_died_is_followed_by_another_with_the_same_digits(gateway, shopper, clock):
    session = Browser().start().json()["session"]
    message = sending.take_next(now=NOW)  # and here the process ends
    send_digits()
    assert gateway.taken == []  # the other one may still be at it
    clock.shift(46)
    send_digits()
    assert gateway.taken == [(PHONE, message.text)]
    assert Browser().verify(session, gateway.digits()).status_code == 200


def test_what_could_not_be_sent_in_time_is_left(gateway, shopper, clock):
    Browser().start()
    clock.shift(601)
    send_digits()
    assert gateway.taken == []
    assert Proof.objects.get().why == "too_late"


def test_a_switched_off_customer_gets_no_message_and_the_same_answer(gateway, shopper):
    Door.objects.create(customer_id=shopper, is_open=False)
    assert Browser().start().status_code == 200
    send_digits()
    assert gateway.taken == []
    assert Proof.objects.get().why == "closed"


def test_a_customer_switched_off_in_between_is_told_so_once_proven(gateway, shopper):
    session = Browser().start().json()["session"]
    send_digits()
    Door.objects.create(customer_id=shopper, is_open=False)
    assert error_of(Browser().verify(session, wrong(gateway.digits()))) == (401, "code_wrong")
    assert error_of(Browser().verify(session, gateway.digits())) == (403, "switched_off")


@pytest.mark.usefixtures("gateway")
def test_while_the_storefront_is_off_everybody_is_told_so(shopper):
    Door.objects.create(customer=None, is_open=False)
    assert error_of(Browser().start()) == (503, "storefront_off")
    assert not Proof.objects.exists()


def test_mail_goes_only_to_an_address_that_the_crm_confirms(settings, shopper):
    settings.EMAIL_URL, settings.EMAIL_FROM = "smtp://127.0.0.1:9", "shop@store.example"
    Customer.objects.filter(pk=shopper).update(email="typed-by-somebody@mail.example")
    assert Browser().start(channel="email").status_code == 200
    send_digits()
    assert Proof.objects.get().why == "no_address"
    confirming.confirm_email(customer_id=shopper, email="confirmed@mail.example", now=NOW)
    Browser().start(channel="email")
    assert sending.take_next(now=NOW).to == "confirmed@mail.example"


def test_a_way_that_is_not_set_up_is_refused(shopper):
    assert error_of(Browser().start(channel="sms")) == (400, "channel_unavailable")
    assert error_of(Browser().start(channel="pigeon")) == (400, "field_invalid")


def test_without_a_gateway_a_developer_reads_the_digits_in_the_console(shopper, capsys):
    session = Browser().start().json()
    assert session["channel"] == "console"
    send_digits()
    digits = re.search(r"\b[0-9]{6}\b", capsys.readouterr().err)[0]
    assert Browser().verify(session["session"], digits).status_code == 200


def test_what_was_needed_for_a_while_is_forgotten(gateway, shopper, clock):
    prove(gateway)
    Browser().verify("A" * 32, "000000")
    confirming.confirm_email(customer_id=shopper, email="confirmed@mail.example", now=NOW)
    Customer.objects.filter(pk=shopper).update(phone=None, erased_at=NOW)
    clock.shift(dt.timedelta(days=2, seconds=1))
    forget_old()
    assert (Proof.objects.count(), ConfirmedEmail.objects.count(), Refusal.objects.count()) == (0, 0, 1)
    clock.shift(dt.timedelta(days=13))
    forget_old()
    assert Refusal.objects.count() == 0
