"""The client at a simulated CRM: what it asks, what it repeats, when it looks before it repeats, and what it never shows."""

import io
import logging
import socket
import threading
from contextlib import contextmanager, suppress
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from keycrm.client import KeyCrm, Timeouts
from keycrm.errors import (
    CrmUnavailable,
    InvalidRequest,
    NotConfigured,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthorized,
)
from keycrm.ports import OpenLine
from tests.keycrm.world import NOW, OLENA, World, not_connected


def query_of(request):
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path_url).query).items()}


# --- buyers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["plus", "digits", "as_sent"])
def test_a_buyer_is_found_by_phone_however_the_account_stores_it(stored):
    world = World(phone_stored=stored)
    buyer = world.olena(custom_fields={"CT_1023": 50})
    found = world.client().buyers_by_phone("000 000 00 01".replace("000 000", "+38 000 000"))
    assert [(one.id, one.custom_fields) for one in found] == [(buyer["id"], {"CT_1023": "50"})]


def test_both_forms_of_the_phone_go_in_one_call_and_the_plus_is_encoded():
    world = World()
    world.client().buyers_by_phone(OLENA)
    assert world.seen == [("GET", "/buyer")]
    assert "filter%5Bbuyer_phone%5D=380000000001%2C%2B380000000001" in world.requests[0].path_url


def test_every_buyer_of_a_phone_is_found_over_all_pages():
    world = World()
    for number in range(53):
        world.state.create_buyer(f"Двійник {number}", phones=[OLENA])
    assert len(world.client().buyers_by_phone(OLENA)) == 53
    assert len(world.seen) == 2


def test_what_a_loose_filter_brings_besides_is_left_out():
    world = World(phone_filter="by_digits", phone_stored="as_sent")
    world.state.create_buyer("Чужий", phones=["380000000001 дод. 5"])
    assert world.client().buyers_by_phone(OLENA) == ()


def test_a_buyer_is_found_by_e_mail_without_regard_to_case():
    world = World()
    buyer = world.olena()
    assert [one.id for one in world.client().buyers_by_email(" OLENA@customer.example ")] == [buyer["id"]]
    assert world.client().buyers_by_email("a@customer.example,olena@customer.example") == ()


def test_a_new_buyer_is_made_with_what_was_given_and_nothing_else():
    world = World()
    made = world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert world.requests[-1].body.decode() == '{"full_name": "Олена Приклад", "phone": ["+380000000001"]}'
    assert world.state.get("buyers", made.id)["phones"] == [OLENA]


def test_writing_fields_sends_the_name_and_leaves_phones_alone():
    world = World()
    buyer = world.olena()
    world.client().update_buyer(buyer["id"], full_name="Олена Приклад", custom_fields={"CT_1023": "70"})
    kept = world.state.get("buyers", buyer["id"])
    assert (kept["phones"], kept["custom_fields"]) == ([OLENA], {"CT_1023": "70"})


def test_a_merged_buyer_is_not_found():
    world = World()
    survivor, gone = world.olena(), world.olena()
    world.state.merge_buyers(survivor["id"], gone["id"])
    with pytest.raises(NotFound):
        world.client().buyer(gone["id"])


# --- orders -------------------------------------------------------------------------------------------------------


def test_an_order_comes_with_everything_that_is_needed():
    world = World()
    made = world.order("#70415", discount_amount=100, promocode="BON100X5UN", payments=[{"amount": 398}])
    order = world.client().order(made["id"])
    assert (order.number, order.grand_total, order.total_discount) == ("70415", Decimal(398), Decimal(100))
    assert (order.products_total, order.promocode, order.payment_status) == (Decimal(498), "BON100X5UN", "paid")
    assert (order.buyer.canonical_phone, order.group_id, order.placed_at) == (OLENA, 1, NOW)


def test_an_order_is_found_by_its_digits_whatever_sign_stands_before():
    world = World()
    first, second = world.order("#70415"), world.order("70415")
    world.order("170415")
    assert [one.id for one in world.client().orders_by_number("70415", source_id=1)] == [first["id"], second["id"]]
    assert world.client().orders_by_number("немає") == ()


