"""Messages in SQS are Celery's own: what a real Celery client lays there we read, and what we lay there a real worker would take."""

from __future__ import annotations

import base64
import datetime as dt
import json

import boto3
import pytest
from celery import Celery
from django.utils.module_loading import autodiscover_modules
from kombu.transport.virtual import Message
from kombu.utils.uuid import uuid

from bonusportal.celery import app as our_app
from bonusportal.celery_messages import NotATaskMessage, TaskMessage, decode, encode
from tests.deployment.events import celery_body

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def queue(aws_endpoint):
    """(name, url) of an empty queue that Celery knows as `portal`."""
    prefix = f"messages-{uuid()}-"
    return prefix, boto3.client("sqs").create_queue(QueueName=f"{prefix}portal")["QueueUrl"]


def received(url):
    return boto3.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"]


def test_what_a_real_celery_client_publishes_is_read(queue):
    prefix, url = queue
    client = Celery("somebody", broker="sqs://")
    client.conf.update(
        task_default_queue="portal",
        broker_transport_options={"region": "eu-north-1", "queue_name_prefix": prefix, "is_secure": False},
    )
    sent = client.send_task(
        "promo.tasks.publish_mirror",
        args=[7, "x"],
        kwargs={"y": None},
        eta=NOW,
        expires=NOW + dt.timedelta(hours=1),
        retry=False,
    )
    assert decode(received(url)) == TaskMessage(
        task="promo.tasks.publish_mirror",
        args=[7, "x"],
        kwargs={"y": None},
        id=sent.id,
        not_before=NOW,
        expires_at=NOW + dt.timedelta(hours=1),
    )


def test_what_we_publish_is_a_task_to_a_real_celery_worker():
    """The way it takes in a worker: kombu's envelope, then Celery's strategy for protocol 2, up to the request that would run."""
    from celery.worker.request import Request

    autodiscover_modules("tasks")
    body = encode("promo.tasks.publish_mirror", (), queue="portal")
    envelope = json.loads(base64.b64decode(body))
    channel = our_app.connection_for_write(transport="memory").channel()
    message = Message(
        envelope,
        channel=channel,
        accept={"application/json"},
    )
    request = Request(message, app=our_app, task=our_app.tasks["promo.tasks.publish_mirror"])
    assert (request.name, request.args, request.kwargs) == ("promo.tasks.publish_mirror", [], {})
    assert request.id == message.headers["id"] == envelope["properties"]["correlation_id"]
    assert message.delivery_info == {"exchange": "", "routing_key": "portal"}


def test_what_we_publish_we_read():
    found = decode(encode("promo.tasks.look_at_stock", (1, "два"), queue="portal"))
    assert (found.task, found.args, found.kwargs, found.not_before) == (
        "promo.tasks.look_at_stock",
        [1, "два"],
        {},
        None,
    )


def in_base64(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


GOOD = json.loads(base64.b64decode(celery_body("promo.tasks.publish_mirror")))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "not JSON in base64"),
        ("garbage", "not JSON in base64"),
        (in_base64("text"), "the envelope is not an object"),
        (in_base64({**GOOD, "content-type": "application/x-python-serialize"}), "not JSON"),
        (in_base64({**GOOD, "headers": None}), "headers is not an object"),
        (in_base64({**GOOD, "headers": {"task": 5}}), "names no task"),
        (in_base64({**GOOD, "body": None}), "arguments are not"),
        (in_base64({**GOOD, "body": in_base64({"args": []})}), "arguments are not"),
        (in_base64({**GOOD, "body": in_base64([{}, [], {}])}), "arguments are not"),
        (in_base64({**GOOD, "headers": {"task": "x", "eta": "soon"}}), "not a date"),
        (base64.b64encode(b"[" * 100_000).decode(), "not JSON in base64"),
    ],
)
def test_anything_else_is_refused_with_a_reason_that_does_not_show_it(body, why):
    with pytest.raises(NotATaskMessage, match=why) as refusal:
        decode(body)
    assert len(str(refusal.value)) < 60
