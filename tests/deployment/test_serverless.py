"""Ticks and messages, run without a worker: which task, how often, and what comes back when one fails."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import boto3
import pytest
from django.utils import timezone

from bonusportal import queues, serverless
from bonusportal.celery import app
from bonusportal.celery_messages import NotATaskMessage, decode
from bonusportal.models import Heartbeat
from bonusportal.serverless import TaskFailed, UnknownSchedule, UnknownTask, run_messages, tick
from promo.models import ReplenishRun
from tests.deployment.events import celery_body, rule_event, sqs_event
from tests.factories import make_pool

pytestmark = pytest.mark.django_db
CONTEXT = SimpleNamespace(aws_request_id="1")
TICK = "bonusportal.serverless.tick"
LOOK = "promo.tasks.look_at_stock"
done: list[object] = []


@app.task(name="tests.note")
def note(what):
    done.append(what)


@app.task(name="tests.break_down")
def break_down(kind):
    done.append(kind)
    raise {"value": ValueError, "type": TypeError}[kind]("broken")


@pytest.fixture(autouse=True)
def _fresh():
    done.clear()
    for pause in serverless._seen_just_now.values():
        pause.stop()


@pytest.fixture
def portal_queue(aws_endpoint, settings):
    """The portal queue in a cloud of its own, hidden messages staying hidden for ten minutes. `take` receives as the platform does."""
    settings.QUEUE_PREFIX = f"serverless-{timezone.now().timestamp():.6f}-".replace(".", "-")
    settings.BROKER_URL, settings.AWS_ENDPOINT_URL = "sqs://", aws_endpoint
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"{settings.QUEUE_PREFIX}portal", Attributes={"VisibilityTimeout": "600"})[
        "QueueUrl"
    ]

    def take(*bodies):
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        event = sqs_event(*(message["Body"] for message in found), queue=f"{settings.QUEUE_PREFIX}portal")
        for record, message in zip(event["Records"], found, strict=True):
            record["receiptHandle"] = message["ReceiptHandle"]
        return event

    def counts():
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [int(found[name]) for name in names]

    return SimpleNamespace(take=take, counts=counts)


# --- ticks ------------------------------------------------------------------------------------------------------------------------------------


# With real transactions: what the function does to an idle connection would end the test's own.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kwargs", [{"schedule": "stock"}, None])
def test_a_tick_runs_the_scheduled_task_and_leaves_a_trace_of_the_worker(kwargs):
    pool = make_pool(777)
    tick(rule_event("stock", TICK, kwargs=kwargs), CONTEXT)
    assert ReplenishRun.objects.filter(pool=pool).count() == 1
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"worker"}


@pytest.mark.django_db(transaction=True)
def test_a_tick_of_the_browsers_task_is_a_trace_of_the_browser():
    tick(rule_event("runs", TICK), CONTEXT)
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"browser"}


@pytest.mark.parametrize(
    "event", [rule_event("no-such", TICK), rule_event("stock", TICK, kwargs={"schedule": "x"}), {}]
)
def test_a_rule_that_stands_in_no_schedule_fails(event):
    with pytest.raises(UnknownSchedule):
        tick(event, CONTEXT)


# --- messages ----------------------------------------------------------------------------------------------------------------------------------


def test_a_message_runs_its_task_with_its_arguments():
    run_messages(sqs_event(celery_body("tests.note", ["a"])), CONTEXT)
    assert done == ["a"]


def test_an_expired_message_is_dropped():
    long_ago = (timezone.now() - dt.timedelta(minutes=1)).isoformat()
    run_messages(sqs_event(celery_body("tests.note", ["a"], expires=long_ago)), CONTEXT)
    assert done == []


def test_a_message_before_its_time_is_laid_back_with_a_delay(portal_queue):
    later = (timezone.now() + dt.timedelta(minutes=5)).isoformat()
    run_messages(portal_queue.take(celery_body("tests.note", ["a"], eta=later)), CONTEXT)
    assert done == []
    assert portal_queue.counts() == [
        0,
        1,
        1,
    ]  # the platform takes the hidden one out, the delayed one comes in five minutes


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (celery_body("tests.break_down", ["value"]), ValueError),
        (celery_body("tests.break_down", ["type"]), TaskFailed),
        (celery_body("tests.no_such"), UnknownTask),
        ("garbage", NotATaskMessage),
    ],
)
def test_a_failed_message_fails_the_invocation_and_comes_back_soon(portal_queue, body, error):
    event = portal_queue.take(body)
    with pytest.raises(error):
        run_messages(event, CONTEXT)
    assert portal_queue.counts() == [0, 1, 0]
    assert len(done) <= 1  # a TypeError is not taken for a wrong signature and tried again


def test_it_comes_back_later_each_time():
    assert [queues.seconds_until_next_try(times) for times in (1, 2, 3, 4, 9)] == [10, 30, 120, 600, 600]


def test_of_a_batch_only_what_failed_comes_back(portal_queue):
    event = portal_queue.take(
        celery_body("tests.note", ["a"]), celery_body("tests.break_down", ["value"]), celery_body("tests.note", ["b"])
    )
    with pytest.raises(ValueError, match="broken"):
        run_messages(event, CONTEXT)
    assert sorted(map(str, done)) == ["a", "b", "value"]
    assert portal_queue.counts() == [0, 1, 0]


def test_of_a_batch_with_two_failures_both_are_told(portal_queue):
    event = portal_queue.take(celery_body("tests.break_down", ["value"]), "garbage", celery_body("tests.note", ["a"]))
    with pytest.raises(ExceptionGroup, match="2 of 3 messages failed") as failure:
        run_messages(event, CONTEXT)
    assert {type(error) for error in failure.value.exceptions} == {ValueError, NotATaskMessage}
    assert portal_queue.counts() == [0, 2, 0]


def test_when_the_queue_does_not_answer_the_tasks_own_error_is_told(settings):
    settings.BROKER_URL, settings.AWS_ENDPOINT_URL = "sqs://", "http://127.0.0.1:9"
    with pytest.raises(ValueError, match="broken"):
        run_messages(sqs_event(celery_body("tests.break_down", ["value"])), CONTEXT)


# --- nudges ---------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_nudge_lies_in_its_queue_after_the_commit_with_its_delay(portal_queue):
    from bonusportal import nudges

    nudges.broker_pause.stop()
    nudges._sent_just_now.clear()
    nudges.nudge(LOOK)
    nudges.nudge("promo.tasks.publish_mirror", at_most_every_seconds=300)
    nudges.nudge("promo.tasks.publish_mirror", at_most_every_seconds=300)
    assert portal_queue.counts() == [1, 0, 1]
    (record,) = portal_queue.take()["Records"]
    assert decode(record["body"]).task == LOOK
    nudges._sent_just_now.clear()


@pytest.mark.django_db(transaction=True)
def test_a_nudge_that_cannot_be_published_costs_the_caller_nothing(settings):
    from bonusportal import nudges
    from bonusportal.models import DailyCount

    settings.BROKER_URL, settings.AWS_ENDPOINT_URL = "sqs://", "http://127.0.0.1:9"
    nudges.broker_pause.stop()
    nudges.nudge(LOOK)
    assert nudges.broker_pause.is_on
    assert DailyCount.objects.get(name="nudge.lost").count == 1
    nudges.broker_pause.stop()
