"""The simulated CRM behaves as the live ones do, and every switch does what it says."""

import datetime as dt
import re
import threading
from dataclasses import fields
from pathlib import Path

import pytest

from demo.crm.app import create_crm
from demo.crm.state import CrmState, RefusedError
from demo.crm.switches import Switches
from demo.crm.webhooks import Sender

NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
PHONE = "+380000000001"


class Crm:
    """One account, its clock, and a caller with the right key."""

    def __init__(self, **switches):
        self.now = NOW
        self.state = CrmState(switches=Switches(**switches), clock=lambda: self.now)
        self.client = create_crm(self.state).test_client()

    def later(self, **span):
        self.now += dt.timedelta(**span)

    def ask(self, method, path, *, key=None, **query):
        body = query.pop("json", None)
        return self.client.open(
            f"/v1{path}",
            method=method,
            query_string=query,
            json=body,
            headers={"Authorization": f"Bearer {key or self.state.token}"},
        )

    def get(self, path, **query):
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def order(self, number="70415", **more):
        body = {
            "source_id": 1,
            "source_uuid": number,
            "buyer": {"full_name": "Олена Приклад", "phone": PHONE},
            "products": [{"sku": "A", "price": 249, "quantity": 2}, {"sku": "B", "price": 100.5, "quantity": 1}],
        }
        return self.state.create_order(body | more)


def found(crm, path="/order", **filters):
    return [row["id"] for row in crm.get(path, **{f"filter[{name}]": value for name, value in filters.items()})["data"]]


# --- who may, how often ------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_unauthenticated():
    assert Crm(key_refused=True).ask("GET", "/order").status_code == 401
    answer = Crm().ask("GET", "/order", key="other")
    assert (answer.status_code, answer.get_json()) == (401, {"message": "Unauthenticated."})


def test_the_sixty_first_call_of_any_minute_is_refused():
    crm = Crm()
    for second in range(60):
        crm.now = NOW + dt.timedelta(seconds=second / 2)
        crm.get("/order/status")
    crm.now = NOW + dt.timedelta(seconds=45)
    refused = crm.ask("GET", "/order/status")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "15")
    crm.now = NOW + dt.timedelta(seconds=60.1)
    assert crm.ask("GET", "/order/status").status_code == 200
    assert crm.ask("GET", "/order/status").status_code == 429  # it slides, it does not start anew


def test_the_time_to_wait_may_be_left_out():
    crm = Crm(limit_per_minute=1, retry_after=False)
    crm.get("/order")
    assert "Retry-After" not in crm.ask("GET", "/order").headers


# --- lists --------------------------------------------------------------------------------------------------------


def test_a_page_has_fifteen_rows_and_never_more_than_fifty():
    crm = Crm()
    for number in range(60):
        crm.order(str(number))
    usual, most = crm.get("/order"), crm.get("/order", limit=500)
    assert (len(usual["data"]), usual["per_page"], usual["total"]) == (15, 15, 60)
    assert (len(most["data"]), most["per_page"]) == (50, 50)
    last = crm.get("/order", limit=50, page=2)
    assert len(last["data"]) == 10
    assert "next_page_url" not in last


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"filter[utm_campaign]": "a"}, "Allowed filter(s) are `status_id, source_id"),
        ({"include": "buyer,secrets"}, "Requested include(s) `secrets`"),
        ({"sort": "-secret"}, "Requested sort(s) `secret`"),
        ({"filter[created_between]": "2026-01-01"}, "two moments"),
        ({"filter[created_between]": "yesterday,today"}, "cannot be read"),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(query, said):
    crm = Crm()
    crm.order()
    answer = crm.ask("GET", "/order", **query)
    assert answer.status_code == 400
    assert said in answer.get_json()["message"]


def test_custom_fields_are_a_bare_array():
    fields = Crm().get("/custom-fields", **{"filter[model]": "client"})
    assert [one["name"] for one in fields] == ["Бонуси", "Бонуси в резерві", "Бонуси діють до", "Історія бонусів"]
    assert "options" not in fields[0]


