"""From an order in the CRM to points on the buyer's card there, with every process real: webhook, worker, ledger, write-back."""

import pytest
import requests

from demo.crm.server import sent_webhooks, serve
from demo.crm.state import CrmState
from tests.flows.world import around_database, running_world, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(300)]
SECRET = "an-invented-secret-of-the-webhook"
PHONE = "+380000000001"


@pytest.fixture(scope="module")
def state():
    return CrmState()


@pytest.fixture(scope="module")
def world(tmp_path_factory, chromium_path, state):
    with serve(state) as crm:
        more = {
            "KEYCRM_BASE_URL": crm.base_url, "KEYCRM_API_TOKEN": state.token, "KEYCRM_WEBHOOK_SECRETS": SECRET, "KEYCRM_WRITE_BACK": "on",
        }  # fmt: skip
        with (
            running_world(
                around=around_database(), folder=tmp_path_factory.mktemp("crm"), chromium=chromium_path, name="flow_crm",
                parts=("web", "worker", "beat"), more=more,
            ) as world,
            sent_webhooks(state, f"{world.url}/webhooks/keycrm/{SECRET}"),
        ):  # fmt: skip
            yield world


def shown(state, buyer_id):
    """What a manager reads on the card: the field's name and its value."""
    names = {one["uuid"]: one["name"] for one in state.fields}
    return {names[uuid]: value for uuid, value in state.get("buyers", buyer_id)["custom_fields"].items()}


def test_an_order_that_is_completed_brings_points_to_the_buyers_card(world, state):
    order = state.create_order(
        {
            "source_id": 1,
            "source_uuid": "#70415",
            "buyer": {"full_name": "Зразок", "phone": PHONE},
            "products": [{"sku": "TEA-100", "name": "x", "price": 1000, "quantity": 1}],
        }
    )
    wait_for(
        lambda: world.rows("SELECT 1 FROM bonuses_order WHERE number = '70415' AND state = 'confirmed'"),
        what="the order",
    )
    state.complete(order["id"])
    card = wait_for(
        lambda: (found := shown(state, order["client_id"])).get("Бонуси") and found, what="points on the card"
    )
    assert card["Бонуси"] == "100"
    assert card["Бонуси в резерві"] == "0"
    assert "#70415" in card["Історія бонусів"]
    assert world.value("SELECT granted - clawed_back FROM bonuses_order WHERE number = '70415'") == 100
    assert world.value("SELECT count(*) FROM keycrm_inboundevent WHERE state <> 'applied'") == 0


def test_a_wrong_secret_is_a_404_and_no_log_line_holds_the_right_one(world):
    answer = requests.post(
        f"{world.url}/webhooks/keycrm/wrong", json={"event": "order.x", "context": {"id": 1}}, timeout=30
    )
    assert answer.status_code == 404
    for part in ("web", "worker", "beat"):
        assert SECRET not in world.told(part), part
        assert PHONE not in world.told(part), part
