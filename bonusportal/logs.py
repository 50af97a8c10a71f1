"""Logging: one JSON line an event on deployed stages, readable lines locally; request ids added, codes, phones and addresses of mail masked."""

from __future__ import annotations

import logging
import re
from typing import Any

from bonusportal import context
from bonusportal.masking import mask_text

_SECRET_PATH = re.compile(
    r"(/webhooks/keycrm/|/(?:order-reserve|order-complete|order-cancel|lead-reserve)/)[^/?\s\"]+", re.IGNORECASE
)
_QUERY_VALUE = re.compile(r"([?&][A-Za-z_][A-Za-z0-9_.\-]*=)[^&\s\"]+")


def mask_address(text: str) -> str:
    """Hide a webhook's secret and every query value of a URL."""
    return _QUERY_VALUE.sub(r"\1•••", _SECRET_PATH.sub(r"\1•••", text))


class MaskingFilter(logging.Filter):
    """Masks the finished message (arguments included) and adds the request's id."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask_text(mask_address(record.getMessage()))
        record.args = ()
        record.request_id = context.request_id.get() or "-"
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line, made by Powertools so that CloudWatch finds its usual keys; exceptions are masked like messages."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        from aws_lambda_powertools.logging.formatter import (
            LambdaPowertoolsFormatter,
        )  # not needed where lines are for people

        self._inner = LambdaPowertoolsFormatter(service="bonusportal", utc=True, json_default=str, stage=stage)

    def format(self, record: logging.LogRecord) -> str:
        # The whole line, so that tracebacks are masked too; the patterns touch no JSON punctuation.
        return mask_text(self._inner.format(record))


def configuration(*, level: str, stage: str) -> dict[str, Any]:
    """Django's LOGGING. The root handler is set explicitly: on Lambda the runtime brings one of its own that would double every line."""
    local = stage in {"local", "test"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"masking": {"()": "bonusportal.logs.MaskingFilter"}},
        "formatters": {
            "json": {"()": "bonusportal.logs.JsonFormatter", "stage": stage},
            "people": {
                "format": "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s",
                "datefmt": "%H:%M:%S",
            },
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "people" if local else "json",
                "filters": ["masking"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            # Its lines about 4xx answers say what the access line says.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "django.utils.autoreload": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            # "received", "succeeded": every sweep, every few seconds. What a task did it says itself; what failed is still told.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.consumer": {"level": "WARNING"},
            "celery.worker.control": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # Its access line repeats ours.
            "zappa": {"level": "WARNING"},
        },
    }
