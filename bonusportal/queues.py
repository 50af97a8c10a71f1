"""The queues in the cloud (SQS), for whoever publishes a nudge and for the function that works the messages off.

Publishing needs neither Celery nor kombu: those would cost a function's first answer more than everything else it imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from bonusportal.celery_messages import encode
from bonusportal.schedules import queue_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

LONGEST_DELAY_SECONDS = 900  # SQS's own limit
_BACK_AFTER_SECONDS = (10, 30, 120, 600)


class QueueUnavailable(Exception):
    """The queue did not answer, or refused. What was to be sent is not sent."""


def is_used() -> bool:
    """Whether tasks are published to queues in the cloud."""
    return bool(settings.BROKER_URL.startswith("sqs:"))


def publish(task: str, args: Sequence[int | str] = (), *, delay_seconds: float = 0) -> None:
    """Ask for a task. Raises QueueUnavailable."""
    queue = queue_of(task)
    put(queue, encode(task, args, queue=queue), delay_seconds=delay_seconds)


def put(queue: str, body: str, *, delay_seconds: float = 0) -> None:
    """Lay a message into a queue of ours, to be seen after `delay_seconds` (900 at most). Raises QueueUnavailable."""
    delay = min(LONGEST_DELAY_SECONDS, max(0, round(delay_seconds)))
    _call("send_message", QueueUrl=_address(queue), MessageBody=body, DelaySeconds=delay)


def delete(queue: str, receipt: str) -> None:
    """Take a message that is done out of its queue. Raises QueueUnavailable."""
    _call("delete_message", QueueUrl=_address(queue), ReceiptHandle=receipt)


def bring_back(queue: str, receipt: str, *, received_times: int) -> None:
    """Let a message that failed be seen again: soon the first time, later each time after. Raises QueueUnavailable.

    Otherwise it would stay hidden for the queue's whole visibility timeout, which is as long as the longest task.
    """
    _call(
        "change_message_visibility",
        QueueUrl=_address(queue),
        ReceiptHandle=receipt,
        VisibilityTimeout=seconds_until_next_try(received_times),
    )


def seconds_until_next_try(received_times: int) -> int:
    """How long a message rests that failed for the n-th time (1, 2, …)."""
    return _BACK_AFTER_SECONDS[min(received_times, len(_BACK_AFTER_SECONDS)) - 1]


def name_of(arn: str) -> str:
    """Our word for the queue with this address: `panel` for `arn:aws:sqs:…:bonusportal-panel`."""
    return arn.rsplit(":", 1)[-1].removeprefix(settings.QUEUE_PREFIX)


def look() -> None:
    """Ask whether the queues answer. Raises QueueUnavailable."""
    _call("get_queue_url", QueueName=settings.QUEUE_PREFIX + queue_of(""))


def _address(queue: str) -> str:
    return _found_address(settings.QUEUE_PREFIX + queue, settings.AWS_REGION, settings.AWS_ENDPOINT_URL)


@lru_cache(maxsize=16)
def _found_address(name: str, region: str, endpoint: str) -> str:
    return str(_call("get_queue_url", QueueName=name)["QueueUrl"])


@lru_cache(maxsize=4)
def _client(region: str, endpoint: str) -> BaseClient:
    import boto3  # not needed where nobody publishes
    from botocore.config import Config

    # A shopper never waits for a queue: one try, short limits. A lost nudge costs only delay.
    limits = Config(connect_timeout=0.5, read_timeout=2, retries={"total_max_attempts": 1})
    return boto3.client("sqs", region_name=region, endpoint_url=endpoint or None, config=limits)


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = getattr(_client(settings.AWS_REGION, settings.AWS_ENDPOINT_URL), operation)(
            **arguments
        )
    except (BotoCoreError, ClientError) as error:
        raise QueueUnavailable(f"{operation}: {error}") from error
    return answer
