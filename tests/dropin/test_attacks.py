"""What somebody would try who wants points or codes for nothing. Each ends in nothing gained and a counter up."""

from __future__ import annotations

import datetime as dt
import json
import time
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from bonuses import tasks
from bonuses.models import Customer, Hold, OrderReport
from bonuses.policy import Totals
from bonuses.policy_orders import SHOP, Stage
from bonuses.services import customers, orders, redeeming, reporting
from bonuses.services.order_rows import Snapshot
from bonusportal import signing
from promo.models import Issue
from tests.bonuses.scenes import give
from tests.dropin.calling import KEYS, ORDER, PHONE, counted, points_of, post, signed, token
from tests.factories import make_codes, make_pool

pytestmark = pytest.mark.django_db
THIEF = "+380000000009"
KEY = {"Idempotency-Key": "a-key-of-the-victim"}


@pytest.fixture(autouse=True)
def _guarded(settings):
    settings.GET_CODE_MODE = "guarded"
    settings.API_KEYS = KEYS
    make_codes(make_pool(100), 9)


@pytest.fixture
def victim():
    customer = customers.find_or_create(phone=PHONE, now=timezone.now())
    give(customer, 300, now=timezone.now())
    return customer


@pytest.fixture
def thief():
    return customers.find_or_create(phone=THIEF, now=timezone.now())


def crm_says(number, stage, total, customer):
    now = timezone.now()
    orders.apply_snapshot(
        snapshot=Snapshot(SHOP, number, Stage(stage), Totals(grand=Decimal(total), goods=Decimal(total)), now, now, customer_id=customer),
        now=now, actor="crm",
    )  # fmt: skip


def after_two_weeks():
    OrderReport.objects.update(reported_at=timezone.now() - dt.timedelta(days=15))
    tasks.forget_reports()


def test_a_forged_total_earns_what_the_crm_says(client: Client, thief):
    post(
        client,
        "/bonus-accrual",
        {"orderId": "1", "orderTotal": 100_000, "bonusAmount": 10_000, "customer": {"phone": THIEF}},
    )
    crm_says("1", "completed", "500", thief)
    assert points_of(THIEF) == (50, 0, 0)
    assert reporting.expected_points(thief, now=timezone.now()) == 0
    after_two_weeks()
    assert counted("claim.forged") == 1
    assert not OrderReport.objects.exists()


def test_a_forged_figure_is_refused(client: Client):
    assert post(client, "/bonus-accrual", {**ORDER, "bonusAmount": 10_000}).status_code == 400
    assert counted("refused.bonus_mismatch") == 1


def test_somebody_elses_order_number_earns_nothing(client: Client, victim, thief):
    post(client, "/bonus-accrual", {**ORDER, "customer": {"phone": THIEF}})
    crm_says("70415", "completed", "1840", victim)
    # Before the shop's CRM told whose it is, nobody knew; from now on a report of it is seen at once.
    assert counted("refused.order_foreign") == 0
    post(client, "/bonus-accrual", {**ORDER, "customer": {"phone": "+380000000008"}})
    assert counted("refused.order_foreign") == 1
    assert points_of(THIEF) == (0, 0, 0)
    assert points_of() == (484, 0, 0)
    after_two_weeks()
    assert counted("claim.foreign") == 2


def test_tomorrows_order_numbers_are_owned_by_nobody(client: Client, victim, thief):
    for number in range(70_416, 70_436):
        post(client, "/bonus-accrual", {**ORDER, "orderId": number, "customer": {"phone": THIEF}})
    assert post(client, "/bonus-accrual", {**ORDER, "orderId": 70_500}).status_code == 429
    assert counted("refused.rate.report") == 1
    # The buyer's own report is the first of theirs, and the order is theirs.
    own = reporting.claim_order(
        source=SHOP, number="70416", customer_id=victim, total=Decimal(1840), now=timezone.now()
    )
    assert own.points == 184
    crm_says("70416", "completed", "1840", victim)
    assert points_of() == (484, 0, 0)
    assert points_of(THIEF) == (0, 0, 0)


def test_a_victims_phone_with_my_e_mail_teaches_nothing_and_reaches_nothing(client: Client, victim):
    mine = {"phone": PHONE, "email": "thief@mail.example"}
    answer = post(client, "/bonus-accrual", {**ORDER, "usedBonusAmount": 100, "customer": mine}).json()
    assert answer["keycrm_details"] == {}
    assert Customer.objects.get(pk=victim).email == ""
    assert points_of() == (300, 0, 0)
    assert counted("accrual.spend_not_believed") == 1


