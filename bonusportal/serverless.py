"""Entry points of the Lambda functions for everything but HTTP: ticks of the scheduler and messages of the queues.

Zappa calls them (the rule's name, or the queue's address in `events` of zappa_settings.json, says which). Both run the registered Celery tasks in this
process, without a worker. A task that raises makes the invocation fail: only then does the platform try again and, in the end, move a message to the
dead-letter queue. So nothing here swallows a failure.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery
from django.db import close_old_connections
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

from bonusportal import context as request_context
from bonusportal import queues
from bonusportal.celery_messages import TaskMessage, decode
from bonusportal.living import note_alive
from bonusportal.pausing import Pause
from bonusportal.schedules import ROLE_OF_QUEUE, SCHEDULES, Schedule, queue_of

logger = logging.getLogger(__name__)
_seen_just_now = {role: Pause(seconds=10.0) for role in ROLE_OF_QUEUE.values()}


class UnknownTask(Exception):
    """No task of this name is registered: a message of another version of the portal, or of somebody else."""


class UnknownSchedule(Exception):
    """A rule fired that stands in no schedule."""


class TaskFailed(Exception):
    """A task raised TypeError. Zappa would take a bare TypeError for a wrong signature of the entry point, and call it anew with fewer arguments."""


def tick(event: Mapping[str, Any], _context: object) -> None:
    """A rule of the scheduler fired: run what it stands for. Raises UnknownSchedule, or what the task raised."""
    schedule = _schedule_of(event)
    request_context.request_id.set(str(event.get("id") or ""))
    _note_alive(queue_of(schedule.task))
    _run(TaskMessage(task=schedule.task, args=[], kwargs={}, id=str(event.get("id") or "")))


def run_messages(event: Mapping[str, Any], _context: object) -> None:
    """Messages of one queue: run each as its task. Raises when any of them failed, and then only the failed ones come back.

    A message that can never succeed (not a task, an unknown task) fails like any other: after some tries the queue moves it to the dead-letter
    queue, where a person sees it.
    """
    records = list(event["Records"])
    done: list[Mapping[str, Any]] = []
    failures: list[Exception] = []
    for record in records:
        try:
            _run_record(record)
        except Exception as error:
            logger.exception("message %s of queue %s failed", record.get("messageId"), _queue_of(record))
            _bring_back(record)
            failures.append(error)
        else:
            done.append(record)
    if not failures:
        return
    # The platform lets the whole batch come back, so what is done is taken out of the queue here.
    for record in done:
        _delete(record)
    if len(failures) == 1:
        raise failures[0]
    raise ExceptionGroup(f"{len(failures)} of {len(records)} messages failed", failures)


def _schedule_of(event: Mapping[str, Any]) -> Schedule:
    """By the word that zappa puts beside the event, else by the rule's name, which ends in `…-{schedule}-{function}`."""
    word = (event.get("kwargs") or {}).get("schedule")
    rule = str((event.get("resources") or [""])[0]).rpartition("-")[0]
    found = [entry for entry in SCHEDULES if (entry.name == word if word else rule.endswith(f"-{entry.name}"))]
    if not found:
        raise UnknownSchedule(word or rule)
    return max(found, key=lambda entry: len(entry.name))


def _run_record(record: Mapping[str, Any]) -> None:
    queue = _queue_of(record)
    _note_alive(queue)
    message = decode(record["body"])
    request_context.request_id.set(message.id)
    now = timezone.now()
    if message.expires_at and message.expires_at <= now:
        logger.info("%s expired before its turn", message.task)
        return
    wait_seconds = (message.not_before - now).total_seconds() if message.not_before else 0
    if wait_seconds > 1:
        queues.put(queue, record["body"], delay_seconds=wait_seconds)
        return
    _run(message)


def _run(message: TaskMessage) -> None:
    """The registered task, in this process. A connection that the database closed while the function slept is dropped first."""
    task = _celery().tasks.get(message.task)
    if task is None:
        raise UnknownTask(message.task)
    close_old_connections()
    try:
        task.apply(args=tuple(message.args), kwargs=message.kwargs, task_id=message.id or None, throw=True)
    except TypeError as error:
        raise TaskFailed(f"{message.task}: {error}") from error
    finally:
        close_old_connections()


def _celery() -> Celery:
    from bonusportal.celery import app

    # Not by Celery's own discovery: with Django it runs every system check, and so reads every address and staff page.
    autodiscover_modules("tasks")
    return app


def _queue_of(record: Mapping[str, Any]) -> str:
    return queues.name_of(str(record.get("eventSourceARN", "")))


def _note_alive(queue: str) -> None:
    role = ROLE_OF_QUEUE.get(queue)
    if role and _seen_just_now[role].may_go_on():
        note_alive(role, now=timezone.now())


def _bring_back(record: Mapping[str, Any]) -> None:
    times = int((record.get("attributes") or {}).get("ApproximateReceiveCount", 1))
    try:
        queues.bring_back(_queue_of(record), record["receiptHandle"], received_times=times)
    except queues.QueueUnavailable as error:
        logger.warning("a failed message comes back late (%s)", error)


def _delete(record: Mapping[str, Any]) -> None:
    try:
        queues.delete(_queue_of(record), record["receiptHandle"])
    except queues.QueueUnavailable as error:
        logger.warning("a message that is done comes back (%s); its task will find nothing to do", error)
