"""zappa_settings.json and what stands beside it: held to the schedules, to the queues, and to least privilege."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from zappa.core import Zappa

from bonusportal import schedules
from bonusportal.checks import check_queues
from tools import zappa_settings
from tools.places import ROOT

SETTINGS = zappa_settings.read()
PLACE = zappa_settings.place_of(SETTINGS)
POLICIES = sorted((ROOT / "deploy/policies").glob("*.json"))


def finding_ids():
    return [message.id for message in check_queues(None)]


# --- schedules ----------------------------------------------------------------------------------------------------------------------------------


def test_the_file_is_what_the_schedules_say():
    assert (ROOT / "zappa_settings.json").read_text() == zappa_settings.shown(zappa_settings.with_events(SETTINGS)), (
        "write it anew: python -m tools.zappa_settings"
    )


def test_beat_and_the_cloud_run_the_same_tasks():
    ticks = [
        event["kwargs"]["schedule"] for stage in SETTINGS.values() for event in stage["events"] if "expression" in event
    ]
    assert sorted(ticks) == sorted(schedules.for_celery()) == sorted(entry.name for entry in schedules.SCHEDULES)


def test_only_the_browsers_stage_runs_what_needs_a_browser():
    ticks = {stage: {event["name"] for event in its["events"] if "name" in event} for stage, its in SETTINGS.items()}
    assert ticks["worker"] == {"runs"}


def test_whatever_calls_the_crm_waits_in_a_queue_of_its_own():
    from bonusportal.celery import app

    app.loader.import_default_modules()
    tasks = {name for name in app.tasks if name.startswith("keycrm.")}
    assert tasks >= {entry.task for entry in schedules.SCHEDULES if entry.name.startswith("crm-")}
    for name in tasks:
        # Ours for the cloud, and Celery's own for a broker, say the same.
        assert schedules.queue_of(name) == "crm"
        assert app.amqp.router.route({}, name)["queue"].name == "crm"
    assert schedules.queue_of("promo.tasks.publish_mirror") == "portal"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (15, "rate(1 minute)"),
        (60, "rate(1 minute)"),
        (61, "rate(2 minutes)"),
        (3600, "rate(1 hour)"),
        (7200, "rate(2 hours)"),
        (5400, "rate(90 minutes)"),
    ],
)
def test_a_period_in_the_clouds_words(seconds, words):
    assert schedules.rate(seconds) == words


def test_zappa_finds_the_function_in_the_name_of_every_rule():
    zappa = object.__new__(Zappa)  # without its clients: only its naming is asked
    names = set()
    for stage, its in SETTINGS.items():
        for event in its["events"]:
            if "expression" not in event:
                continue
            name = zappa.get_scheduled_event_name(event, event["function"], f"bonusportal-{stage}")
            assert len(name) <= 64
            assert name.startswith(f"bonusportal-{stage}-"), (
                f"{event['name']}: too long, zappa would cut the function's name off"
            )
            assert name.rsplit("-", 1)[-1] == schedules.TICK  # how zappa's handler finds it
            names.add(name)
    assert len(names) == len(schedules.SCHEDULES)


# --- queues --------------------------------------------------------------------------------------------------------------------------------------


def test_every_queue_is_taken_by_its_stage():
    assert finding_ids() == []


def test_a_queue_without_a_stage_is_found(monkeypatch):
    monkeypatch.setitem(schedules.ROUTES, "promo.tasks.new", {"queue": "letters"})
    assert finding_ids() == ["portal.E020"]


@pytest.mark.parametrize(
    "change",
    [
        lambda stages: stages["web"]["events"].pop(),  # nobody takes `crm`
        lambda stages: stages["web"]["events"].append(stages["worker"]["events"][-1]),  # two take `panel`
        lambda stages: stages["worker"]["events"][-1].update(function="bonusportal.serverless.tick"),
    ],
)
def test_a_queue_that_is_taken_by_nobody_or_by_the_wrong_one_is_found(tmp_path, settings, change):
    stages = json.loads(json.dumps(SETTINGS))
    change(stages)
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))
    settings.BASE_DIR = tmp_path
    assert finding_ids() == ["portal.E021"]


# --- what each stage is ---------------------------------------------------------------------------------------------------------------------------


def test_the_web_stage_is_an_http_api_and_logs_no_events():
    web = SETTINGS["web"]
    assert (web["apigateway_version"], web["touch"], web["log_level"], web["debug"], web["keep_warm"]) == (
        "v2",
        False,
        "INFO",
        False,
        False,
    )


def test_the_worker_has_no_address():
    worker = SETTINGS["worker"]
    assert (worker["apigateway_enabled"], worker["function_url_enabled"], worker.get("alb_enabled", False)) == (
        False,
        False,
        False,
    )
    assert worker["log_level"] == "INFO"


def test_no_secret_stands_in_the_settings():
    from bonusportal import env

    secret = {variable.name for variable in env.VARIABLES if variable.secret}
    for its in SETTINGS.values():
        assert secret & set(its["aws_environment_variables"]) == set()
        assert "environment_variables" not in its  # zappa bakes those into the zip


def test_a_task_may_take_as_long_as_its_message_stays_hidden():
    from django.conf import settings

    assert settings.RUN_BUDGET_SECONDS < SETTINGS["worker"]["timeout_seconds"] <= 900


def packages_in(name):
    lines = (ROOT / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "-"))}


def test_the_zip_is_made_of_what_runs_everywhere_but_for_the_browser_and_the_server():
    left_out = packages_in("requirements.txt") - packages_in("requirements-web.txt")
    assert packages_in("requirements-web.txt") <= packages_in("requirements.txt")
    assert {line.partition("==")[0] for line in left_out} == {"playwright", "gunicorn", "pytest-django"}


# --- rights ----------------------------------------------------------------------------------------------------------------------------------------


def statements(name):
    return json.loads((ROOT / f"deploy/policies/{name}.json").read_text())["Statement"]


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_role_names_every_action_and_every_thing(name):
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action) for action in as_list(statement["Action"]))
        if statement["Sid"] != "NetworkOfTheDatabase":  # AWS knows no narrower right for a function in a network
            assert "*" not in as_list(statement["Resource"])


def test_only_the_worker_may_read_the_panels_password():
    readers = {
        name: [
            thing.rsplit("/", 1)[-1]
            for s in statements(name)
            if "ssm:GetParameter" in as_list(s["Action"])
            for thing in as_list(s["Resource"])
        ]
        for name in ("web", "worker")
    }
    assert readers == {"web": ["shared"], "worker": ["shared", "panel"]}


@pytest.mark.parametrize("stage", ["web", "worker"])
def test_a_stage_reads_the_parameters_it_may_read_and_takes_the_queue_it_may_take(stage):
    variables = SETTINGS[stage]["aws_environment_variables"]
    readable = {
        thing.split(":parameter", 1)[1]
        for s in statements(stage)
        for thing in as_list(s["Resource"])
        if ":parameter" in thing
    }
    assert set(variables["PORTAL_SSM_PATH"].split(",")) == readable
    taken = {event["event_source"]["arn"] for event in SETTINGS[stage]["events"] if "event_source" in event}
    takeable = {
        thing
        for s in statements(stage)
        if "sqs:ReceiveMessage" in as_list(s["Action"])
        for thing in as_list(s["Resource"])
    }
    assert taken == takeable


# --- moving to another account ------------------------------------------------------------------------------------------------------------------------


def test_moving_changes_every_mention_of_the_account_and_the_region():
    there = replace(
        PLACE,
        account="111122223333",
        region="eu-central-1",
        subnets=("subnet-a", "subnet-b"),
        security_groups=("sg-a",),
    )
    text = zappa_settings.shown(zappa_settings.with_events(zappa_settings.moved(SETTINGS, there)))
    policies = "".join(text for _name, text in zappa_settings.moved_policies(SETTINGS, there))
    for old in (PLACE.account, PLACE.region):
        assert old not in text + policies
    assert zappa_settings.place_of(json.loads(text)) == there
    assert "arn:aws:sqs:eu-central-1:111122223333:bonusportal-panel" in text
