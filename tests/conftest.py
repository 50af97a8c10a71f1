"""The services and the browser that tests ask for, and when a test is skipped for want of one.

PostgreSQL and Redis come from `python -m tools.services run`, which `make test` does. Without it the tests run on SQLite and without a broker, and those
that need more say so.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from bonuses import append_only
from tools.aws_standin import AwsStandIn
from tools.binaries import MINISTACK, chromium_program
from tools.redis_server import Redis

FLOWS = Path(__file__).parent / "flows"
# What is expected of a page in a browser may take as long as a crowded machine needs.
expect.set_options(timeout=30_000)
HOW = "start the tests with `make test`, or with: python -m tools.services run -- pytest …"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Each file in `flows` tells one story around one running world: one of pytest's workers gets it whole."""
    if item.path.parent == FLOWS:
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _tell_flows_in_order(items)
    if not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        for item in items:
            if item.get_closest_marker("postgresql"):
                item.add_marker(pytest.mark.skip(reason=f"needs PostgreSQL: {HOW}"))


def _tell_flows_in_order(items: list[pytest.Item]) -> None:
    """The rest stays shuffled."""
    stories: dict[Path, list[int]] = {}
    for place, item in enumerate(items):
        if item.path.parent == FLOWS:
            stories.setdefault(item.path, []).append(place)
    for places in stories.values():
        told = sorted((items[place] for place in places), key=_place_in_file)
        for place, item in zip(places, told, strict=True):
            items[place] = item


def _place_in_file(item: pytest.Item) -> tuple[int, tuple[int, ...]]:
    """The line, then the place among the cases of a parametrised test."""
    callspec = getattr(item, "callspec", None)
    return item.location[1] or 0, tuple(callspec.indices.values()) if callspec else ()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """A file instead of memory: only then do several connections lock each other out as they do in earnest."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(Path(settings.VAR_DIR) / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker, _history_may_be_swept: None) -> None:
    """A worker's first test finds what every later one does: nothing. What migrations put there would be gone after the first test with real transactions."""
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _history_may_be_swept() -> Iterator[None]:
    """A test with real transactions ends by emptying every table, which the triggers of the ledger's history refuse: they are away for that moment."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def sweep(self: BaseDatabaseOperations, statements: list[str]) -> None:
        append_only.remove(self.connection)
        flush(self, statements)
        append_only.install(self.connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", sweep)
        yield


@pytest.fixture(scope="session")
def _redis_connection() -> redis.Redis | None:
    return redis.Redis.from_url(settings.REDIS_URL) if settings.REDIS_URL else None


@pytest.fixture(autouse=True)
def _empty_redis(_redis_connection) -> None:
    """No test sees another's queue or rate windows."""
    if _redis_connection is not None:
        _redis_connection.flushdb()


@pytest.fixture
def redis_url() -> str:
    """The Redis around us, this worker's own database in it, empty."""
    if not settings.REDIS_URL:
        pytest.skip(f"needs Redis: {HOW}")
    return str(settings.REDIS_URL)


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """A Redis of the test's own, to be stopped and started again."""
    with Redis() as server:
        yield server


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """The stand-in for AWS; started for this worker unless one was started for the whole run."""
    if given := os.environ.get("AWS_ENDPOINT_URL"):
        yield given
        return
    if not MINISTACK.exists():
        pytest.skip("needs the stand-in for AWS: python3 -m tools.setup --for test")
    with AwsStandIn() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server.endpoint


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A real browser, for Playwright's `executable_path`."""
    found = chromium_program()
    if not found:
        pytest.skip("needs Chromium: python3 -m tools.setup")
    return str(found)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object], chromium_path: str) -> dict[str, object]:
    """pytest-playwright's `page` and `browser` fixtures use the same Chromium as the portal."""
    return {**browser_type_launch_args, "executable_path": chromium_path}