def test_a_balance_is_not_found_by_binary_search_over_refusals(client: Client, victim, thief):
    """Below, at and above the balance: a page's answers are alike but for the figure that it sent itself."""
    answers = []
    for used in (299, 300, 301, 9_999_999):
        OrderReport.objects.all().delete()
        answer = post(client, "/bonus-accrual", {**ORDER, "usedBonusAmount": used})
        answers.append((answer.status_code, answer.content.decode().replace(str(used), "N")))
    assert len(set(answers)) == 1
    # Another's session meets its own balance, whatever phone it sends.
    for amount in (1, 100, 300):
        refused = post(
            client, "/get-code", {"amount": 100, "order_total": 1000, "phone": PHONE, "session": token(thief)}
        )
        assert (refused.status_code, refused.json()["available"], amount > 0) == (409, 0, True)
    assert client.get("/check-balance", {"phone": PHONE, "session": token(thief)}).json()["bonus_balance"] == 0
    assert counted("refused.insufficient_points") == 3


def test_a_key_of_somebody_else_opens_nothing(client: Client, victim, thief):
    asked = {"amount": 100, "order_total": 1000}
    mine = post(client, "/get-code", {**asked, "session": token(victim)}, **KEY).json()["promo_code"]
    refused = post(client, "/get-code", {**asked, "session": token(thief)}, **KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_points")
    assert mine not in refused.content.decode()
    unknown = post(client, "/get-code", asked, **KEY)
    assert (unknown.status_code, unknown.json()["code"]) == (401, "session_required")
    assert (counted("refused.insufficient_points"), counted("refused.session_required")) == (1, 1)
    assert Issue.objects.count() == 1


def test_somebody_elses_redemption_is_not_found(client: Client, victim, thief):
    made = redeeming.redeem(
        customer_id=victim, points=100, order_total=Decimal(1000), key="k", now=timezone.now(), actor="shop"
    )
    client.post(
        "/api/v1/orders",
        json.dumps({"order_id": "1", "total": "1.00", "redemption": made.id}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token(thief)}"},
    )
    assert counted("refused.hold_unknown") == 1
    assert OrderReport.objects.get().hold is None
    assert Hold.objects.get().expires_at == made.expires_at


def test_a_replayed_signed_call_posts_nothing_more(client: Client, victim):
    now = int(time.time())
    for _ in range(3):
        assert signed(client, {**ORDER, "usedBonusAmount": 100}, at=now).status_code == 200
    assert points_of() == (384, 0, 0)
    assert counted("accrual.duplicate") == 2
    assert signed(client, {**ORDER, "orderId": "2"}, at=now - 301).status_code == 401
    assert counted("refused.signature_invalid") == 1


@pytest.mark.parametrize("altered", ["body", "path", "timestamp", "name", "method"])
def test_an_altered_signed_call_is_refused(client: Client, victim, altered):
    name, _colon, secret = KEYS[0].partition(":")
    now, body = int(time.time()), json.dumps(ORDER)
    signature = signing.sign(
        secret, timestamp=now, method="PUT" if altered == "method" else "POST", path="/get-code" if altered == "path" else "/bonus-accrual", body=body.encode()
    )  # fmt: skip
    sent = body.replace("1840", "9840").replace("184,", "984,") if altered == "body" else body
    headers = {
        "X-Bonus-Key": "till" if altered == "name" else name,
        "X-Bonus-Timestamp": str(now + (altered == "timestamp")),
        "X-Bonus-Signature": signature,
    }
    answer = client.post("/bonus-accrual", sent, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert points_of() == (300, 0, 0)
    assert counted("refused.signature_invalid") == 1


def test_open_mode_is_not_drained_beyond_its_cap(client: Client, settings):
    settings.GET_CODE_MODE, settings.OPEN_MODE_DAILY_CAP = "open", 3
    answers = [client.get("/get-code?amount=100") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429, 429]
    assert Issue.objects.count() == 3
    assert counted("alarm.daily_cap") == 3


def test_redeeming_and_taking_off_in_turns_makes_one_live_code(client: Client, victim):
    """Otherwise a hundred points would make codes without end."""
    codes = set()
    for number in range(8):
        made = redeeming.redeem(
            customer_id=victim, points=100, order_total=Decimal(1000), key=f"turn{number}", now=timezone.now(), actor="shop"
        )  # fmt: skip
        codes.add(made.promo_code)
        redeeming.ask_release(public_id=made.id, customer_id=victim, now=timezone.now(), actor="shop")
    assert len(codes) == 1
    assert counted("redemption.same_code") == 7
    assert points_of() == (200, 100, 0)
