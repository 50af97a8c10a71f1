"""Events come in: stored raw, answered at once, believed in nothing. Forged ones change nothing."""

import datetime as dt
import json
import logging

import pytest

from bonusportal.logs import mask_address
from bonusportal.models import DailyCount
from keycrm.models import CrmCard, CrmOrder, InboundEvent
from keycrm.services import applying, receiving
from tests.factories import NOW
from tests.keycrm.far_side import FarSide
from tests.keycrm.journeys import RULES, hear, webhook_body, work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OLD, NEW = "an-invented-secret-of-long-ago", "an-invented-secret-of-today-1"


@pytest.fixture(autouse=True)
def _secrets(settings):
    settings.KEYCRM_WEBHOOK_SECRETS = [NEW, OLD]


def post(client, path, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, raw, content_type="application/json", headers=headers)


def counted(name):
    return sum(DailyCount.objects.filter(name=name).values_list("count", flat=True))


@pytest.mark.parametrize("prefix", ["", "/prod"])
@pytest.mark.parametrize("secret", [NEW, OLD])
@pytest.mark.parametrize("slash", ["", "/"])
def test_both_secrets_are_valid_with_prefix_and_slash(client, prefix, secret, slash):
    answer = post(client, f"{prefix}/webhooks/keycrm/{secret}{slash}", webhook_body(70415, at=NOW))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert CrmOrder.objects.get().crm_id == 70415
    assert InboundEvent.objects.get().state == "received"


@pytest.mark.parametrize("secret", ["wrong", NEW[:-1], NEW + "x", NEW.upper(), "%00", "ы" * 5])
def test_a_wrong_secret_finds_nothing_and_is_counted(client, secret):
    answer = post(client, f"/webhooks/keycrm/{secret}", webhook_body(70415, at=NOW))
    assert answer.status_code == 404
    assert NEW not in answer.content.decode()
    assert not InboundEvent.objects.exists()
    assert not CrmOrder.objects.exists()
    assert counted("refused.webhook_secret") == 1


def test_without_configured_secrets_nothing_comes_in(client, settings):
    settings.KEYCRM_WEBHOOK_SECRETS = []
    assert post(client, "/webhooks/keycrm/x", webhook_body(1)).status_code == 404
    assert post(client, "/order-complete", {"context": {"id": 1}}).status_code == 404


def test_a_third_secret_is_never_valid():
    assert not receiving.is_secret("c", ["a", "b", "c"])
    assert receiving.is_secret("b", ["a", "b", "c"])


def test_a_repeat_is_one_event_and_one_order(client):
    for _ in range(3):
        post(client, f"/webhooks/keycrm/{NEW}", webhook_body(70415, at=NOW))
    assert InboundEvent.objects.get().times_seen == 3
    assert CrmOrder.objects.count() == 1


def test_another_change_of_the_same_order_is_another_event(client):
    for status in (1, 12):
        post(client, f"/webhooks/keycrm/{NEW}", webhook_body(70415, at=NOW, status_id=status))
    assert InboundEvent.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"event": 5}',
        b'{"event": "order.x", "context": {"id": "x"}}',
        b"[" * 9000,
    ],
)
def test_what_cannot_be_understood_is_kept_for_a_person_and_answered_200(client, body):
    assert post(client, f"/webhooks/keycrm/{NEW}", body).status_code == 200
    event = InboundEvent.objects.get()
    assert (event.state, event.reason) == ("stuck", "unreadable")
    assert not CrmOrder.objects.exists()


@pytest.mark.parametrize("odd", ["нова", [], {}, True])
def test_an_event_with_an_odd_value_beside_its_id_asks_for_its_order(client, odd):
    body = webhook_body(70415, at=NOW, status_id=odd, parent_id=False, source_uuid=[], updated_at="soon")
    post(client, f"/webhooks/keycrm/{NEW}", body)
    assert CrmOrder.objects.get().crm_id == 70415
    assert (InboundEvent.objects.get().state, InboundEvent.objects.get().name) == (
        "received",
        "order.change_order_status",
    )