def test_a_discount_is_written_as_a_number_of_two_places():
    world = World()
    made = world.order()
    world.client().update_order(made["id"], discount_amount=Decimal("99.9"))
    assert world.requests[-1].body == b'{"discount_amount": 99.9}'
    assert world.client().order(made["id"]).grand_total == Decimal("398.1")


def test_orders_come_page_by_page_until_the_crm_says_it_is_the_last():
    world = World()
    for number in range(51):
        world.order(str(number))
    first = world.client().orders()
    second = world.client().orders(page=2)
    assert (len(first.items), first.has_next, first.total) == (50, True, 51)
    assert (len(second.items), second.has_next) == (1, False)


def test_a_span_is_sent_as_two_moments_in_utc():
    world = World()
    world.client().orders(updated=(NOW, NOW), created=(NOW, NOW))
    asked = query_of(world.requests[0])
    assert asked["filter[updated_between]"] == "2026-03-14 12:00:00,2026-03-14 12:00:00"
    assert asked["filter[created_between]"] == asked["filter[updated_between]"]


# --- dictionaries and cards ------------------------------------------------------------------------------------------


def test_the_lists_of_an_account_are_read():
    crm = World().client()
    assert {one.group_id for one in crm.statuses()} == {1, 2, 3, 4, 5, 6}
    assert [one.driver for one in crm.sources()] == ["horoshop", "api"]
    assert [one.name for one in crm.tags()] == ["VIP", "Подарунок"]
    assert {one.model for one in crm.custom_fields("client", "lead")} == {"client", "lead"}


@pytest.mark.parametrize("as_page", [False, True])
def test_one_card_comes_by_itself_or_as_a_page(as_page):
    world = World(card_as_page=as_page)
    card = world.state.create_card(client_id=world.olena()["id"], order_id=2001)
    world.client().update_card(card["id"], custom_fields={"LD_1035": "50"})
    found = world.client().card(card["id"])
    assert (found.id, found.target_id, found.custom_fields) == (card["id"], 2001, {"LD_1035": "50"})


def test_pipelines_may_be_switched_off():
    assert World().client().pipelines_are_on()
    assert not World(pipelines_off=True).client().pipelines_are_on()


# --- repeating ----------------------------------------------------------------------------------------------------


def test_a_read_is_repeated_after_a_fault():
    world = World(errors_first=2)
    assert world.client().statuses()
    assert len(world.seen) == 3
    assert world.clock.slept == sorted(world.clock.slept)  # longer each time


def test_a_read_that_goes_on_failing_ends_as_unavailable():
    world = World(errors_first=100)
    with pytest.raises(CrmUnavailable) as failure:
        world.client().statuses()
    assert (failure.value.status, len(world.seen)) == (503, 4)


def test_a_page_instead_of_json_is_a_fault_and_no_answer():
    world = World(not_json_first=1)
    assert world.client().statuses()
    assert len(world.seen) == 2


def test_the_crm_s_own_time_is_waited_for():
    world = World(limit_per_minute=1)
    crm = world.client()
    crm.statuses()
    crm.statuses()
    assert world.state.counters["over_limit"] == 1
    assert 60 <= world.clock.slept[0] < 61


def test_without_a_time_a_third_of_a_minute_is_waited():
    world = World(limit_per_minute=1, retry_after=False)
    crm = world.client()
    crm.statuses()
    crm.statuses()
    assert all(20 <= slept < 21 for slept in world.clock.slept)
    assert len(world.clock.slept) == 3


def test_a_call_that_a_person_waits_for_gives_up_in_seconds():
    world = World(limit_per_minute=1)
    crm = world.client(urgent=True)
    crm.statuses()
    with pytest.raises(RateLimited) as refusal:
        crm.statuses()
    assert refusal.value.retry_after_seconds == 60
    assert world.clock.slept == []


@pytest.mark.parametrize(
    ("switches", "error"),
    [({"key_refused": True}, Unauthorized), ({}, NotFound)],
)
def test_what_will_not_change_is_not_repeated(switches, error):
    world = World(**switches)
    with pytest.raises(error):
        world.client().order(999)
    assert len(world.seen) == 1


