"""The simulated SMS gateway: what it takes, what it refuses, every switch, and the page of phones."""

from dataclasses import fields

import pytest
import requests
from playwright.sync_api import expect

from demo.sms.app import create_gateway
from demo.sms.server import serve
from demo.sms.state import DEMO_KEY, SmsState, Switches
from tests.demo.visitor import RecordedWaits

KEY = {"Authorization": f"Bearer {DEMO_KEY}"}
WHOLE = {"to": "380000000001", "text": "Ваш код: 123456", "sender": "Lastivka"}


@pytest.fixture
def state():
    return SmsState()


@pytest.fixture
def waits():
    return RecordedWaits()


@pytest.fixture
def client(state, waits):
    return create_gateway(state, stopping=waits).test_client()


def test_a_message_is_accepted_and_reaches_its_phone(state, client):
    answer = client.post("/messages", json=WHOLE, headers=KEY)
    message = state.messages(to="+380000000001")[0]
    assert (answer.status_code, answer.get_json()) == (202, {"id": message.id})
    assert (message.text, message.sender) == ("Ваш код: 123456", "Lastivka")
    assert state.messages(to="380000000002") == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_without_the_key_nothing_is_sent(state, client, headers):
    assert client.post("/messages", json=WHOLE, headers=headers).status_code == 401
    assert state.messages() == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to": "0000000001"}, "to"),
        ({"to": 380000000001}, "to"),
        ({"to": "380٠٠٠٠٠٠٠٠١"}, "to"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 671}, "text"),
        ({"text": None}, "text"),
        ({"sender": 5}, "sender"),
    ],
)
def test_a_bad_message_is_refused_by_name(state, client, changes, named):
    answer = client.post("/messages", json={**WHOLE, **changes}, headers=KEY)
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(f"{named}:")
    assert state.messages() == []


def test_what_is_no_json_object_is_refused(client):
    assert client.post("/messages", data="to=1", headers=KEY).status_code == 400
    assert client.post("/messages", json=[WHOLE], headers=KEY).status_code == 400


@pytest.mark.parametrize(
    ("outcome", "status", "arrived"),
    [
        ("normal", 202, 1),
        ("fails_500", 500, 0),
        ("fails_503", 503, 0),
        ("accepted_but_lost", 202, 0),
        ("sent_then_500", 500, 1),
        ("sent_twice", 202, 2),
        ("too_many", 429, 0),
    ],
)
def test_every_outcome(state, client, outcome, status, arrived):
    state.set_switches(outcome=outcome)
    answer = client.post("/messages", json=WHOLE, headers=KEY)
    assert (answer.status_code, len(state.messages())) == (status, arrived)
    assert (answer.headers.get("Retry-After") is not None) == (status == 429)


def test_an_outcome_may_come_to_every_second_message_only(state, client):
    state.set_switches(outcome="fails_503", outcome_every=2)
    assert [client.post("/messages", json=WHOLE, headers=KEY).status_code for _ in range(4)] == [202, 503, 202, 503]


def test_slow_seconds_make_it_wait_and_key_refused_refuses(state, client, waits):
    state.set_switches(slow_seconds=3.0, key_refused=True)
    assert client.post("/messages", json=WHOLE, headers=KEY).status_code == 401
    assert waits.seconds == [3.0]


def test_every_switch_is_described_and_shown(client):
    text = client.get("/_demo/").get_data(as_text=True)
    for one in fields(Switches):
        assert one.metadata["uk"]
        assert one.metadata["en"]
        assert f'id="{one.name}"' in text


def test_the_door_turns_switches_forgets_messages_and_refuses_nonsense(state, client):
    client.post("/messages", json=WHOLE, headers=KEY)
    assert len(client.get("/_demo/state?to=380000000001").get_json()["messages"]) == 1
    said = client.post("/_demo/state", json={"clear": True, "switches": {"slow_seconds": 1.5}}).get_json()
    assert (said["messages"], said["changed"]) == ([], {"slow_seconds": 1.5})
    for body in ([], {"nope": 1}, {"switches": {"outcome": "odd"}}, {"switches": {"outcome_every": 0}}):
        assert client.post("/_demo/state", json=body).status_code == 400
    assert state.switches.changed() == {"slow_seconds": 1.5}
    assert client.get("/_demo/state", base_url="http://sms.example/").status_code == 403


def test_a_message_is_text_on_the_page_and_never_markup(state, client):
    client.post("/messages", json={**WHOLE, "text": "<img src=x onerror=alert(1)>"}, headers=KEY)
    assert "&lt;img src=x" in client.get("/fresh").get_data(as_text=True)


def test_a_message_appears_on_the_open_page_by_itself(page):
    with serve(SmsState()) as gateway:
        page.goto(gateway.url)
        expect(page.locator(".nothing")).to_be_visible()
        assert requests.post(gateway.messages_url, json=WHOLE, headers=KEY, timeout=5).status_code == 202
        expect(page.locator(".message[data-to='380000000001'] p")).to_have_text("Ваш код: 123456")