def test_an_unknown_event_is_kept_and_ignored(client):
    post(client, f"/webhooks/keycrm/{NEW}", {"event": "stock.change", "context": {"id": 3}})
    event = InboundEvent.objects.get()
    assert (event.state, event.reason, event.name) == ("ignored", "unknown_event", "stock.change")


def test_a_card_event_asks_for_the_card(client):
    post(
        client,
        f"/webhooks/keycrm/{NEW}",
        {"event": "lead.change_lead_status", "context": {"id": 3107, "status_id": 12}},
    )
    assert CrmCard.objects.get().crm_id == 3107


def test_a_body_that_is_too_large_is_refused(client):
    assert post(client, f"/webhooks/keycrm/{NEW}", b" " * 70_000).status_code == 413
    assert not InboundEvent.objects.exists()


def test_other_methods_are_refused(client):
    assert client.get(f"/webhooks/keycrm/{NEW}").status_code == 405
    assert client.get(f"/order-complete/{NEW}").status_code == 405


def test_what_was_sent_is_encrypted_and_forgotten_after_two_weeks(client):
    post(client, f"/webhooks/keycrm/{NEW}", webhook_body(70415, at=NOW, buyer_phone="+380670000001"))
    event = InboundEvent.objects.get()
    assert b"380670000001" not in bytes(event.body)
    assert receiving.read_body(event)["context"]["buyer_phone"] == "+380670000001"
    assert receiving.forget_old_bodies(now=event.last_seen_at + receiving.BODY_KEPT) == 0
    assert receiving.forget_old_bodies(now=event.last_seen_at + receiving.BODY_KEPT * 2) == 1
    assert receiving.read_body(InboundEvent.objects.get()) is None


FORMER = {
    "order-reserve": ({"event": "order.change_order_status", "context": {"id": 70415, "client_id": 9001, "promocode": "BON60X"}}, "order_reserved"),
    "order-complete": ({"event": "order.change_order_status", "context": {"id": "70415", "client_id": 9001, "grand_total": "1840"}}, "order_completed"),
    "order-cancel": ({"order_id": "70415", "client_id": 9001, "used_bonus_amount": None}, "order_cancelled"),
    "lead-reserve": ({"event": "lead.change_lead_status", "context": {"id": 3107, "contact_id": 9001, "target_id": 70415}}, "manual_reserve"),
}  # fmt: skip
SHAPES = {
    "order-reserve": {"message", "success", "operation", "orderId", "buyerId", "reservedAmount", "previousBonus", "newBonus", "newReserved"},
    "order-complete": {"message", "success", "operation", "orderId", "buyerId", "previousBonus", "previousReserved", "usedBonus", "accruedBonus",
                       "newBonus", "newReserved"},
    "order-cancel": {"message", "success", "operation", "orderId", "buyerId", "returnedBonus", "newBonus", "newReserved"},
    "lead-reserve": {"operation", "lead_id", "order_id", "client_id", "reserved_amount", "previous_bonus", "new_bonus", "new_reserved", "order_total",
                     "already_reserved_before", "total_reserved_now", "max_allowed_reserve", "pipeline_type", "discount_updated", "amount_correction"},
}  # fmt: skip


@pytest.mark.parametrize("name", FORMER)
@pytest.mark.parametrize(
    "form",
    ["/{name}/{secret}", "/webhooks/{name}/{secret}/", "/prod/{name}/{secret}", "/prod/webhooks/{name}", "/{name}/"],
)
def test_the_former_paths_are_hints_with_the_old_success_shape(client, name, form):
    body, operation = FORMER[name]
    path = form.format(name=name, secret=NEW)
    answer = post(client, path, body, **({} if NEW in path else {"X-Webhook-Secret": OLD}))
    assert answer.status_code == 200
    told = answer.json()
    assert told["operation"] == operation
    assert told["success"] is True
    assert SHAPES[name] <= told.keys()
    asked = CrmCard.objects.get().crm_id if name == "lead-reserve" else CrmOrder.objects.get().crm_id
    assert asked == (3107 if name == "lead-reserve" else 70415)


@pytest.mark.parametrize("name", FORMER)
def test_the_former_paths_do_not_exist_without_the_secret(client, name):
    body, _operation = FORMER[name]
    for path in (f"/{name}", f"/webhooks/{name}", f"/{name}/wrong", f"/{name}?secret={NEW}"):
        assert post(client, path, body).status_code == 404
    assert not InboundEvent.objects.exists()
    assert counted("refused.webhook_secret") == 4


