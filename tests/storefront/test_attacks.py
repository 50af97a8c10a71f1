"""What somebody tries who wants points, codes or knowledge that are not theirs. Nothing is gained; each attempt leaves a counter that staff see."""

import datetime as dt
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from bonuses.models import Account, Hold, Order, OrderReport
from bonuses.policy_orders import SHOP
from bonusportal.models import DailyCount
from promo.models import Issue
from storefront import policy
from storefront.models import FailedTries, Proof, Refusal
from storefront.services import confirming, proving, sending
from storefront.tasks import send_digits
from storefront.tokens import make_token
from tests.factories import make_codes, make_pool
from tests.staff import read, sign_in
from tests.storefront.street import (
    OTHER_PHONE,
    PHONE,
    STRANGER,
    Browser,
    error_of,
    give_points,
    make_shopper,
    open_gateway,
    prove,
    signed_in,
)  # fmt: skip


def counted(name):
    found = DailyCount.objects.filter(name=name).first()
    return found.count if found else 0


def refusals(client):
    """What staff see: reasons, addresses and how often."""
    return read(sign_in(client, "storefront.view_refusal"), "/admin/storefront/refusal/")


@pytest.fixture
def gateway(settings):
    with responses.mock:
        yield open_gateway(settings)


@pytest.mark.django_db
def test_guessing_the_digits_from_many_addresses_ends_after_fifteen(gateway, settings, client):
    """A botnet, a new address for each call: the limits of a phone hold."""
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "session_phone": "1000/hour"}
    make_shopper(timezone.now())
    opened = 0
    for number in range(8):
        bot = Browser(address=f"203.0.113.{number}")
        answer = bot.start()
        if answer.status_code != 200:
            continue
        send_digits()
        right = gateway.digits()
        guesses = [f"{(int(right) + step) % 1_000_000:06d}" for step in range(1, 6)]
        opened += sum(bot.verify(answer.json()["session"], guess).status_code == 200 for guess in guesses)
    assert opened == 0
    assert FailedTries.objects.get().count == 15
    assert counted("refused.code_wrong") == 15
    assert counted("refused.tries_exhausted") == 5
    page = refusals(client)
    assert "203.0.113.0" in page
    assert "wrong digits" in page


def ready_for_tries(browser, phone, channel):
    """The name of a session whose digits are made (or, for an unknown phone, never will be). Where they go to does not matter here."""
    name = browser.start(phone, channel=channel).json()["session"]
    while sending.take_next(now=timezone.now()):
        pass
    return name