def test_what_the_crm_refuses_is_told_by_field():
    world = World()
    made = world.order()
    with pytest.raises(InvalidRequest) as refusal:
        world.client().update_order(made["id"], status_id=777)
    assert (refusal.value.status, list(refusal.value.fields)) == (422, ["status_id"])


# --- what may have been done ---------------------------------------------------------------------------------------


def test_a_buyer_whose_answer_was_lost_is_looked_for_and_not_made_twice():
    world = World(errors_after_write_first=1)
    made = world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert [one["id"] for one in world.state.all("buyers")] == [made.id]
    assert world.seen == [("POST", "/buyer"), ("GET", "/buyer")]


def test_a_buyer_whose_request_was_lost_is_made_after_a_look():
    world = World()
    world.faults_before = [requests.ReadTimeout()]
    made = world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert [one["id"] for one in world.state.all("buyers")] == [made.id]
    assert [method for method, _path in world.seen] == ["POST", "GET", "POST"]


def test_repeating_without_the_look_would_make_two():
    """The negative control of the two tests above: the CRM does not guard against a second card."""
    world = World(errors_after_write_first=1)
    caller = world.client()._caller
    for _ in range(2):
        try:
            caller.call("POST", "/buyer", body={"full_name": "Олена Приклад", "phone": [OLENA]})
        except OutcomeUnknown:
            continue
    assert len(world.state.all("buyers")) == 2


def test_another_buyer_with_that_phone_is_not_taken_for_the_one_that_was_made():
    world = World()
    world.state.create_buyer("Тарас Зразок", phones=[OLENA])
    world.faults_before = [requests.ReadTimeout()]
    made = world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert len(world.state.all("buyers")) == 2
    assert made.full_name == "Олена Приклад"


def test_when_the_look_fails_too_the_outcome_stays_unknown():
    world = World()
    world.faults_before = [requests.ReadTimeout()] + [requests.ConnectTimeout()] * 4
    with pytest.raises(OutcomeUnknown):
        world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert world.state.all("buyers") == []


def test_a_post_that_was_never_sent_is_simply_repeated():
    world = World()
    world.faults_before = [not_connected()]
    world.client().create_buyer(full_name="Олена Приклад", phones=[OLENA])
    assert world.seen == [("POST", "/buyer"), ("POST", "/buyer")]
    assert len(world.state.all("buyers")) == 1


def test_absolute_values_are_written_again_after_a_lost_answer():
    world = World()
    buyer = world.olena()
    world.faults_after = [requests.ConnectionError("aborted")]
    world.client().update_buyer(buyer["id"], full_name="Олена Приклад", custom_fields={"CT_1023": "70"})
    assert world.seen == [("PUT", f"/buyer/{buyer['id']}")] * 2


def test_a_write_that_may_have_been_done_never_ends_as_a_plain_refusal():
    world = World()
    buyer = world.olena()
    world.faults_before = [requests.ReadTimeout(), *[requests.ConnectTimeout()] * 3]
    with pytest.raises(OutcomeUnknown):
        world.client().update_buyer(buyer["id"], full_name="Олена Приклад")


def test_a_doubt_outlives_a_turn_that_is_refused_afterwards():
    class OneTurn(OpenLine):
        turns = 0

        def take_turn(self, **asked):
            self.turns += 1
            if self.turns > 1:
                raise RateLimited("no turn left in time")

    world = World()
    buyer = world.olena()
    world.faults_after = [requests.ReadTimeout()]
    with pytest.raises(OutcomeUnknown):
        world.client(line=OneTurn()).update_buyer(buyer["id"], full_name="Олена Приклад")


# --- addresses and secrets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("base_url", "token"), [("", "key"), ("http://crm.example/v1", "")])
def test_without_key_or_address_there_is_no_client(base_url, token):
    with pytest.raises(NotConfigured):
        KeyCrm(base_url=base_url, token=token)


