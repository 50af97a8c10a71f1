"""The panel's own memory and doors: switches as a value, the random combiner, the JSON file, `/_demo/`, the server."""

import socket
import threading
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from demo.panel.server import main, serve
from demo.panel.state import CodeRefusedError, DuplicateCodeError, PanelState
from demo.panel.switches import Switches, mutate
from tests.demo import test_panel_switches
from tests.demo.visitor import Clock, logged_in, visitor

# -- switches ----------------------------------------------------------------------------------------------------------


def test_every_switch_is_described_in_both_languages_and_has_a_test():
    tests = Path(test_panel_switches.__file__).read_text(encoding="utf-8")
    for one in fields(Switches):
        assert one.metadata["uk"]
        assert one.metadata["en"]
        assert one.metadata["group"] in Switches.GROUPS
        assert one.name in tests, one.name


@pytest.mark.parametrize(
    "changes",
    [
        {"filter_mode": "wild"},
        {"maintenance": 1},
        {"maintenance": "yes"},
        {"slow_seconds": True},
        {"slow_seconds": -1},
        {"slow_seconds": "2"},
        {"slow_seconds": float("nan")},
        {"save_outcome_every": 0},
        {"no_such_switch": True},
    ],
)
def test_a_switch_refuses_what_it_does_not_know_and_nothing_is_turned(changes):
    state = PanelState()
    with pytest.raises(ValueError, match=next(iter(changes))):
        state.set_switches(challenge=True, **changes)
    assert state.switches == Switches()


def test_turning_one_switch_leaves_the_others():
    state = PanelState(switches=Switches(captcha=True))
    state.set_switches(slow_seconds=0.5)
    assert state.switches.changed() == {"captcha": True, "slow_seconds": 0.5}


def test_a_seed_gives_the_same_mutation_for_ever():
    assert [mutate(seed) for seed in range(50)] == [mutate(seed) for seed in range(50)]
    assert mutate(7).changed() == mutate(7).changed()


def test_two_hundred_mutations_reach_every_switch_and_always_change_something():
    mutations = [mutate(seed).changed() for seed in range(200)]
    assert all(mutations)
    reached = {name for changed in mutations for name in changed}
    assert reached >= {one.name for one in fields(Switches) if one.metadata["mutations"]}


def test_a_mutation_has_at_most_one_switch_that_needs_a_person():
    blocking = {one.name for one in fields(Switches) if one.metadata["blocks"]}
    counts = [len(blocking & set(mutate(seed).changed())) for seed in range(400)]
    assert max(counts) == 1
    assert 60 < sum(counts) < 140


# -- codes -------------------------------------------------------------------------------------------------------------


def test_a_certificate_is_spent_once_and_then_stands_in_the_grid_as_inactive():
    guest = logged_in()
    guest.save("BON100NEW")
    guest.state.redeem("BON100NEW", amount=100)
    assert guest.grid().column(2) == ["Ні"]
    with pytest.raises(CodeRefusedError) as refused:
        guest.state.redeem("BON100NEW")
    assert refused.value.reason == "inactive"
    assert guest.state.counters["redeem"] == 1


def test_a_coupon_is_spent_as_often_as_its_quantity_says():
    state = PanelState()
    state.add_code("SALE10", 10, kind="2", quantity=2)
    state.redeem("SALE10")
    assert state.redeem("SALE10").active is False


def test_the_store_says_why_it_refuses_a_code():
    clock = Clock()
    state = PanelState(clock=clock)
    state.add_code("OLD", 100, date_limit=clock.now.date())
    state.add_code("ONEBRAND", 100, brands=["3"])
    state.add_code("HUNDRED", 100)
    clock.forward(days=1)
    reasons = {}
    for code, amount in (("NONE", None), ("OLD", None), ("ONEBRAND", None), ("HUNDRED", 200)):
        with pytest.raises(CodeRefusedError) as refused:
            state.redeem(code, amount=amount)
        reasons[code] = refused.value.reason
    assert reasons == {"NONE": "unknown_code", "OLD": "expired", "ONEBRAND": "limited", "HUNDRED": "other_amount"}
    assert all(row.active for row in state.codes())


def test_a_code_holds_to_the_end_of_its_last_day():
    clock = Clock()
    state = PanelState(clock=clock)
    state.add_code("LASTDAY", 100, date_limit=clock.now.date())
    assert state.redeem("LASTDAY").used_at == clock.now


def test_two_threads_cannot_spend_one_certificate_twice():
    state = PanelState()
    state.add_code("BON100", 100)
    together, spent = threading.Barrier(8), []

    def spend() -> None:
        together.wait()
        try:
            spent.append(state.redeem("BON100"))
        except CodeRefusedError:
            return

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spent) == 1


def test_one_string_is_one_code():
    state = PanelState()
    state.add_code("BON100", 100)
    with pytest.raises(DuplicateCodeError):
        state.add_code("BON100", 200)
    assert [row.amount for row in state.codes()] == [Decimal(100)]


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_brings_back_codes_views_and_switches_but_no_sessions(tmp_path):
    path = tmp_path / "panel.json"
    guest = logged_in(PanelState(path, clock=Clock()), other_codes=True, date_format="iso")
    guest.save("BON100A")
    guest.save("BON200B", amount="200")
    guest.delete(guest.state.codes(origin="form")[0].id)
    guest.act("filter", text1="200", text2="200")
    again = PanelState(path, clock=Clock())
    assert again.codes() == guest.state.codes()
    assert again.switches == guest.state.switches
    assert again.view(again.username) == guest.state.view(guest.state.username)
    assert again.find("BON200B") == guest.state.find("BON200B")
    assert again.sessions.expire_all() == 0
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_of_deleted_rows_are_not_given_again_after_a_restart(tmp_path):
    state = PanelState(tmp_path / "panel.json")
    last = state.add_code("BON100A", 100)
    state.delete([last.id])
    assert PanelState(tmp_path / "panel.json").add_code("BON100B", 100).id == last.id + 1


