"""Trying a running portal from outside: a good one passes, every fault is found, and nothing is handed out unless asked for."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import translation
from requests.structures import CaseInsensitiveDict

from bonusportal.probing import Verdict, ask, issue_one, questions
from promo.models import Code, Demand, Issue
from tests.factories import make_codes, make_pool
from tools.ports import free_port

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"


@pytest.fixture(autouse=True)
def _surroundings(settings):
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    make_codes(make_pool(1100), 5)


class Answer:
    """Django's answer, looking like that of requests."""

    def __init__(self, response):
        self.status_code = response.status_code
        self.headers = CaseInsensitiveDict(response.items())
        self._body = response.content

    def json(self):
        return json.loads(self._body)


def portal(method, url, *, headers, data, allow_redirects):
    """The portal itself as the far side, without a socket."""
    assert allow_redirects is False
    content_type = headers.get("Content-Type", "")
    with translation.override(None):
        return Answer(
            Client().generic(
                method, url.removeprefix("http://portal.test"), data or "", content_type=content_type, headers=headers
            )
        )


def findings(send, *, origin=SHOP):
    return [ask(question, base_url="http://portal.test/", send=send) for question in questions(origin=origin)]


def wrong(found):
    return {finding.asked: finding.remarks for finding in found if finding.verdict is Verdict.WRONG}


def test_the_portal_is_as_its_contract_says_and_hands_out_nothing():
    assert wrong(findings(portal)) == {}
    assert not Issue.objects.exists()
    assert Code.objects.filter(state="available").count() == 5
    assert not Demand.objects.exists()


def test_guarded_mode_is_as_the_contract_says_too(settings):
    settings.GET_CODE_MODE = "guarded"
    assert wrong(findings(portal)) == {}
    assert wrong(issue_one(amount_uah=1100, base_url="http://portal.test", send=portal)) == {}
    assert not Issue.objects.exists()


def test_a_path_that_is_not_there_is_shown_and_is_no_fault():
    def without_balance(method, url, **sent):
        answer = portal(method, url, **sent)
        if "/check-balance" in url and method == "GET":
            answer.status_code = 404
        return answer

    found = [finding for finding in findings(without_balance) if finding.asked.startswith("GET /check-balance")]
    assert [finding.verdict for finding in found] == [Verdict.NOT_THERE, Verdict.NOT_THERE]


def test_no_question_names_an_amount_that_could_be_issued():
    for question in questions(origin=SHOP):
        asked = f"{question.path} {question.body or ''}"
        assert not any(f"{mark}{digit}" in asked for mark in ("amount=", '"amount": ') for digit in "123456789")


# --- faults: each far side is the portal with one thing wrong -----------------------------------------------------------


def head_is_get(method, url, **sent):
    return portal("GET" if method == "HEAD" else method, url, **sent)


def everything_is_well(method, url, **sent):
    answer = portal(method, url, **sent)
    answer.status_code = 200
    return answer


def any_page_may_call(method, url, **sent):
    answer = portal(method, url, **sent)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def without(name):
    def send(method, url, **sent):
        answer = portal(method, url, **sent)
        answer.headers.pop(name, None)
        return answer

    return send


def the_predecessors_errors(method, url, **sent):
    answer = portal(method, url, **sent)
    body = json.loads(answer._body) if answer._body.startswith(b"{") else {}
    if "error" in body:
        answer._body = json.dumps({"error": body["error"]}).encode()
    return answer


def one_language(method, url, **sent):
    return portal(method, url, **{**sent, "headers": {**sent["headers"], "Accept-Language": "uk"}})


def no_prefix(method, url, **sent):
    return portal(method, url.replace("/prod/", "/stage/"), **sent)


def a_page_of_a_proxy(method, url, **sent):
    answer = portal(method, url, **sent)
    answer._body = b"<html>"
    return answer