def test_a_wrong_address_is_never_taken_for_rows_that_are_gone():
    world = World()
    with pytest.raises(NotConfigured, match="KEYCRM_BASE_URL"):
        world.client(base_url="http://crm.example/v1/v1").orders_by_number("70415")


def test_a_redirect_is_not_followed_with_the_key():
    world = World()
    world.session.mount("http://moved.example", Redirecting())
    with pytest.raises(NotConfigured, match="redirect"):
        world.client(base_url="http://moved.example/v1").order(1)
    assert world.seen == []


class Redirecting(requests.adapters.BaseAdapter):
    def send(self, request, *args, **kwargs):
        response = requests.Response()
        response.status_code, response.request, response.url = 302, request, request.url
        response.headers["Location"] = "http://crm.example/v1/order/1"
        response.raw = io.BytesIO()
        return response

    def close(self):
        return


def test_neither_key_nor_phone_is_logged_or_told(caplog):
    caplog.set_level(logging.DEBUG)
    world = World(errors_first=100)
    crm = world.client()
    world.faults_before = [requests.ConnectTimeout(f"http://crm.example/v1/buyer?phone={OLENA} {world.state.token}")]
    with pytest.raises(CrmUnavailable) as failure:
        crm.buyers_by_phone(OLENA)
    told = caplog.text + repr(failure.value) + str(failure.value) + repr(crm._caller)
    assert OLENA.strip("+") not in told
    assert world.state.token not in told


def test_a_key_in_a_netrc_does_not_replace_ours(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine crm.example login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    world = World()
    world.session.trust_env = True
    world.client().statuses()
    assert world.requests[0].headers["Authorization"] == f"Bearer {world.state.token}"


def test_repeats_of_one_call_carry_one_correlation_id():
    world = World(errors_first=2)
    world.client().statuses()
    assert len({one.headers["X-Correlation-ID"] for one in world.requests}) == 1


# --- real sockets -------------------------------------------------------------------------------------------------


def real_client(url, **options):
    return KeyCrm(base_url=url, token="key", sleep=lambda seconds: None, **options)


def test_a_port_where_nobody_listens_means_that_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(CrmUnavailable) as failure:  # and not OutcomeUnknown
        real_client(f"http://127.0.0.1:{port}/v1").update_buyer(1, full_name="Олена Приклад")
    assert failure.value.detail == "ConnectionError"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"", "ConnectionError"),  # hangs up
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "ChunkedEncodingError"),  # hangs up in the middle
        (b"nonsense\r\n\r\n", "ConnectionError"),
    ],
)
def test_a_server_that_hangs_up_leaves_a_write_unknown_and_a_read_unavailable(answer, detail):
    with speaking(answer) as url:
        with pytest.raises(OutcomeUnknown) as doubt:
            real_client(url).update_buyer(1, full_name="Олена Приклад")
        with pytest.raises(CrmUnavailable):
            real_client(url).order(1)
    assert doubt.value.detail == detail


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_told():
    with speaking(None) as url, pytest.raises(OutcomeUnknown) as doubt:
        real_client(url, timeouts=Timeouts(read_seconds=0.05)).update_buyer(1, full_name="Олена Приклад")
    assert doubt.value.detail == "ReadTimeout"


def test_an_answer_that_trickles_is_not_waited_for_to_its_end():
    with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}") as url, pytest.raises(CrmUnavailable) as failure:
        real_client(url, timeouts=Timeouts(whole_seconds=0.0)).order(1)
    assert failure.value.detail in {"the answer trickles", "ChunkedEncodingError"}


def test_an_answer_without_end_is_cut_off():
    with (
        speaking(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (9 * 1024 * 1024)) as url,
        pytest.raises(CrmUnavailable) as failure,
    ):
        real_client(url).order(1)
    assert failure.value.detail == "the answer is too large"


@contextmanager
def speaking(answer):
    """A server that reads a little and says this and no more, to everybody; None: it says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        def serve():
            while True:
                try:
                    caller, _address = listening.accept()
                except OSError:
                    return
                held.append(caller)
                if answer is not None:
                    with suppress(OSError):
                        caller.recv(65_536)
                        caller.sendall(answer)
                    caller.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for caller in held:
                caller.close()