# -- /_demo/ -----------------------------------------------------------------------------------------------------------


def test_the_state_can_be_read_and_turned_as_json():
    guest = visitor()
    answer = guest.client.post(
        "/_demo/state", json={"switches": {"maintenance": True}, "codes": [{"code": "BON100A", "amount": 100}]}
    )
    assert answer.status_code == 200
    seen = guest.client.get("/_demo/state").get_json()
    assert seen["changed"] == {"maintenance": True}
    assert set(seen["switches"]) == {one.name for one in fields(Switches)}
    assert [(row["code"], row["amount"], row["active"]) for row in seen["codes"]] == [("BON100A", "100", True)]
    guest.client.post("/_demo/state", json={"reset": True})
    assert guest.state.switches == Switches()


def test_a_seed_can_be_posted_and_sessions_ended():
    guest = logged_in()
    guest.client.post("/_demo/state", json={"mutate": 5, "expire_sessions": True})
    assert guest.state.switches == mutate(5)
    guest.state.replace_switches(Switches())
    assert guest.grid().is_login


@pytest.mark.parametrize(
    "asked",
    [
        {"switches": {"filter_mode": "wild"}},
        {"switches": {"nothing": 1}},
        {"switchs": {}},
        {"mutate": "x"},
        [1],
        {"codes": [{"code": "A"}]},
        {"codes": [{"code": "A", "amount": "x"}]},
    ],
)
def test_a_wrong_request_is_400_with_a_reason_and_turns_nothing(asked):
    guest = visitor()
    answer = guest.client.post("/_demo/state", json=asked)
    assert answer.status_code == 400
    assert answer.get_json()["error"]
    assert guest.state.switches == Switches()
    assert guest.state.codes() == []


def test_redeeming_over_http():
    guest = visitor()
    guest.state.add_code("BON100A", 100)
    assert guest.client.post("/_demo/redeem", json={"code": " BON100A ", "amount": 100}).get_json() == {
        "redeemed": True,
        "code": "BON100A",
        "amount": "100",
    }
    guest.state.add_code("BON100B", 100)
    again = guest.client.post("/_demo/redeem", json={"code": "BON100A"})
    assert (again.status_code, again.get_json()) == (409, {"redeemed": False, "reason": "inactive"})
    strange = guest.client.post("/_demo/redeem", json={"code": "BON100B", "amount": "much"})
    assert (strange.status_code, strange.get_json()["reason"]) == (409, "other_amount")
    assert guest.state.counters["redeem"] == 1


@pytest.mark.parametrize("path", ["/_demo/", "/_demo/state"])
def test_the_demonstration_answers_this_machine_only(path):
    client = visitor().client
    assert client.get(path).status_code == 200
    assert client.get(path, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert client.get(path, headers={"Host": "rebound.example"}).status_code == 403


def test_a_form_on_a_foreign_page_cannot_turn_switches():
    guest = visitor()
    assert guest.client.post("/_demo/state", data={"switches": "{}"}).status_code == 415
    assert guest.client.post("/_demo/redeem", data="{}", content_type="text/plain").status_code == 415


def test_the_demonstration_is_reached_whatever_the_panel_does():
    guest = visitor(maintenance=True, challenge=True, slow_seconds=3)
    page = guest.get("/_demo/")
    assert page.status == 200
    assert guest.waits.seconds == []


def test_the_switchboard_shows_every_switch_with_its_present_value():
    page = visitor(slow_seconds=1.5, filter_mode="ignored", captcha=True).get("/_demo/")
    for one in fields(Switches):
        assert any(found.get("id") == one.name and "data-switch" in found for _, found in page.elements), one.name
    assert page.has("input", id="slow_seconds", value="1.5")
    assert any(found.get("id") == "captcha" and "checked" in found for _, found in page.elements)
    assert sum("is-turned" in found.get("class", "") for _, found in page.elements) == 3


# -- the server --------------------------------------------------------------------------------------------------------


def test_the_server_answers_on_a_free_port_and_is_gone_afterwards():
    with serve(PanelState()) as panel:
        assert "Ел. пошта" in requests.get(panel.codes_url, timeout=5).text
        assert requests.get(f"{panel.url}/panel-static/grid.js", timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(panel.login_url, timeout=5)


def test_a_hanging_answer_does_not_hold_up_the_end_of_the_server():
    state = PanelState(switches=Switches(slow_seconds=600))
    answers: list[int] = []
    with serve(state) as panel:
        asking = threading.Thread(target=lambda: answers.append(requests.get(panel.login_url, timeout=30).status_code))
        asking.start()
        with pytest.raises(requests.ReadTimeout):
            requests.get(panel.login_url, timeout=0.3)
    asking.join(timeout=10)
    assert answers == [200]


def test_a_taken_port_is_said_and_not_used(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
        with pytest.raises(OSError, match="in use"), serve(PanelState(), port):
            pass
    assert f"port {port} on 127.0.0.1 is taken" in capsys.readouterr().err


def test_a_broken_state_file_is_said_and_left_alone(tmp_path, capsys):
    path = tmp_path / "panel.json"
    path.write_text('{"codes":', encoding="utf-8")
    assert main(["--state", str(path), "--port", "0"]) == 2
    assert "is not a state file of this panel" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == '{"codes":'