def test_created_between_goes_by_the_moment_at_the_source():
    crm = Crm()
    old = crm.order(ordered_at="2026-03-01 10:00:00")
    crm.order()
    assert found(crm, created_between="2026-03-01,2026-03-02") == [old["id"]]
    assert found(crm, created_between="2026-02-20,2026-03-01") == []  # an end given as a date is its first moment


def test_parts_and_custom_fields_come_on_request_only():
    crm = Crm()
    order = crm.order(custom_fields=[{"uuid": "OR_1037", "value": ["Білий"]}])
    plain = crm.get(f"/order/{order['id']}")
    assert not {"buyer", "products", "custom_fields", "payments"} & set(plain)
    whole = crm.get(f"/order/{order['id']}", include="buyer,products.offer,custom_fields")
    assert whole["buyer"]["phone"] == PHONE  # one text
    assert whole["custom_fields"][0]["value"] == ["Білий"]
    card = crm.get(f"/buyer/{order['client_id']}", include="custom_fields")
    assert (card["phone"], card["custom_fields"]) == ([PHONE], [])  # an array, and only what is filled


# --- buyers -------------------------------------------------------------------------------------------------------


def test_orders_join_a_card_only_when_name_and_phone_agree():
    crm = Crm()
    first, same = (
        crm.order(),
        crm.order(buyer={"full_name": "Олена Приклад", "phone": "38 000 0000001".replace(" ", "")}),
    )
    other = crm.order(buyer={"full_name": "О. Приклад", "phone": PHONE})
    assert first["client_id"] == same["client_id"] != other["client_id"]


def test_after_a_merge_one_id_is_gone_and_its_orders_have_moved():
    crm = Crm()
    one, two = crm.order(), crm.order(buyer={"full_name": "О. Приклад", "phone": PHONE})
    crm.state.update_buyer(two["client_id"], custom_fields={"CT_1023": 5})
    crm.state.merge_buyers(one["client_id"], two["client_id"])
    assert crm.ask("GET", f"/buyer/{two['client_id']}").status_code == 404
    assert crm.state.get("orders", two["id"])["client_id"] == one["client_id"]
    assert crm.state.get("buyers", one["client_id"])["custom_fields"] == {}


@pytest.mark.parametrize(
    ("switches", "asked", "hits"),
    [
        ({}, PHONE, 1),
        ({}, "380000000001", 0),
        ({"phone_stored": "digits"}, PHONE, 0),
        ({"phone_stored": "digits"}, f"380000000001,{PHONE}", 1),
        ({"phone_filter": "by_digits"}, "380 00 0000001", 1),
    ],
)
def test_the_phone_filter_is_exact_unless_switched(switches, asked, hits):
    crm = Crm(**switches)
    crm.order()
    assert len(found(crm, "/buyer", buyer_phone=asked)) == hits
    assert len(found(crm, buyer_phone=asked)) == hits


def test_updating_a_buyer_without_a_name_is_refused_unless_switched():
    crm = Crm()
    path = f"/buyer/{crm.order()['client_id']}"
    refused = crm.ask("PUT", path, json={"custom_fields": [{"uuid": "CT_1023", "value": "5"}]})
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["full_name"])
    crm.state.set_switches(name_required=False)
    assert crm.ask("PUT", path, json={"custom_fields": [{"uuid": "CT_1023", "value": "5"}]}).status_code == 202


def test_a_list_of_phones_replaces_what_was_there():
    crm = Crm()
    path = f"/buyer/{crm.order()['client_id']}"
    crm.ask("PUT", path, json={"full_name": "Олена", "phone": ["+380000000009"]})
    assert crm.get(path)["phone"] == ["+380000000009"]


# --- orders -------------------------------------------------------------------------------------------------------


def test_the_same_number_twice_makes_two_orders():
    crm = Crm()
    assert crm.order()["id"] != crm.order()["id"]
    assert len(found(crm, source_uuid="70415")) == 2


def test_totals_follow_lines_discounts_and_delivery():
    crm = Crm()
    order = crm.order(discount_percent=10, discount_amount=8.65, shipping_price=60, payments=[{"amount": 100}])
    shown = crm.get(f"/order/{order['id']}")
    assert (shown["total_discount"], shown["grand_total"], shown["payment_status"]) == (68.5, 590, "part_paid")


