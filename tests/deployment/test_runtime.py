"""The same package under AWS's own runtime client, `awslambdaric`: what lies between the service and the handler is then the real thing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.conftest import AMOUNT
from tests.deployment.events import celery_body, http_event, rule_event, sqs_event
from tests.deployment.function import environment_of
from tests.deployment.runtime_api import runtime_api

pytestmark = pytest.mark.timeout(600)
# As in Lambda: the task's folder is the current one, the client's is on the path, and the client takes over.
BOOTSTRAP = "import sys; sys.path[:0] = sys.argv[1:]; from awslambdaric.__main__ import main; main(['', 'handler.lambda_handler'])"
CLIENT = ("awslambdaric", "snapshot_restore_py", "simplejson", "runtime_client")


@pytest.fixture(scope="module")
def client_folder(tmp_path_factory):
    """What AWS has in /var/runtime: the client and nothing else of our environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in CLIENT:
        origin = Path(str(importlib.util.find_spec(name).origin))
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    return folder


@pytest.fixture(scope="module")
def service(package, cloud, web, client_folder, tmp_path_factory):
    log = (tmp_path_factory.mktemp("log") / "function.log").open("w")
    with log, runtime_api() as api:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", BOOTSTRAP, str(package.folder), str(client_folder)],
            env=environment_of("web", cloud.environment()) | {"AWS_LAMBDA_RUNTIME_API": api.address},
            stdout=log,
            stderr=log,
            cwd=package.folder,
        )
        try:
            yield api
        finally:
            process.kill()
            process.wait()


def test_it_answers_a_request(service):
    outcome, answer = service.send(http_event("GET", f"/get-code?amount={AMOUNT}"))
    assert (outcome, answer["statusCode"]) == ("response", 200)
    assert json.loads(answer["body"])["promo_code"].startswith("BON700PACK")


def test_it_runs_a_tick_and_a_message(service, cloud):
    cloud.rows("DELETE FROM bonusportal_heartbeat RETURNING 1")
    assert service.send(rule_event("beat-seen", "bonusportal.serverless.tick")) == ("response", None)
    assert cloud.rows("SELECT count(*) FROM bonusportal_heartbeat WHERE name = 'beat'") == [(1,)]
    assert service.send(sqs_event(celery_body("promo.tasks.publish_mirror"))) == ("response", None)


def test_what_it_cannot_do_is_an_error_to_the_service(service):
    outcome, answer = service.send(sqs_event("garbage"))
    assert (outcome, answer["errorType"]) == ("error", "NotATaskMessage")
