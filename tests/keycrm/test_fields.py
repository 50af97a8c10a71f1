"""Custom fields by name, the lists of an account, and the connection test: what is said to whom."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from bonuses.policy_orders import Stage
from demo.crm.server import serve
from demo.crm.state import CrmState
from keycrm.errors import CrmUnavailable, FieldsMissing
from keycrm.fields import BUYER_ROLES, CARD_ROLES, FieldRole, match_fields
from keycrm.models import Dictionary
from keycrm.payloads import CustomField
from keycrm.services import diagnosing, looking_up
from keycrm.services.applying import Rules
from tests.keycrm.world import NOW, World

NAMES = {
    "balance": "Бонуси",
    "reserved": "Бонуси в резерві",
    "expires_on": "Бонуси діють до",
    "history": "Історія бонусів",
    "card_order": "Номер замовлення",
    "card_points": "Використати бонуси",
}


@pytest.fixture(autouse=True)
def _names(settings):
    settings.KEYCRM_FIELDS = NAMES
    settings.LANGUAGE_CODE = "en"


def field(name="Бонуси", *, model="client", kind="number", uuid="CT_1"):
    return CustomField(id=1, uuid=uuid, name=name, model=model, type=kind)


def match(*known, names=NAMES, role=FieldRole.BALANCE):
    return match_fields(roles=[role], names=names, known=known)


@pytest.mark.parametrize("written", ["Бонуси", "бонуси", "  Бонуси ", "БОНУСИ"])
def test_a_name_is_compared_as_people_do(written):
    assert match(field(written)).uuids == {FieldRole.BALANCE: "CT_1"}


def test_a_field_of_another_model_is_another_field():
    assert match(field(model="crm_product")).uuids == {}


def test_a_missing_field_is_told_step_by_step():
    (step,) = match(field("Інше")).steps
    for part in ("Settings", "Additional", "“Бонуси”", "“Whole number”", "“Buyers”"):
        assert part in step


def test_two_fields_of_one_name_are_nobody_s_guess():
    found = match(field(), field(uuid="CT_2"))
    assert found.uuids == {}
    assert "2 fields “Бонуси”" in found.steps[0]


def test_a_field_that_cannot_hold_the_value_is_told():
    assert "of type switcher" in match(field(kind="switcher")).steps[0]


def test_a_name_that_is_not_set_is_told():
    assert match(field(), names={}).steps == ["No name is set for this field: balance."]


# --- the lists -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_fields_are_asked_once_and_kept_for_all_processes():
    world = World()
    for _ in range(3):
        uuids = looking_up.field_uuids(crm=world.client(), roles=BUYER_ROLES, now=NOW)
    assert uuids[FieldRole.BALANCE] == "CT_1023"
    assert world.seen == [("GET", "/custom-fields")]


@pytest.mark.django_db
def test_an_old_list_is_fetched_anew():
    world = World()
    looking_up.statuses(crm=world.client(), now=NOW)
    looking_up.statuses(crm=world.client(), now=NOW + looking_up.FRESH_FOR)
    assert len(world.seen) == 2


@pytest.mark.django_db
def test_an_old_list_serves_while_the_crm_is_away():
    world = World()
    before = looking_up.sources(crm=world.client(), now=NOW)
    world.state.set_switches(errors_first=1000)
    assert looking_up.sources(crm=world.client(), now=NOW + dt.timedelta(days=2)) == before


@pytest.mark.django_db
def test_without_any_list_the_crm_s_silence_is_told():
    with pytest.raises(CrmUnavailable):
        looking_up.sources(crm=World(errors_first=1000).client(), now=NOW)
    assert not Dictionary.objects.exists()


@pytest.mark.django_db
def test_a_missing_field_is_looked_for_again_but_not_at_every_call():
    world = World()
    made = [one for one in world.state.fields if one["name"] == "Бонуси" and one["model"] == "client"]
    world.state.remove_field("Бонуси")
    for seconds in (0, 1, 2):
        with pytest.raises(FieldsMissing) as missing:
            looking_up.field_uuids(crm=world.client(), roles=BUYER_ROLES, now=NOW + dt.timedelta(seconds=seconds))
    assert len(missing.value.steps) == 1
    assert len(world.seen) == 1
    world.state.fields += made
    later = NOW + dt.timedelta(minutes=2)
    assert looking_up.field_uuids(crm=world.client(), roles=BUYER_ROLES, now=later)[FieldRole.BALANCE] == "CT_1023"


# --- the connection test ---------------------------------------------------------------------------------------------


RULES = Rules(stages={}, shop_sources=(1,))


def said(world, rules=RULES):
    found = diagnosing.check_connection(crm=world.client(), rules=rules, now=NOW)
    return {str(one.subject): (one.is_ok, str(one.says)) for one in found}


@pytest.mark.django_db
def test_a_connection_that_is_right_says_so_of_each_thing():
    world = World()
    world.order()
    found = said(world)
    assert {ok for ok, _says in found.values()} == {True}
    assert len(found) == 4 + len(BUYER_ROLES) + len(CARD_ROLES)
    assert found["Key and address"][1] == "The CRM answers. Orders in it: 1."
    assert "Виконано" in found["Statuses of orders"][1]


@pytest.mark.django_db
def test_a_wrong_key_is_the_only_thing_that_is_said():
    found = said(World(key_refused=True))
    assert list(found) == ["Key and address"]
    assert found["Key and address"][0] is False
    assert "KEYCRM_API_TOKEN" in found["Key and address"][1]


@pytest.mark.django_db
def test_a_crm_that_is_away_is_not_called_wrong():
    assert said(World(errors_first=1000))["Key and address"][0] is None


@pytest.mark.django_db
def test_missing_statuses_and_fields_are_said_each():
    world = World(pipelines_off=True)
    world.state.statuses = [one for one in world.state.statuses if one["group_id"] != 5]
    world.state.remove_field("Історія бонусів")
    world.state.remove_field("Використати бонуси", model="lead")
    found = said(world)
    assert found["Statuses of orders"][0] is False
    assert "group 5" in found["Statuses of orders"][1]
    assert found["Field “Історія бонусів”"][0] is False
    assert found["Field “Використати бонуси”"][0] is None
    assert found["Pipelines"][0] is None
    assert found["Field “Бонуси”"] == (True, "Found: CT_1023.")


@pytest.mark.django_db
def test_settings_that_name_statuses_and_sources_which_the_crm_does_not_have_are_said():
    found = said(World(), Rules(stages={777: Stage.COMPLETED}, shop_sources=(1, 99)))
    assert found["Statuses of orders"][0] is False
    assert "KEYCRM_STATUS_STAGES" in found["Statuses of orders"][1]
    assert "777" in found["Statuses of orders"][1]
    assert found["Sources of orders"][0] is False
    assert ": 99. It has: 1 " in found["Sources of orders"][1]
    assert said(World(), Rules(stages={}, shop_sources=()))["Sources of orders"][0] is None


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_command_says_the_same_and_fails_when_something_is_wrong(settings, capsys):
    state = CrmState()
    with serve(state) as running:
        settings.KEYCRM_BASE_URL, settings.KEYCRM_API_TOKEN = running.base_url, state.token
        call_command("try_crm")
        assert "✓ Field “Бонуси”: Found: CT_1023." in capsys.readouterr().out
        state.remove_field("Бонуси")
        with pytest.raises(CommandError, match="not complete"):
            call_command("try_crm")
    assert "✗ Field “Бонуси”: In KeyCRM open Settings" in capsys.readouterr().out


def test_the_command_without_a_key_says_what_is_missing(settings):
    settings.KEYCRM_API_TOKEN = ""
    with pytest.raises(CommandError, match="KEYCRM_API_TOKEN"):
        call_command("try_crm")
