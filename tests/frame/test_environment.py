"""The environment: one reader, one example, older names understood, findings for what is not fit for a deployed stage."""

import warnings
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from bonusportal import env

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_lists_every_variable_with_its_default_and_nothing_else():
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        f"{v.name}={v.default}" for v in env.VARIABLES
    ]


def test_no_secret_has_a_default():
    assert [v.name for v in env.VARIABLES if v.secret and v.default] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ADMIN_URL", "PANEL_URL"),
        ("ADMIN_USERNAME", "PANEL_USERNAME"),
        ("ADMIN_PASSWORD", "PANEL_PASSWORD"),
        ("BON_LOGIN", "PANEL_USERNAME"),
        ("BON_PASSWORD", "PANEL_PASSWORD"),
        ("SESSION_S3_BUCKET", "S3_BUCKET"),
        ("MIN_CODES_THRESHOLD", "LOW_WATER"),
        ("BATCH_THRESHOLD", "BATCH_ISSUES"),
        ("TARGET_CODES_PER_AMOUNT", "TARGET_CODES"),
    ],
)
def test_the_predecessors_names_are_understood_and_the_new_one_wins(monkeypatch, old, new):
    monkeypatch.setenv(old, "7")
    monkeypatch.delenv(new, raising=False)
    assert env.text(new) == "7"
    monkeypatch.setenv(new, "8")
    assert env.text(new) == "8"


def test_a_number_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("LOW_WATER", "three")
    with pytest.raises(ValueError, match="LOW_WATER must be a whole number, not 'three'"):
        env.number("LOW_WATER")


def test_nobody_else_reads_the_environment():
    readers = [
        path
        for app in ("bonusportal", "promo", "bonuses", "storefront", "keycrm")
        for path in (ROOT / app).rglob("*.py")
        if "os.environ" in path.read_text() or "getenv(" in path.read_text()
    ]
    # The three entry points name the settings module, which Django wants in the environment.
    allowed = {"env.py", "wsgi.py", "celery.py", "serverless.py"}
    assert {path.name for path in readers} <= allowed


def findings(deploy=False, **values):
    warnings.filterwarnings("ignore", "Overriding setting DATABASES")  # nothing connects while the checks look at it
    with override_settings(**values):
        return {
            message.id for message in run_checks(include_deployment_checks=deploy) if message.id.startswith("portal.")
        }


DEPLOYED = {
    "IS_LOCAL": False,
    "DEBUG": False,
    "SECRET_KEY": "k3y-of-this-stage-Zq9vR2mX7pLw4nT8bY1cJ6hD5sF0gA",
    "FIELD_KEYS": ["x"],
    "ALLOWED_HOSTS": ["portal.example"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}},
    "GET_CODE_MODE": "guarded",
    "STOREFRONT_ORIGINS": ["https://store.example"],
    "REDIS_URL": "redis://127.0.0.1/0",
    "PANEL_URL": "https://store.example/edit/discounts/codes",
    "PANEL_PASSWORD": "",
    "SMS_GATEWAY_URL": "https://sms.example/messages",
}


def test_a_well_set_up_stage_passes():
    assert findings(deploy=True, **DEPLOYED) == set()


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ({"SECRET_KEY": ""}, "portal.E001"),
        ({"SECRET_KEY": "local-example-key-that-signs-nothing-of-value-0000000000"}, "portal.E001"),
        ({"DEBUG": True}, "portal.E002"),
        ({"FIELD_KEYS": []}, "portal.E003"),
        ({"ALLOWED_HOSTS": ["*"]}, "portal.E004"),
        ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, "portal.E005"),
        ({"SMS_GATEWAY_URL": ""}, "portal.W006"),
        ({"PANEL_PASSWORD": "demo-password"}, "portal.E006"),
        ({"GET_CODE_MODE": "opened"}, "portal.E010"),
        ({"STOREFRONT_ORIGINS": ["https://*.example"]}, "portal.E011"),
        ({"STOREFRONT_ORIGINS": ["https://store.example/"]}, "portal.E011"),
        ({"TARGET_CODES": 3}, "portal.E012"),
        ({"API_KEYS": ["nocolon"]}, "portal.E013"),
        ({"GET_CODE_MODE": "open"}, "portal.W001"),
        ({"STOREFRONT_ORIGINS": []}, "portal.W002"),
        ({"REDIS_URL": ""}, "portal.W003"),
        ({"PANEL_URL": ""}, "portal.W004"),
    ],
)
def test_each_thing_that_is_wrong_has_its_finding(wrong, finding):
    assert findings(deploy=True, **{**DEPLOYED, **wrong}) == {finding}
