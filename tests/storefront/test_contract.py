"""The generated document and what is answered agree: searched over every path, well-formed and malformed, with sessions, others' sessions and signatures.

No answer is a server's error, none is one that the document does not describe.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as search
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from bonuses.models import Hold, LedgerEntry
from storefront.tokens import make_token
from tests.factories import make_codes, make_pool
from tests.storefront.street import OTHER_PHONE, Browser, make_shopper, sign, signed_in

pytestmark = pytest.mark.django_db
DOCUMENT = "/api/v1/openapi.json"
OPERATIONS = [
    ("POST", "/api/v1/sessions"),
    ("POST", "/api/v1/sessions/verify"),
    ("GET", "/api/v1/balance"),
    ("POST", "/api/v1/redemptions"),
    ("GET", "/api/v1/redemptions/{redemption_id}"),
    ("DELETE", "/api/v1/redemptions/{redemption_id}"),
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v1/notices"),
    ("POST", "/api/v1/notices/ack"),
    ("GET", "/api/v1/pools"),
]
EXAMPLES = 20  # for each path, in the suite
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.fixture
def one_connection(world):
    """As Django's own client has it, and undoes it after each call: the end of a request would close the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(settings):
    """A shopper with points and a redemption, another one with theirs, a server that signs; limits far away."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "1000000/hour")
    settings.API_KEYS = ["shop:an invented secret"]
    settings.SESSION_FAILED_TRIES_A_DAY = settings.SESSION_MESSAGES_A_DAY = 1_000_000
    now = timezone.now()
    make_codes(make_pool(amount_uah=100), 20)
    mine, others = make_shopper(now, points=5000), make_shopper(now, OTHER_PHONE, points=5000)
    ids = [
        signed_in(customer_id, now)
        .post("/redemptions", {"points": 100, "order_total": 1000}, key="checkout-1")
        .json()["id"]
        for customer_id in (mine, others)
    ]
    session = Browser().start().json()["session"]
    return {"token": make_token(customer_id=mine, now=now), "ids": ids, "session": session}


def walk(method, path, world, examples, chosen=0):
    """The same cases for the same seed, in an order that does not depend on what an earlier run found."""
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, get_wsgi_application())
    operation = schema[path][method]
    before = LedgerEntry.objects.count()

    @seed(chosen)
    @search(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def explore(data):
        mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        headers = {name: value for name, value in dict(case.headers or {}).items() if name.lower() != "authorization"}
        who = data.draw(st.sampled_from(["me", "me", "me", "nobody", "nonsense"]))
        if who != "nobody":
            headers["Authorization"] = f"Bearer {world['token'] if who == 'me' else 'nonsense'}"
        if path.endswith("/pools") and who == "me":
            headers.update(sign(method, path, at=int(time.time())))
        if "{" in path and data.draw(st.booleans()):
            case.path_parameters = {"redemption_id": data.draw(st.sampled_from(world["ids"]))}
        if path.endswith("/verify") and isinstance(case.body, dict) and data.draw(st.booleans()):
            case.body = {**case.body, "session": world["session"]}
        case.headers = headers
        response = case.call()
        assert response.status_code < 500, (case.as_curl_command(), response.text)
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert set(json.loads(response.text)) >= {"success", "error", "code", "message"}

    explore()
    # Whoever only looks, claims or guesses moves no points; paying and taking back are what they say.
    if path not in {"/api/v1/redemptions", "/api/v1/redemptions/{redemption_id}"}:
        assert LedgerEntry.objects.count() == before
    assert Hold.objects.get(key=world["ids"][1]).state == "open"


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_is_answered_is_described(world, method, path):
    walk(method, path, world, examples=EXAMPLES)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_is_answered_is_described_in_five_thousand_cases(world, method, path, capsys):
    """`SEED=… make prove K=five_thousand` runs the same ones again."""
    chosen = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    with capsys.disabled():
        sys.stderr.write(f"\n{method} {path}: seed {chosen}\n")
    walk(method, path, world, examples=5000 // len(OPERATIONS), chosen=chosen)


def test_the_document_lists_the_paths_that_are_searched():
    document = Browser().get("/openapi.json").json()
    listed = {(method.upper(), path) for path, its in document["paths"].items() for method in its}
    assert listed == set(OPERATIONS)
    assert document["openapi"].startswith("3.")


def test_the_document_is_in_the_readers_language():
    english, ukrainian = (Browser(language=name).get("/openapi.json").json() for name in ("en", "uk"))
    told = [
        (one["summary"], other["summary"])
        for path in english["paths"]
        for one, other in zip(english["paths"][path].values(), ukrainian["paths"][path].values(), strict=True)
    ]
    assert all(one != other for one, other in told)
    texts = list(_texts(ukrainian))
    assert len(texts) > 60
    assert [text for text in texts if not any("а" <= letter <= "я" for letter in text.lower())] == []


def _texts(part):
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"summary", "description"} and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner)


def test_every_refusal_that_a_path_can_give_is_described():
    document = Browser().get("/openapi.json").json()
    for its in document["paths"].values():
        for operation in its.values():
            assert {"400", "405", "429", "503"} <= set(operation["responses"])
            if operation.get("security"):
                assert "401" in operation["responses"]


def test_the_page_to_read_is_for_developers_only(settings):
    page = Browser(language="uk").get("/docs")
    assert page.status_code == 200
    assert "Сплатити балами" in page.content.decode()
    settings.IS_LOCAL = False
    assert Browser().get("/docs").status_code == 404


def test_a_cold_start_does_not_import_what_only_the_api_needs():
    asked = (
        "import sys, django.core.wsgi as w; app = w.get_wsgi_application(); import bonusportal.urls; "
        "print(sorted({'ninja', 'pydantic', 'cryptography', 'requests', 'celery'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_a_server_that_lives_long_has_imported_it_before_the_first_shopper_calls():
    """A second and more of imports, on a busy machine, that the first proof of a phone would wait for."""
    asked = (
        "import sys, json, bonusportal.wsgi; before = set(sys.modules); from django.test import Client; "
        "client = Client(); known = before | set(sys.modules); "
        "client.post('/api/v1/sessions', json.dumps({'phone': '+380000000001'}), content_type='application/json'); "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - known} - {'encodings'}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60, cwd=Path(__file__).parents[2],
        env={**os.environ, "DATABASE_URL": "sqlite://:memory:", "REDIS_URL": ""},
    )  # fmt: skip
    assert said.stdout.strip() == "[]"
