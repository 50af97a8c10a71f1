"""The package, the cloud around it (a stand-in for AWS), and the function running in it."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
from botocore.client import BaseClient
from django.conf import settings
from django.db import connection

from tests.deployment.function import Function, environment_of, running_function
from tests.flows.world import own_database
from tools import zappa_settings
from tools.web_package import Package, web_package

AMOUNT = 700
SEED = """
from django.utils import timezone
from promo.models import Code, Pool
now = timezone.now()
pool, _ = Pool.objects.update_or_create(amount_uah=700, defaults={"low_water": 3, "target": 10})
for n in range(1, 41):
    Code.objects.create(pool=pool, code=f"BON700PACK{n:04d}", state="available", place=n, created_at=now, changed_at=now)
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "package" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("package"))  # one worker makes it, and has the cloud around it


@pytest.fixture(scope="session")
def package() -> Package:
    return web_package()


@dataclass
class Cloud:
    """The account that zappa_settings.json describes, as far as the functions see it: bucket, queues, parameters."""

    endpoint: str
    database_url: str
    bucket: str
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))

    @cached_property
    def sqs(self) -> BaseClient:
        return boto3.client("sqs")

    @cached_property
    def s3(self) -> BaseClient:
        return boto3.client("s3")

    def environment(self) -> dict[str, str]:
        names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return {name: os.environ[name] for name in names}

    def build(self) -> None:
        with suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):  # the anchors' tests use the same account
            self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        for queue in ("bonusportal-portal", "bonusportal-crm", "bonusportal-panel"):
            self.sqs.create_queue(QueueName=queue)
        shared = {"SECRET_KEY": self.secret_key, "DATABASE_URL": self.database_url, "GET_CODE_MODE": "open",
                  "ALLOWED_HOSTS": ".execute-api.eu-north-1.amazonaws.com", "FIELD_KEYS": "x" * 43 + "="}  # fmt: skip
        boto3.client("ssm").put_parameter(
            Name="/bonusportal/shared", Type="SecureString", Value=json.dumps(shared), Overwrite=True
        )

    def messages(self, queue: str) -> list[str]:
        """The bodies of what waits in a queue now; they are taken out."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """From the function's own database."""
        with psycopg.connect(self.database_url, autocommit=True) as database:
            return database.execute(sql).fetchall()


@pytest.fixture(scope="session")
def cloud(aws_endpoint: str) -> Iterator[Cloud]:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: start the tests with `make test`")
    its = settings.DATABASES["default"]
    around = f"postgres://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT']}/postgres"
    with own_database(around, f"package_{os.getpid()}") as url:
        cloud = Cloud(aws_endpoint, url, zappa_settings.read()["web"]["s3_bucket"])
        cloud.build()
        yield cloud


@pytest.fixture(scope="session")
def web(package: Package, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """The web function, its database migrated and stocked by its own commands, as `zappa manage` and `zappa invoke` would."""
    log = tmp_path_factory.mktemp("web") / "function.log"
    with running_function(package.folder, environment=environment_of("web", cloud.environment()), log=log) as function:
        function.send({"manage": "migrate --verbosity 0"})
        function.send({"raw_command": SEED})
        yield function


def password_of(url: str) -> str:
    return urlsplit(url).password or ""