def test_completing_closes_and_opening_again_opens():
    crm = Crm()
    order = crm.order()
    crm.state.complete(order["id"])
    done = crm.get(f"/order/{order['id']}")
    assert (done["status_group_id"], done["closed_at"]) == (5, "2026-03-14 12:00:00")
    crm.state.set_status(order["id"], 1)
    assert "closed_at" not in crm.get(f"/order/{order['id']}")


def test_a_partial_refund_lowers_the_goods_to_the_kopeck():
    crm = Crm()
    order = crm.order(discount_amount="98.50")
    crm.state.refund(order["id"], "33.33")
    assert crm.get(f"/order/{order['id']}")["grand_total"] == 466.67
    with pytest.raises(RefusedError):
        crm.state.refund(order["id"], "466.68")


def test_no_line_can_be_added_by_an_update_and_no_second_tracking_code():
    crm = Crm()
    path = f"/order/{crm.order()['id']}"
    crm.ask("PUT", path, json={"products": [{"sku": "NEW", "price": 1}, {"sku": "A", "quantity": 1}]})
    assert [one["quantity"] for one in crm.get(path, include="products")["products"]] == [1, 1]
    crm.ask("PUT", path, json={"shipping": {"tracking_code": "1"}, "promocode": "NEW"})
    assert crm.get(path)["promocode"] == ""
    assert crm.ask("PUT", path, json={"shipping": {"tracking_code": "2"}}).status_code == 422


def test_a_split_part_knows_its_root_and_the_sum_stays():
    crm = Crm()
    order = crm.order()
    part = crm.state.split_order(order["id"], [order["products"][1]["id"]])
    shown = [crm.get(f"/order/{one}") for one in (order["id"], part["id"])]
    assert shown[1]["parent_id"] == order["id"]
    assert sum(one["grand_total"] for one in shown) == 598.5


def test_a_deleted_order_is_gone_from_the_list_and_nobody_is_told():
    crm = Crm()
    order = crm.order()
    crm.state.take_webhooks()
    crm.state.delete_order(order["id"])
    assert crm.ask("GET", f"/order/{order['id']}").status_code == 404
    assert (found(crm), crm.state.take_webhooks()) == ([], [])


def test_untouched_orders_may_be_missing_from_updated_between():
    crm = Crm(new_orders_missing_from_updated=True)
    new, touched = crm.order("1"), crm.order("2")
    crm.state.complete(touched["id"])
    span = "2026-03-14 00:00:00, 2026-03-15 00:00:00"
    assert found(crm, updated_between=span) == [touched["id"]]
    assert found(crm, created_between=span) == [new["id"], touched["id"]]


# --- faults and forms -----------------------------------------------------------------------------------------------


def test_the_first_calls_may_fail_with_nothing_done():
    crm = Crm(errors_first=2)
    assert [crm.ask("POST", "/buyer", json={"full_name": "X"}).status_code for _ in range(3)] == [503, 503, 201]
    assert len(crm.state.all("buyers")) == 1


def test_a_write_may_be_done_and_answered_with_a_fault():
    crm = Crm(errors_after_write_first=1)
    assert [crm.ask("POST", "/buyer", json={"full_name": "X"}).status_code for _ in range(2)] == [500, 201]
    assert len(crm.state.all("buyers")) == 2


def test_answers_may_be_pages_and_late_ones_do_not_hold_up_the_end():
    crm = Crm(not_json_first=1, slow_seconds=30, slow_after_write_seconds=30)
    crm.client.application.config["CRM_STOPPING"].set()
    assert crm.ask("GET", "/order").mimetype == "text/html"
    assert crm.ask("POST", "/buyer", json={"full_name": "X"}).status_code == 201


def test_moments_amounts_and_nulls_come_in_the_other_forms():
    crm = Crm(dates="iso", numbers_as_text=True, nulls=True)
    shown = crm.get(f"/order/{crm.order()['id']}")
    assert (shown["ordered_at"], shown["grand_total"], shown["closed_at"]) == (
        "2026-03-14T12:00:00.000000Z",
        "598.50",
        None,
    )
    assert crm.get("/order")["next_page_url"] is None


