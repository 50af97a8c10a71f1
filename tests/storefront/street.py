"""A shopper at the door, and the far side of the text messages: calls as a browser makes them, digits as a phone shows them."""

import json
import re
from decimal import Decimal

import responses
from django.test import Client

from bonuses.models import EarningRule, Hold
from bonuses.policy import Totals
from bonuses.policy_orders import Stage
from bonuses.services import customers, orders
from bonusportal import signing
from storefront.tasks import send_digits
from storefront.tokens import make_token

GATEWAY = "https://sms.example/messages"
PHONE, OTHER_PHONE, STRANGER = "+380000000001", "+380000000002", "+380000000009"


class Gateway:
    """What reached the gateway: (to, text), with the key that came with it. `answers` are statuses to give, the last one for ever."""

    def __init__(self, *answers):
        self.answers = list(answers) or [202]
        self.taken = []
        self.keys = []

    def __call__(self, request):
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        sent = json.loads(request.body)
        self.keys.append(request.headers["Authorization"])
        if status == 202:
            self.taken.append((sent["to"], sent["text"]))
        return status, {}, json.dumps({"id": f"m{len(self.taken)}"})

    def digits(self, phone=PHONE):
        """The newest digits that this phone shows."""
        return next(re.search(r"\b[0-9]{6}\b", text)[0] for to, text in reversed(self.taken) if to == phone)


def open_gateway(settings, *answers):
    """Text messages are set up; use inside `with responses.mock`."""
    settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_KEY, settings.SMS_SENDER = GATEWAY, "an invented key", "SHOP"
    gateway = Gateway(*answers)
    responses.add_callback(responses.POST, GATEWAY, callback=gateway)
    return gateway


class Browser:
    """Calls `/api/v1` from a page of the shop."""

    def __init__(self, token="", language="en", address="198.51.100.7"):
        self.client = Client(REMOTE_ADDR=address, raise_request_exception=True)
        self.headers = {"Accept-Language": language}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def get(self, path, **headers):
        return self.client.get(f"/api/v1{path}", headers={**self.headers, **headers})

    def post(self, path, document, key="", **headers):
        also = {"Idempotency-Key": key} if key else {}
        body = document if isinstance(document, bytes) else json.dumps(document)
        return self.client.post(
            f"/api/v1{path}", body, content_type="application/json", headers={**self.headers, **also, **headers}
        )

    def delete(self, path):
        return self.client.delete(f"/api/v1{path}", headers=self.headers)

    def start(self, phone=PHONE, **more):
        return self.post("/sessions", {"phone": phone, **more})

    def verify(self, session, code):
        return self.post("/sessions/verify", {"session": session, "code": code})


def signed_in(customer_id, now, **browser):
    return Browser(make_token(customer_id=customer_id, now=now), **browser)


def prove(gateway, phone=PHONE, browser=None):
    """The whole way: ask, receive, bring back. Returns the token."""
    caller = browser or Browser()
    session = caller.start(phone).json()["session"]
    send_digits()
    return caller.verify(session, gateway.digits(phone)).json()["token"]


def give_points(customer_id, points, now, number="1"):
    """By a completed order, as everybody gets them."""
    total = Decimal(points * 10)
    for stage in (Stage.CONFIRMED, Stage.COMPLETED):
        orders.apply_snapshot(
            snapshot=orders.Snapshot(
                source="horoshop", number=f"given-{number}-{customer_id}", stage=stage, totals=Totals(grand=total, goods=total),
                placed_at=now, seen_at=now, customer_id=customer_id,
            ),
            now=now, actor="crm",
        )  # fmt: skip


def make_shopper(now, phone=PHONE, points=0):
    customer_id = customers.find_or_create(phone=phone, now=now)
    if points:
        give_points(customer_id, points, now)
    return customer_id


def error_of(response):
    body = response.json()
    assert body["success"] is False, body
    assert body["error"] == body["message"]
    assert response["Cache-Control"] == "no-store"
    return response.status_code, body["code"]


def sign(method, path, body=b"", *, key="shop:an invented secret", at):
    name, _colon, secret = key.partition(":")
    return {
        "X-Bonus-Key": name,
        "X-Bonus-Timestamp": str(at),
        "X-Bonus-Signature": signing.sign(secret, timestamp=at, method=method, path=path, body=body),
    }


def rule_of_half():
    return EarningRule.objects.get(version=1)


def holds_of(customer_id):
    return Hold.objects.filter(customer_id=customer_id)