@pytest.mark.parametrize(
    ("send", "asked", "remark"),
    [
        (head_is_get, "HEAD /get-code: a link preview", "status 400 instead of 405"),
        (everything_is_well, "GET /get-code: no amount", "status 200 instead of 400"),
        (any_page_may_call, "OPTIONS /get-code: a foreign page", 'any page may call: Access-Control-Allow-Origin is "*"'),
        (any_page_may_call, "OPTIONS /get-code: the shop's page", "Access-Control-Allow-Origin is not the shop's"),
        (without("X-Request-ID"), "GET /healthz: alive", "X-Request-ID is missing"),
        (without("Cache-Control"), "GET /get-code: no amount", "Cache-Control is not no-store"),
        (without("Vary"), "OPTIONS /get-code: the shop's page", "Vary has no Origin"),
        (without("Access-Control-Allow-Methods"), "OPTIONS /get-code: no origin", "Access-Control-Allow-Methods has no POST"),
        (the_predecessors_errors, "GET /get-code: no amount", "success is not false"),
        (the_predecessors_errors, "GET /get-code: no amount", "error and message are not one sentence"),
        (the_predecessors_errors, "GET /get-code: no amount", "code is None instead of 'amount_missing'"),
        (one_language, "GET /get-code: in English when asked", "the sentence is not in en"),
        (no_prefix, "GET /prod/get-code: the predecessor's prefix", "status 404 instead of 400"),
        (a_page_of_a_proxy, "POST /get-code: no number", "the body is no JSON object"),
    ],
)  # fmt: skip
def test_a_fault_is_found(send, asked, remark):
    assert remark in wrong(findings(send))[asked]


# --- issuing ------------------------------------------------------------------------------------------------------------


def issued(send, amount_uah=1100):
    return list(issue_one(amount_uah=amount_uah, base_url="http://portal.test", send=send))


def test_one_code_is_issued_when_asked_for_and_the_key_is_honoured():
    found = issued(portal)
    assert [(finding.verdict, finding.status) for finding in found] == [
        (Verdict.FINE, 400),
        (Verdict.FINE, 200),
        (Verdict.FINE, 200),
        (Verdict.FINE, 422),
    ]
    assert Issue.objects.count() == 1
    assert not any("BON" in f"{finding}" for finding in found)


def test_an_empty_pool_is_an_honest_answer():
    make_pool(1200)
    found = issued(portal, 1200)
    assert [(finding.verdict, finding.status) for finding in found] == [(Verdict.FINE, 400), (Verdict.FINE, 404)]


def test_a_portal_that_forgets_keys_and_feeds_prefetches_is_found_out():
    def careless(method, url, *, headers, **sent):
        kept = {k: v for k, v in headers.items() if k not in {"Idempotency-Key", "Purpose", "Sec-Purpose"}}
        return portal(method, url, headers=kept, **sent)

    remarks = wrong(issued(careless))
    assert remarks["GET /get-code?amount=1100: a prefetch"] == ("a code was handed out",)
    assert remarks["POST /get-code: the same key"] == (
        "another code for the same key",
        "Idempotent-Replayed is not true",
    )
    assert "POST /get-code: the same key, another amount" in remarks


# --- the command --------------------------------------------------------------------------------------------------------


def run(*arguments):
    out = io.StringIO()
    call_command("try_api", *arguments, stdout=out, no_color=True)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_command_tries_a_real_server_and_shows_a_table(live_server, settings):
    said = run(live_server.url, "--origin", SHOP)
    assert "fine       400  GET /get-code: no amount\n" in said
    assert said.splitlines()[-1].split(", ")[1] == "0 wrong"
    assert not Issue.objects.exists()
    settings.CORS_ALLOWED_ORIGINS = []
    with pytest.raises(CommandError, match="3 wrong") as error:
        run(live_server.url, "--origin", SHOP)
    assert error.value.returncode == 1


@pytest.mark.django_db(transaction=True)
def test_the_command_issues_one_code_when_told_so(live_server):
    said = run(live_server.url, "--issue", "1100")
    assert "fine       422  POST /get-code: the same key, another amount" in said
    assert "BON" not in said
    assert Issue.objects.count() == 1


def test_nobody_there_is_a_sentence():
    with pytest.raises(CommandError, match="did not answer: ConnectionError"):
        run(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "arguments", [["portal.test"], ["file:///etc/passwd"], ["http://portal.test", "--issue", "1e3"]]
)
def test_what_is_no_address_or_no_amount_is_refused_before_anything_is_sent(arguments):
    with pytest.raises(CommandError):
        run(*arguments)
