"""Alive and ready: what each says, and to whom."""

import datetime as dt
import time

import pytest
from django.test import Client
from django.utils import timezone

from bonusportal import living, signing
from bonusportal.models import Heartbeat

STRANGER = {"REMOTE_ADDR": "203.0.113.5"}


def test_alive_says_so_without_a_database(client: Client):
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_tells_each_part_with_its_state(client: Client, settings):
    settings.REDIS_URL = ""
    living.note_alive("worker", now=timezone.now())
    living.note_alive("beat", now=timezone.now() - dt.timedelta(minutes=5))
    response = client.get("/readyz")
    parts = response.json()["parts"]
    assert {name: part["state"] for name, part in parts.items()} == {
        "database": "ok", "broker": "not used", "worker": "ok", "browser": "down", "beat": "down", "mirror": "ok", "panel": "not used",
    }  # fmt: skip
    assert response.status_code == 200  # without a broker nothing runs by itself, and nothing is expected to


@pytest.mark.django_db
def test_with_a_broker_a_missing_worker_is_not_ready(client: Client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    Heartbeat.objects.all().delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["parts"]["broker"]["state"] == "down"
    assert response.json()["parts"]["worker"]["detail"] == "never seen"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_a_stranger_is_told_nothing_and_a_signed_caller_everything(client: Client, settings, path):
    settings.API_KEYS = ["monitor:old-word", "monitor:new-word"]
    assert client.get(path, **STRANGER).status_code == 401
    now = int(time.time())
    for secret in ("old-word", "new-word"):
        signature = signing.sign(secret, timestamp=now, method="GET", path=path, body=b"")
        headers = {"X-Bonus-Key": "monitor", "X-Bonus-Timestamp": str(now), "X-Bonus-Signature": signature}
        assert client.get(path, headers=headers, **STRANGER).status_code in {200, 503}
        late = {**headers, "X-Bonus-Timestamp": str(now - 301)}
        assert client.get(path, headers=late, **STRANGER).status_code == 401
        assert client.get(f"{path}?x=1", headers=headers, **STRANGER).status_code == 401
        assert client.get(path, headers={**headers, "X-Bonus-Key": "other"}, **STRANGER).status_code == 401


@pytest.mark.django_db
def test_metrics_are_lines_that_prometheus_reads(client: Client):
    text = client.get("/metrics").content.decode()
    assert '# TYPE portal_runs gauge\nportal_runs{state="requested"} 0\n' in text