def test_a_hint_without_a_number_is_refused_and_kept(client):
    answer = post(client, f"/order-cancel/{NEW}", {"client_id": 5})
    assert (answer.status_code, answer.json()["code"]) == (400, "order_missing")
    assert InboundEvent.objects.get().reason == "no_number"


def test_the_same_cancellation_later_looks_at_the_order_again(client):
    body, _operation = FORMER["order-cancel"]
    post(client, f"/order-cancel/{NEW}", body)
    CrmOrder.objects.update(asked_at=None)
    post(client, f"/order-cancel/{NEW}", body)
    assert CrmOrder.objects.get().asked_at is not None


def test_no_log_line_holds_the_secret(client, caplog):
    with caplog.at_level(logging.DEBUG):
        post(client, f"/webhooks/keycrm/{NEW}", webhook_body(1, at=NOW))
        post(client, f"/prod/order-complete/{NEW}", FORMER["order-complete"][0])
    assert [record for record in caplog.records if NEW in mask_address(record.getMessage())] == []
    assert NEW not in mask_address(f"POST /prod/webhooks/lead-reserve/{NEW} 200")
    access = [record.getMessage() for record in caplog.records if record.name == "bonusportal.access"]
    assert len(access) == 2
    assert all(NEW not in line for line in access)


def test_replaying_asks_for_the_order_once_more(client):
    post(client, f"/webhooks/keycrm/{NEW}", webhook_body(70415, at=NOW))
    CrmOrder.objects.update(asked_at=None, stuck_reason="same_number")
    InboundEvent.objects.update(state="stuck")
    assert receiving.replay_event(event_id=InboundEvent.objects.get().pk, actor="olena", now=NOW)
    row = CrmOrder.objects.get()
    assert (row.asked_at, row.stuck_reason) == (NOW, "")
    assert (InboundEvent.objects.get().state, InboundEvent.objects.get().replayed_by) == ("received", "olena")


def states():
    return list(InboundEvent.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.parametrize("ahead", [dt.timedelta(milliseconds=5), dt.timedelta(minutes=10)])
def test_an_event_that_a_clock_ahead_of_ours_received_is_answered_all_the_same(ahead):
    """Or one that came between the worker's look at the clock and its lease."""
    far = FarSide()
    order = far.place()
    receiving.receive(channel="webhook", body=webhook_body(order.id, at=far.now), now=far.now + ahead)
    applying.apply_next(far, rules=RULES, now=far.now)
    assert states() == ["applied"]


@pytest.mark.parametrize("is_new", [True, False])
def test_an_event_that_comes_during_the_look_is_answered_by_the_next_one(is_new):
    far = FarSide()
    order = far.place()
    hear(far, order.id, status_id=1)

    def hear_again(_call):
        far.trouble = lambda call: None
        hear(far, order.id, status_id=2 if is_new else 1)

    far.trouble = hear_again
    applying.apply_next(far, rules=RULES, now=far.now)
    assert states() == (["applied", "received"] if is_new else ["received"])
    work(far)
    assert set(states()) == {"applied"}


def test_an_event_whose_worker_died_before_it_could_say_so_is_asked_for_again():
    far = FarSide()
    hear(far, far.place().id)

    applying.apply_next(far, rules=RULES, now=far.now)
    InboundEvent.objects.update(state="received", finished_at=None)
    assert receiving.ask_for_unanswered(now=far.now) == 0
    far.pass_time(hours=7)
    assert receiving.ask_for_unanswered(now=far.now) == 1
    assert receiving.ask_for_unanswered(now=far.now) == 0
    work(far)
    assert states() == ["applied"]


def test_a_replayed_event_waits_for_the_look_that_follows():
    far = FarSide()
    hear(far, far.place().id)
    work(far)
    receiving.replay_event(event_id=InboundEvent.objects.get().pk, actor="olena", now=far.now + dt.timedelta(hours=1))
    assert states() == ["received"]
    work(far)
    assert states() == ["applied"]
