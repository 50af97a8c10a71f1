"""Secrets at the start of a function: from the parameter store, into the environment, and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import boto3
import pytest

from bonusportal import env
from bonusportal.parameters import ParametersUnreadable, read_parameters
from tools.places import ROOT


@pytest.fixture
def put(aws_endpoint):
    """Writes a parameter; returns its name."""

    def write(value):
        name = f"/test/{uuid.uuid4()}"
        boto3.client("ssm").put_parameter(
            Name=name, Value=value if isinstance(value, str) else json.dumps(value), Type="SecureString"
        )
        return name

    return write


def test_each_parameter_in_turn(put):
    names = [put({"SECRET_KEY": "one", "LOW_WATER": "5"}), put({"PANEL_PASSWORD": "two"})]
    assert list(read_parameters(names, region="eu-north-1")) == [
        ("SECRET_KEY", "one"),
        ("LOW_WATER", "5"),
        ("PANEL_PASSWORD", "two"),
    ]


@pytest.mark.parametrize("value", ["SECRET_KEY=hidden", '["hidden"]', '{"SECRET_KEY": ["hidden"]}'])
def test_anything_but_an_object_of_texts_is_refused_without_showing_it(put, value):
    with pytest.raises(ParametersUnreadable) as refusal:
        list(read_parameters([put(value)], region="eu-north-1"))
    assert "hidden" not in f"{refusal.value}{refusal.value.__cause__}"


def test_a_missing_one_stops_the_start(aws_endpoint):
    with pytest.raises(ParametersUnreadable, match="/test/none"):
        list(read_parameters(["/test/none"], region="eu-north-1"))


def asked_of_env(environment):
    """What `env` says in a process of its own, after taking over the parameters: LOW_WATER, TARGET_CODES."""
    code = "from bonusportal import env; env.load_parameters(); print(env.text('LOW_WATER'), env.text('TARGET_CODES'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_what_is_set_wins_and_an_unknown_name_is_left_alone(put, monkeypatch):
    import os

    name = put({"LOW_WATER": "5", "TARGET_CODES": "50", "PATH": "/nowhere"})
    base = {**os.environ, "PORTAL_SSM_PATH": name, "LOW_WATER": "", "TARGET_CODES": "40"}
    assert asked_of_env({**base, "AWS_LAMBDA_FUNCTION_NAME": "bonusportal-web"}) == ["5", "40"]
    # Not on Lambda: nobody else needs the cloud to start.
    assert asked_of_env(base) == [next(v.default for v in env.VARIABLES if v.name == "LOW_WATER"), "40"]