def test_pipelines_may_be_off():
    answer = Crm(pipelines_off=True).ask("GET", "/pipelines/cards")
    assert (answer.status_code, answer.get_json()) == (400, {"message": "Leads are not enabled"})


def test_one_card_may_come_as_a_page():
    crm = Crm(card_as_page=True)
    card = crm.state.create_card(client_id=crm.order()["client_id"])
    assert crm.get(f"/pipelines/cards/{card['id']}")["data"][0]["id"] == card["id"]


@pytest.mark.parametrize("change", [{"dates": "roman"}, {"retry_after": 1}, {"errors_first": -1}, {"nonsense": True}])
def test_a_switch_that_nobody_would_understand_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Crm().state.set_switches(**change)


# --- webhooks -----------------------------------------------------------------------------------------------------


def sent(crm):
    return [(one["event"], one["context"]["status_id"]) for one in crm.state.take_webhooks()]


def test_each_change_of_status_and_of_payment_is_announced():
    crm = Crm()
    order = crm.order()
    crm.state.complete(order["id"])
    crm.state.add_payment(order["id"], {"amount": 10})
    assert sent(crm) == [
        ("order.change_order_status", 1),
        ("order.change_order_status", 12),
        ("order.change_payment_status", 12),
    ]


def test_what_is_announced_is_the_crm_s_own_row():
    crm = Crm()
    crm.order()
    (made,) = crm.state.take_webhooks()
    context = made["context"]
    assert (context["status_changed_at"], context["client_id"]) == ("2026-03-14T12:00:00.000000Z", 501)
    assert not {"buyer", "products", "custom_fields", "buyer_comment"} & set(context)
    assert isinstance(context["grand_total"], float)
    assert isinstance(context["total_discount"], str)


def test_webhooks_come_more_than_once_out_of_order_or_not_at_all():
    crm = Crm(webhook_copies=2)
    crm.order()
    assert len(sent(crm)) == 2
    crm.state.replace_switches(Switches(webhook_disorder=True))
    crm.state.complete(crm.order()["id"])
    assert [status for _event, status in sent(crm)] == [12, 1]
    crm.state.replace_switches(Switches(webhook_lost_every=1))
    crm.order()
    crm.state.replace_switches(Switches(webhooks=False))
    crm.order()
    assert sent(crm) == []


def test_the_last_one_is_not_held_back_for_ever():
    crm = Crm(webhook_disorder=True)
    crm.order()
    assert len(sent(crm)) == 1


@pytest.mark.parametrize(
    ("answers", "tries", "was_taken"), [([200], 1, True), ([500, 0, 200], 3, True), ([202] * 5, 3, False)]
)
def test_a_webhook_is_posted_three_times_at_most_until_it_is_200(answers, tries, was_taken):
    said, waiting = [], list(answers)
    sender = Sender(
        CrmState(),
        "http://portal.example/webhooks/keycrm/secret",
        stopping=threading.Event(),
        send=lambda url, body: waiting.pop(0),
        pauses_seconds=(0, 0, 0),
        say=said.append,
    )
    assert sender.deliver({"event": "order.change_order_status", "context": {"id": 1}}) is was_taken
    assert len(answers) - len(waiting) == tries
    assert "secret" not in "".join(said)


# --- the file, the page, the demonstration's door -----------------------------------------------------------------------


def test_everything_is_there_again_after_a_restart(tmp_path):
    state = CrmState(tmp_path / "crm.json", clock=lambda: NOW)
    state.set_switches(dates="iso")
    made = state.create_order({"source_id": 1, "buyer": {"full_name": "Олена", "phone": PHONE}})
    again = CrmState(tmp_path / "crm.json", clock=lambda: NOW)
    assert again.get("orders", made["id"]) == state.get("orders", made["id"])
    assert again.switches.dates == "iso"
    assert again.create_order({"source_id": 1, "buyer": {"full_name": "Олена", "phone": PHONE}})["id"] == made["id"] + 1