@pytest.mark.django_db
@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize("step", ["start", "verify"])
def test_known_and_unknown_phones_take_the_same_time(gateway, settings, step, channel):
    """Measured in turns within one run: where the two lie among each other, as a share of pairs. A half is indistinguishable."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/hour")
    settings.SESSION_FAILED_TRIES_A_DAY = settings.SESSION_MESSAGES_A_DAY = 1_000_000
    settings.EMAIL_URL, settings.EMAIL_FROM = "smtp://127.0.0.1:9", "shop@store.example"
    known_id = make_shopper(timezone.now())
    confirming.confirm_email(customer_id=known_id, email="confirmed@mail.example", now=timezone.now())
    browser = Browser()
    took, names, bodies = {PHONE: [], STRANGER: []}, {}, set()
    for turn in range(80):
        if step == "verify" and turn % policy.TRIES == 0:
            names = {phone: ready_for_tries(browser, phone, channel) for phone in (PHONE, STRANGER)}
        for phone in (PHONE, STRANGER) if turn % 2 else (STRANGER, PHONE):
            started = time.perf_counter()
            answer = (
                browser.start(phone, channel=channel) if step == "start" else browser.verify(names[phone], "000000")
            )
            took[phone].append(time.perf_counter() - started)
            bodies.add((answer.status_code, tuple(answer.json()), len(answer.content)))
    assert len(bodies) == 1
    assert Proof.objects.filter(phone=PHONE).count() == Proof.objects.filter(phone=STRANGER).count() > 0
    known, unknown = took[PHONE], took[STRANGER]
    slower = sum(one > other for one in known for other in unknown) / (len(known) * len(unknown))
    assert 0.3 < slower < 0.7, (statistics.median(known), statistics.median(unknown))


@pytest.mark.django_db
def test_a_verification_asks_the_database_the_same_for_known_and_unknown_phones(gateway, django_assert_max_num_queries):
    make_shopper(timezone.now())
    statements = []
    for phone in (OTHER_PHONE, PHONE, STRANGER):  # the first one only makes the counters' rows
        session = Browser().start(phone).json()["session"]
        send_digits()
        with django_assert_max_num_queries(30) as seen:
            Browser().verify(session, "000000")
        asked = [query["sql"] for query in seen.captured_queries]
        statements.append([sql.split(" ")[:4] for sql in asked if "SAVEPOINT" not in sql])
    assert statements[1] == statements[2]


@pytest.mark.django_db
def test_a_session_that_an_attacker_began_is_nothing_without_the_digits(gateway):
    """Fixation: the attacker knows the name of the session, the owner of the phone proves in another one."""
    make_shopper(timezone.now())
    attacker = Browser(address="203.0.113.66")
    planted = attacker.start().json()["session"]
    send_digits()
    prove(gateway)
    assert error_of(attacker.get("/balance", Authorization=f"Bearer {planted}")) == (401, "session_required")
    assert counted("refused.session_required") == 1
    newest = gateway.digits()
    if newest != gateway.taken[0][1][:6]:
        assert error_of(attacker.verify(planted, newest)) == (401, "code_wrong")


@pytest.mark.django_db
def test_a_signed_out_token_is_replayed_in_vain(gateway, client):
    customer_id = make_shopper(timezone.now())
    token = prove(gateway)
    assert Browser(token).get("/balance").status_code == 200
    boss = sign_in(client, "storefront.switch_storefront", "storefront.view_door")
    boss.post("/admin/storefront/door/customer/", {"phone": PHONE, "deed": "signed_out", "reason": "a lost phone"})
    assert error_of(Browser(token).get("/balance")) == (401, "session_required")
    assert counted("refused.session_required") == 1
    assert signed_in(customer_id, timezone.now()).get("/balance").status_code == 200  # who proves anew is let in


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CloudFront-Viewer-Address", "True-Client-IP", "X-Client-IP"],
)
def test_a_written_header_gets_nobody_past_a_limit(settings, header):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "session_address": "2/hour"}
    browser = Browser()
    statuses = [
        browser.post("/sessions", {"phone": f"+3800000002{n:02d}"}, **{header: f"203.0.113.{n}"}).status_code
        for n in range(4)
    ]
    assert statuses == [200, 200, 429, 429]
    assert list(Refusal.objects.values_list("address", "count")) == [("198.51.100.7", 2)]


@pytest.mark.django_db
def test_phones_are_not_walked_through(gateway, client):
    """Twenty an hour from one address, known or not; who goes on is seen."""
    make_shopper(timezone.now())
    answers = [Browser().start(f"+3800000000{number:02d}") for number in range(30)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 10
    assert len({tuple(answer.json()) for answer in answers[:20]}) == 1
    assert counted("refused.rate.session_address") == 10
    assert "too many requests" in refusals(client)


ELSEWHERE = ("https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "https://[")


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_page_of_another_site_gets_nothing(settings, client, origin):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    browser = signed_in(make_shopper(timezone.now(), points=300), timezone.now())
    make_codes(make_pool(amount_uah=100), 1)
    preflight = browser.client.options(
        "/api/v1/redemptions", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    assert "Access-Control-Allow-Origin" not in preflight
    # What a browser sends without asking first is refused, and leaves nothing: no digits to a phone, no code.
    as_text = browser.client.post(
        "/api/v1/sessions", json.dumps({"phone": PHONE}), content_type="text/plain", headers={"Origin": origin}
    )
    paid = browser.post("/redemptions", {"points": 100, "order_total": "1000"}, key="checkout-1", Origin=origin)
    assert error_of(as_text) == error_of(paid) == (403, "origin_foreign")
    assert (Proof.objects.count(), Hold.objects.count(), Issue.objects.count()) == (0, 0, 0)
    dropped_in = client.get("/check-balance", {"phone": PHONE}, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in dropped_in
    assert counted("refused.origin_foreign") == 4
    assert "called from a page of another site" in refusals(client)


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ["https://shop.example", "http://testserver", "https://staff.example", None])
def test_the_shops_pages_our_own_and_servers_are_let_in(settings, origin):
    settings.CORS_ALLOWED_ORIGINS, settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example"], ["https://staff.example"]
    said = {"Origin": origin} if origin else {}
    assert Browser().post("/sessions", {"phone": PHONE}, **said).status_code == 200
    assert counted("refused.origin_foreign") == 0


@pytest.mark.django_db
def test_other_peoples_orders_cannot_be_claimed_into_points(client):
    victim, thief = make_shopper(timezone.now()), make_shopper(timezone.now(), OTHER_PHONE)
    browser = signed_in(thief, timezone.now())
    give_points(victim, 10, timezone.now(), number="1")
    claimed = Order.objects.get()
    Order.objects.filter(pk=claimed.pk).update(source=SHOP)
    answer = browser.post("/orders", {"order_id": claimed.number, "total": "100.00"})
    assert (answer.status_code, answer.json()) == (200, {"points_expected": 10})  # as for an order that nobody knows
    assert counted("refused.order_foreign") == 1
    assert "a report of somebody else's order" in refusals(client)
    assert browser.get("/balance").json()["expected"] == 0


@pytest.mark.django_db
def test_orders_that_nobody_knows_cannot_be_claimed_into_points():
    victim, thief = make_shopper(timezone.now()), make_shopper(timezone.now(), OTHER_PHONE)
    browser = signed_in(thief, timezone.now())
    for number in ("10045", "10046", "10047"):
        assert browser.post("/orders", {"order_id": number, "total": "99999.00"}).status_code == 200
    balances = dict(Account.objects.filter(customer_id__in=[victim, thief]).values_list("kind", "balance"))
    assert set(balances.values()) == {0}
    assert OrderReport.objects.filter(customer_id=victim).count() == 0
    assert browser.get("/balance?order_total=1000").json()["max_payable"] == 0


NASTY = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}{% debug %}", "'; DROP TABLE bonuses_order; --", "=cmd|' /C calc'!A0",
    "%00", "../../etc/passwd", "＜script＞",
]  # fmt: skip
CONTROL = ["\x00", "\x07", "\x1b[31m", "\r\nSet-Cookie: a=b", "\u202e", "\u2028", "\ud800"]


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY)
def test_markup_in_a_text_is_refused_and_counted(text, client):
    customer_id = make_shopper(timezone.now())
    for path, document in [
        ("/orders", {"order_id": text, "total": "10.00"}),
        ("/sessions", {"phone": text}),
        ("/sessions/verify", {"session": text, "code": text}),
        ("/notices/ack", {"cursor": text}),
    ]:
        refused = signed_in(customer_id, timezone.now()).post(path, document)
        assert refused.status_code == 400
        assert "<script>" not in refused.content.decode()
    assert not OrderReport.objects.exists()
    assert counted("refused.malformed") == 4
    assert "not in the form that is described" in refusals(client)


@pytest.mark.django_db
def test_markup_that_the_former_path_must_take_stays_text(client):
    """`/bonus-accrual` takes any printable order number, as it always did; staff read it as it was sent."""
    ordered = {"orderId": NASTY[0], "orderTotal": 100, "bonusAmount": 10, "customer": {"phone": PHONE}}
    assert client.post("/bonus-accrual", json.dumps(ordered), content_type="application/json").status_code == 200
    page = sign_in(client, "bonuses.view_orderreport").get("/admin/bonuses/orderreport/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.django_db
@pytest.mark.parametrize("text", CONTROL)
def test_control_characters_are_refused_everywhere(text):
    browser = signed_in(make_shopper(timezone.now()), timezone.now())
    body = json.dumps({"order_id": f"a{text}b", "total": "10.00"}).encode()
    assert browser.post("/orders", body).status_code == 400
    for path, document in [
        ("/sessions", {"phone": f"+380000{text}x000001"}),
        ("/sessions/verify", {"session": f"{text}" + "A" * 31, "code": "123456"}),
        ("/redemptions", {"points": 100, "order_total": f"100{text}"}),
    ]:
        answer = browser.post(path, document, key="checkout-1")
        assert answer.status_code == 400, path
    assert (OrderReport.objects.count(), Proof.objects.count(), Hold.objects.count()) == (0, 0, 0)
    assert counted("refused.malformed") == 4


@pytest.mark.django_db
def test_a_flood_of_nonsense_adds_to_rows_that_are_there(django_assert_max_num_queries):
    """A counter must not become a way to fill the database."""
    Browser().post("/sessions", b"{")
    with django_assert_max_num_queries(2 * 6):  # each call: two statements, each in a transaction of its own
        for _ in range(2):
            assert Browser().post("/sessions", b"{").status_code == 400
    assert list(Refusal.objects.values_list("reason", "count")) == [("malformed", 3)]


@pytest.mark.django_db
def test_somebody_elses_redemption_is_neither_shown_nor_taken_off_nor_kept_alive(client):
    now = timezone.now()
    make_codes(make_pool(amount_uah=100), 1)
    victim, thief = make_shopper(now, points=300), make_shopper(now, OTHER_PHONE)
    made = signed_in(victim, now).post("/redemptions", {"points": 100, "order_total": 1000}, key="checkout-1").json()
    browser = signed_in(thief, now)
    assert error_of(browser.get(f"/redemptions/{made['id']}")) == (404, "hold_unknown")
    assert error_of(browser.delete(f"/redemptions/{made['id']}")) == (404, "hold_unknown")
    kept = browser.post("/orders", {"order_id": "1", "total": "100", "redemption": made["id"]})
    assert kept.status_code == 200
    hold = Hold.objects.get()
    assert hold.state == "open"
    assert abs(hold.expires_at - dt.datetime.fromisoformat(made["expires_at"])) < dt.timedelta(seconds=1)
    assert counted("refused.hold_unknown") == 3
    assert "a redemption that is unknown or somebody else" in refusals(client)


def at_once(count, act):
    def in_thread(number):
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(in_thread, range(count)))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_sixty_four_redemptions_at_once_spend_one_balance_once(settings):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/hour")
    now = timezone.now()
    make_codes(make_pool(amount_uah=100), 70)
    customer_id = make_shopper(now, points=300)
    token = make_token(customer_id=customer_id, now=now)

    def pay(number):
        client = Client(REMOTE_ADDR="198.51.100.7")
        return client.post(
            "/api/v1/redemptions",
            json.dumps({"points": 100, "order_total": "10000.00"}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": f"tab-{number}", "Accept-Language": "en"},
        )

    answers = at_once(64, pay)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 3 + [409] * 61
    assert len({answer.json()["promo_code"] for answer in answers if answer.status_code == 200}) == 3
    assert (Hold.objects.count(), Issue.objects.count()) == (3, 3)
    assert counted("refused.insufficient_points") == 61


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_thirty_two_guesses_at_once_are_five_tries(settings):
    now = timezone.now()
    make_shopper(now)
    started = proving.start_proof(phone=PHONE, channel="console", language="en", address="", now=now)
    answers = at_once(32, lambda number: Browser().verify(started.name, f"{number:06d}").status_code)
    assert sorted(answers) == [401] * 5 + [409] * 27
    assert (Proof.objects.get().tries, FailedTries.objects.get().count) == (5, 5)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_try_that_is_read_before_it_is_written_would_be_more_than_five():
    """The negative control: the same guesses against "look, then count"."""
    now = timezone.now()
    started = proving.start_proof(phone=PHONE, channel="console", language="en", address="", now=now)
    row = Proof.objects.get()

    def guess(_number):
        found = Proof.objects.get(pk=row.pk)
        if found.tries >= 5:
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.02)")
        Proof.objects.filter(pk=row.pk).update(tries=found.tries + 1)
        return True

    assert started.name
    assert sum(at_once(32, guess)) > 5
