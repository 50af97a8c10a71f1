"""All real processes around one journey: gunicorn, worker, beat, a Redis that can be stopped, the simulated store panel, a database of its own."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import requests

from demo.panel.server import RunningPanel, serve
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME, PanelState
from tools.children import Child, start_child, stop_child
from tools.places import ROOT
from tools.ports import free_port
from tools.redis_server import Redis

T = TypeVar("T")
PATIENCE_SECONDS = 180


def wait_for(question: Callable[[], T], *, what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask until the answer is truthy; the time limit is only there to end a test that failed."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}; the last answer was {answer!r}"
        time.sleep(0.2)


def around_database() -> str:
    """The address of the server that the tests run on."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    return f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/postgres"


@contextmanager
def own_database(around: str, name: str, *, like: str = "template1") -> Iterator[str]:
    """A fresh database beside the tests' own, and its address."""
    parts = urlsplit(around)
    with psycopg.connect(around, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(around, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def migrated_database(around: str, migrate: Callable[[str], None]) -> str:
    """The name of an empty portal's database to copy. Migrated by whichever world comes first; the others wait for it instead of doing it again."""
    written = sorted(ROOT.glob("*/migrations/*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in written)).hexdigest()[:16]
    name, half = f"flow_template_{digest}", f"flow_half_{digest}"
    with psycopg.connect(around, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('flow_template'))")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            with own_database(around, half) as url:
                migrate(url)
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{half}"')
    return name


class World:
    """The running portal. `start`/`stop` play crashes of its parts; `ask` waits for rows."""

    def __init__(
        self,
        *,
        database_url: str,
        redis: Redis,
        panel: RunningPanel,
        state: PanelState,
        folder: Path,
        chromium: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.redis, self.panel, self.state, self.folder = redis, panel, state, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self.environment = {
            **os.environ,
            "PORTAL_STAGE": "test", "DATABASE_URL": database_url, "REDIS_URL": redis.url, "VAR_DIR": str(folder), "CHROMIUM_PATH": chromium,
            "PANEL_URL": panel.codes_url, "PANEL_USERNAME": DEMO_USERNAME, "PANEL_PASSWORD": DEMO_PASSWORD,
            "RATE_GET_CODE_ADDRESS": "10000/minute", "OPEN_MODE_DAILY_CAP": "10000", "GET_CODE_MODE": "open",
            **(more or {}),
        }  # fmt: skip
        self.children: dict[str, Child] = {}

    def command(self, name: str) -> list[str]:
        python = sys.executable
        celery = [python, "-m", "celery", "--quiet", "-A", "bonusportal.celery"]
        panel_worker = [*celery, "worker", "--queues", "panel", "--concurrency", "1", "--loglevel", "INFO"]
        return {
            "web": [python, "-m", "gunicorn", "bonusportal.wsgi", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--threads", "8",
                    "--log-level", "warning", "--no-control-socket"],
            "worker": [*celery, "worker", "--queues", "portal,crm", "--hostname", "worker@%h", "--concurrency", "1", "--loglevel", "INFO"],
            "browser": [*panel_worker, "--hostname", "browser@%h"],
            "browser-2": [*panel_worker, "--hostname", "browser-2@%h"],
            "beat": [python, "-m", "celery", "--quiet", "-A", "bonusportal.celery", "beat", "--loglevel", "WARNING",
                     "--schedule", str(self.folder / "beat")],
        }[name]  # fmt: skip

    def start(self, name: str) -> None:
        self.children[name] = start_child(
            self.command(name), log=self.folder / f"{name}.log", env=self.environment, cwd=ROOT
        )

    def stop(self, name: str) -> None:
        if child := self.children.pop(name, None):
            stop_child(child)

    def stop_all(self) -> None:
        for name in list(self.children):
            self.stop(name)

    def manage(self, *arguments: str) -> str:
        import subprocess

        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get_code(self, amount: int) -> requests.Response:
        return requests.get(f"{self.url}/get-code?amount={amount}", timeout=30)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql)

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]

    def told(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""


@contextmanager
def running_world(
    *,
    around: str,
    folder: Path,
    chromium: str,
    name: str,
    parts: Sequence[str] = ("web", "worker", "browser", "beat"),
    more: Mapping[str, str] | None = None,
    prepare: str = "",
) -> Iterator[World]:
    """Everything started and answering; everything stopped afterwards. `prepare` is SQL, done before the first part starts."""
    with ExitStack() as stack:
        redis = stack.enter_context(Redis())
        state = PanelState()
        panel = stack.enter_context(serve(state))

        def migrate(database_url: str) -> None:
            world.environment["DATABASE_URL"] = database_url
            world.manage("migrate", "--verbosity", "0")

        world = World(
            database_url="",
            redis=redis,
            panel=panel,
            state=state,
            folder=folder,
            chromium=chromium,
            more=more,
        )
        template = migrated_database(around, migrate)
        world.database_url = stack.enter_context(own_database(around, name, like=template))
        world.environment["DATABASE_URL"] = world.database_url
        stack.callback(world.stop_all)
        if prepare:
            world.execute(prepare)
        for part in parts:
            world.start(part)
        wait_for(lambda: _answers(world.url), what="the portal")
        yield world


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False