def test_the_page_shows_points_orders_and_what_is_switched():
    crm = Crm()
    order = crm.order("#70415", promocode="BON100X5UN")
    crm.state.update_buyer(order["client_id"], custom_fields={"CT_1023": 73, "CT_1033": "рядок історії"})
    crm.state.set_switches(nulls=True)
    page = crm.client.get("/").get_data(as_text=True)
    for part in ("Олена Приклад", "<dd>73</dd>", "рядок історії", "#70415", "BON100X5UN", "598.50 ₴", "nulls"):
        assert part in page
    assert crm.client.get("/fresh").status_code == 200


def do(crm, **asked):
    return crm.client.post("/_demo/do", json=asked)


def test_a_person_places_completes_refunds_and_deletes():
    crm = Crm()
    placed = do(
        crm,
        do="place",
        order={
            "buyer": {"full_name": "Олена", "phone": PHONE},
            "products": [{"sku": "A", "price": 100, "quantity": 1}],
        },
    ).get_json()["done"]
    assert placed["source_uuid"] == "#70401"
    assert do(crm, do="complete", id=placed["id"]).get_json()["done"]["status_group_id"] == 5
    assert do(crm, do="refund", id=placed["id"], amount="40").get_json()["done"]["products"][0]["price"] == "60.00"
    assert do(crm, do="delete", id=placed["id"]).status_code == 200
    assert do(crm, do="cancel", id=placed["id"]).status_code == 404


@pytest.mark.parametrize(
    "asked", [{}, {"do": "nothing"}, {"do": "complete"}, {"do": "complete", "id": "x"}, {"do": "place", "order": {}}]
)
def test_what_cannot_be_done_is_told_and_changes_nothing(asked):
    crm = Crm()
    crm.order()
    before = crm.state.all("orders")
    answer = do(crm, **asked)
    assert (answer.status_code, bool(answer.get_json()["error"])) == (400, True)
    assert crm.state.all("orders") == before


@pytest.mark.parametrize("odd", [[], [{"uuid": "LD_1", "value": "5"}], "LD_1", 5, True])
def test_fields_of_a_card_that_are_no_object_are_refused_and_move_nothing(odd):
    crm = Crm()
    crm.order()
    card = do(crm, do="card", client_id=crm.state.all("buyers")[0]["id"]).get_json()["done"]
    answer = do(crm, do="move_card", id=card["id"], status_id=2, custom_fields=odd)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "custom_fields must be an object")
    assert crm.state.all("cards") == [card]


@pytest.mark.parametrize("odd", [[], {}, [1], float("inf"), float("nan"), 10**30])
@pytest.mark.parametrize("name", ["do", "id", "status_id", "lines", "amount", "order"])
def test_values_of_any_shape_are_told_to_be_wrong(odd, name):
    crm = Crm()
    placed = crm.order()
    for deed in ("place", "status", "refund", "pay", "split", "cancel"):
        asked = {"do": deed, "id": placed["id"], "status_id": 1, "lines": [], "amount": "1", "order": {}, name: odd}
        assert do(crm, **asked).status_code in {200, 400, 404}, deed


def test_switches_turn_at_the_door_and_from_this_machine_only():
    crm = Crm()
    assert crm.client.post("/_demo/state", json={"switches": {"slow_seconds": 0.5}}).get_json()["changed"] == {
        "slow_seconds": 0.5
    }
    assert crm.client.post("/_demo/state", json={"switches": {"slow": 1}}).status_code == 400
    assert crm.client.post("/_demo/state", json={"reset": True}).get_json()["changed"] == {}
    assert crm.client.get("/_demo/").status_code == 200
    assert crm.client.get("/_demo/", headers={"Host": "evil.example"}).status_code == 403
    assert crm.client.get("/_demo/", environ_base={"REMOTE_ADDR": "203.0.113.5"}).status_code == 403
    assert crm.client.post("/_demo/do", data={"do": "complete"}).status_code == 415


def test_every_switch_is_described_in_both_languages_and_has_a_test():
    tests = Path(__file__).read_text(encoding="utf-8")
    for one in fields(Switches):
        assert one.metadata["uk"]
        assert one.metadata["en"]
        assert one.metadata["group"] in Switches.GROUPS
        assert re.search(rf"\b{one.name}\b(?:=|\": )", tests), one.name
