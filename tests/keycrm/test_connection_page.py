"""The button of the connection test, pressed in the staff pages against a simulated CRM behind a real socket: what is wrong is said, what is right too."""

import pytest

from demo.crm.server import serve
from demo.crm.state import CrmState
from keycrm.models import InboundEvent
from tests.factories import make_staff
from tests.keycrm.test_fields import NAMES

pytestmark = pytest.mark.django_db(transaction=True)  # the line to the CRM refuses to run inside a transaction
PAGE = "/admin/keycrm/inboundevent/connection/"
RED, GREEN = "pb-banner pb-danger", "pb-banner pb-success"


@pytest.fixture
def crm(settings):
    state = CrmState()
    with serve(state) as running:
        settings.KEYCRM_BASE_URL, settings.KEYCRM_API_TOKEN = running.base_url, state.token
        settings.KEYCRM_FIELDS = NAMES
        settings.KEYCRM_SHOP_SOURCES = ["1"]
        yield state


@pytest.fixture
def press(client):
    client.force_login(make_staff(["keycrm.view_inboundevent"]))

    def pressed(language="en"):
        answer = client.post(PAGE, headers={"accept-language": language})
        assert answer.status_code == 200
        return answer.content.decode()

    return pressed


def test_when_all_is_well_each_thing_is_said_to_be(crm, press):
    shown = press()
    assert RED not in shown
    assert shown.count(GREEN) == 4 + len(NAMES)
    assert "The CRM answers. Orders in it: 0." in shown
    assert "Виконано" in shown
    assert "Found: CT_1023." in shown


def test_a_wrong_key_is_said_with_where_to_take_the_right_one(crm, press, settings):
    settings.KEYCRM_API_TOKEN = "an-invented-wrong-key"
    shown = press()
    assert (shown.count(RED), shown.count(GREEN)) == (1, 0)
    assert "KeyCRM refuses the key." in shown
    assert "an-invented-wrong-key" not in shown
    assert "KeyCRM не приймає ключ" in press("uk")


def test_a_missing_field_is_said_with_the_steps_to_make_it(crm, press):
    crm.remove_field("Бонуси в резерві")
    shown = press()
    assert shown.count(RED) == 1
    assert "In KeyCRM open Settings" in shown
    assert "Бонуси в резерві" in shown


def test_statuses_that_the_crm_does_not_know_or_does_not_have_are_said(crm, press, settings):
    settings.KEYCRM_STATUS_STAGES = ["777:completed"]
    shown = press()
    assert shown.count(RED) == 1
    assert "KEYCRM_STATUS_STAGES names statuses that are not among" in shown
    settings.KEYCRM_STATUS_STAGES = []
    crm.statuses = [one for one in crm.statuses if one["group_id"] != 6]
    assert "group 6 (cancelled)" in press()


def test_a_setting_that_cannot_be_read_and_an_address_that_is_wrong_are_said(crm, press, settings):
    settings.KEYCRM_STATUS_STAGES = ["done"]
    assert "KEYCRM_STATUS_STAGES" in press()
    settings.KEYCRM_STATUS_STAGES = []
    settings.KEYCRM_BASE_URL = settings.KEYCRM_BASE_URL.replace("/v1", "/v2")
    shown = press()
    assert RED in shown
    assert "KEYCRM_BASE_URL" in shown


def test_looking_at_the_page_asks_the_crm_nothing_and_a_stranger_may_not_press(crm, client):
    client.force_login(make_staff(["keycrm.view_inboundevent"]))
    assert client.get(PAGE).status_code == 200
    assert crm.counters["calls"] == 0
    client.force_login(make_staff([]))
    assert client.post(PAGE).status_code == 403
    assert crm.counters["calls"] == 0
    assert not InboundEvent.objects.exists()
