"""Events as AWS sends them: HTTP API (payload 2.0), EventBridge rules as zappa makes them, SQS."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlsplit

HOST = "abc123.execute-api.eu-north-1.amazonaws.com"
CALLER = "203.0.113.5"
ACCOUNT = "123456789012"


def http_event(
    method: str, url: str, *, body: str = "", headers: dict[str, str] | None = None, stage: str = "$default"
) -> dict[str, Any]:
    """One request; every header name in lower case, and the caller's address where only the gateway writes."""
    parts = urlsplit(url)
    sent = {
        "host": HOST,
        "x-forwarded-proto": "https",
        "x-forwarded-port": "443",
        "x-forwarded-for": CALLER,
        **(headers or {}),
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": sent,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "abc123",
            "domainName": HOST,
            "http": {"method": method, "path": parts.path, "protocol": "HTTP/1.1", "sourceIp": CALLER, "userAgent": "test"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "10/Mar/2026:12:00:00 +0000",
            "timeEpoch": 1773144000000,
        },
        **({"body": body} if body else {}),
        "isBase64Encoded": False,
    }  # fmt: skip


def rule_event(name: str, function: str, *, kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
    """A tick of the rule that zappa makes for `events` with this name and function."""
    event: dict[str, Any] = {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": "2026-03-10T12:00:00Z",
        "region": "eu-north-1",
        "resources": [f"arn:aws:events:eu-north-1:{ACCOUNT}:rule/bonusportal-web-{name}-{function}"],
        "detail": {},
    }
    return event if kwargs is None else {**event, "kwargs": kwargs}


def sqs_event(*bodies: str, queue: str = "bonusportal-portal", received_times: int = 1) -> dict[str, Any]:
    """A batch of messages from one queue."""
    return {"Records": [_record(number, body, queue, received_times) for number, body in enumerate(bodies)]}


def celery_body(task: str, args: list[Any] | None = None, **headers: Any) -> str:
    """What a Celery client lays into SQS, written out by hand from its protocol's description."""
    inside = [args or [], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    envelope = {
        "body": _base64(inside),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": task, "id": "0f1e2d3c", "root_id": "0f1e2d3c", "retries": 0, "eta": None, "expires": None, **headers},
        "properties": {"correlation_id": "0f1e2d3c", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "portal"},
                       "priority": 0, "body_encoding": "base64", "delivery_tag": "5a4b3c2d"},
    }  # fmt: skip
    return _base64(envelope)


def _record(number: int, body: str, queue: str, received_times: int) -> dict[str, Any]:
    return {
        "messageId": f"00000000-0000-0000-0000-{number:012d}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(received_times), "SentTimestamp": "1773144000000"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-north-1:{ACCOUNT}:{queue}",
        "awsRegion": "eu-north-1",
    }


def _base64(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()
