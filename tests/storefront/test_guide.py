"""The guide for the shop's developer, done: every call in it, in its order, with what the answers before it said."""

import re
import time
from pathlib import Path

import pytest
import responses
from django.test import Client
from django.utils import timezone

from storefront.tasks import send_digits
from tests.factories import make_codes, make_pool
from tests.storefront.street import give_points, make_shopper, open_gateway, sign

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "storefront.md").read_text()
CALLS = re.findall(r"```http\n(.*?)```", GUIDE, re.DOTALL)


def read_call(text, known):
    for name, value in known.items():
        text = text.replace(f"${name}", value)
    head, _gap, body = text.partition("\n\n")
    first, *lines = head.strip().splitlines()
    method, path = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines), body.strip()


@pytest.mark.django_db
def test_the_guides_calls_are_answered_as_it_says(settings):
    settings.API_KEYS = ["shop:an invented secret"]
    make_codes(make_pool(amount_uah=200), 5)
    now = timezone.now()
    customer_id = make_shopper(now)
    give_points(customer_id, 500, now)
    at = int(time.time())
    signature = sign("GET", "/api/v1/pools", at=at)["X-Bonus-Signature"]
    known = {"CART": "cart-1", "NOW": str(at), "SIGNATURE": signature}
    answers = []
    with responses.mock:
        gateway = open_gateway(settings)
        for text in CALLS:
            method, path, headers, body = read_call(text, known)
            assert "$" not in path + body + "".join(headers.values()), text
            answer = Client().generic(method, path, body, headers.pop("Content-Type", ""), headers=headers)
            assert answer.status_code in {200, 202}, (path, answer.content)
            said = answer.json()
            answers.append((method, path.split("?")[0].rsplit("/", 1)[-1], said))
            if path.endswith("/sessions"):
                send_digits()
                known |= {"SESSION": said["session"], "DIGITS": gateway.digits()}
            for name, field in (("TOKEN", "token"), ("CURSOR", "cursor")):
                known |= {name: said[field]} if field in said else {}
            if path.endswith("/redemptions"):
                known["ID"] = said["id"]
    assert len(answers) == 10
    said = {(method, path): answer for method, path, answer in answers}
    assert said["GET", "balance"]["payable"] == [200]
    assert said["POST", "redemptions"]["promo_code"].startswith("BON200")
    assert said["POST", "orders"] == {"points_expected": 134}
    assert [one["kind"] for one in said["GET", "notices"]["notices"]] == ["credit"]
    assert {"amount": 200, "available": 4, "is_low": False} in said["GET", "pools"]["pools"]
