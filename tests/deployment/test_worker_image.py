"""The worker's image, built from the Dockerfile and run as Lambda would run it: `make image-rehearsal`."""

from __future__ import annotations

import secrets
import subprocess

import pytest
from cryptography.fernet import Fernet

from demo.panel.server import serve
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME, PanelState
from tests.deployment.conftest import AMOUNT
from tests.deployment.events import celery_body, sqs_event
from tests.deployment.function import environment_of
from tests.deployment.runtime_api import runtime_api
from tools.worker_image import build_image, run_command, stop

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]
POOL = (
    "from django.utils import timezone; from promo.models import Pool; from promo.services.stock import request_run;"
    f"pool, _ = Pool.objects.update_or_create(amount_uah={AMOUNT}, defaults={{'low_water': 3, 'target': 4}});"
    "request_run(pool_id=pool.pk, trigger='staff', now=timezone.now())"
)


@pytest.fixture(scope="module")
def panel():
    state = PanelState()
    with serve(state) as running:
        yield running


@pytest.fixture(scope="module")
def service(cloud, panel, tmp_path_factory):
    build_image()
    # The parameters' values, given directly: reading them is shown by the web function's tests.
    environment = environment_of("worker", cloud.environment()) | {
        "PORTAL_SSM_PATH": "", "SECRET_KEY": secrets.token_urlsafe(50), "FIELD_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": cloud.database_url, "ALLOWED_HOSTS": "portal.example", "PANEL_URL": panel.codes_url,
        "PANEL_USERNAME": DEMO_USERNAME, "PANEL_PASSWORD": DEMO_PASSWORD, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
    }  # fmt: skip
    environment.pop("PATH")  # the image's own
    log = (tmp_path_factory.mktemp("log") / "worker.log").open("w")
    with log, runtime_api() as api:
        name = f"bonusportal-worker-{secrets.token_hex(4)}"
        command = run_command(environment | {"AWS_LAMBDA_RUNTIME_API": api.address}, name=name)
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield api
        finally:
            stop(name)
            process.wait(timeout=60)


def test_the_low_mark_becomes_codes_made_by_a_browser_in_the_image(service, cloud, panel):
    assert service.send({"manage": "migrate --verbosity 0"}, timeout_seconds=300)[0] == "response"
    assert service.send({"raw_command": POOL}, timeout_seconds=60)[0] == "response"
    message = sqs_event(celery_body("promo.tasks.work_through_runs"), queue="bonusportal-panel")
    assert service.send(message, timeout_seconds=300) == ("response", None)
    story = cloud.rows("SELECT state, reason, detail FROM promo_replenishrun")
    assert [state for state, _, _ in story] == ["succeeded"], story
    made = cloud.rows(
        f"SELECT code FROM promo_code c JOIN promo_pool p ON p.id = c.pool_id WHERE c.state = 'available' AND p.amount_uah = {AMOUNT}"
    )
    assert len(made) == 4
    assert {code for (code,) in made} <= {code.code for code in panel.state.codes()}
