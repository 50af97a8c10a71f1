"""Imports that meet each other, or somebody else who brings the same codes in."""

import datetime as dt
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection, transaction

from promo.models import Code, Lot
from promo.services.importing import import_file
from tests.factories import make_code, make_pool

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
CODES = [f"BON1100{number:06d}" for number in range(300)]


@pytest.fixture(autouse=True)
def _english(settings):
    settings.LANGUAGE_CODE = "en"


def load(**options):
    try:
        body = json.dumps({"1100": CODES}).encode()
        return import_file(
            file=io.BytesIO(body), name="codes.json", actor="olena", reason="moving in", now=NOW, **options
        )
    finally:
        connection.close()


def wait_until_somebody_waits_for_a_lock():
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody came to wait")


def test_of_six_imports_of_one_file_at_once_one_adds_and_five_notice():
    gate = Barrier(6)

    def at_once(_number):
        gate.wait()
        return load()

    with ThreadPoolExecutor(6) as pool:
        reports = list(pool.map(at_once, range(6)))
    assert sorted(report.added for report in reports) == [0, 0, 0, 0, 0, 300]
    assert sum(report.imported_at == NOW for report in reports) == 5
    assert (Code.objects.count(), Lot.objects.count()) == (300, 1)


@pytest.mark.parametrize(("skip_bad", "added"), [(False, 0), (True, 299)])
def test_a_code_that_somebody_brings_in_meanwhile_is_seen_before_anything_is_kept(skip_bad, added):
    """The other's row is not committed yet when the import looks: only writing meets it."""
    pool = make_pool(1100)
    written, may_commit = Event(), Event()

    def somebody_else():
        try:
            with transaction.atomic():
                make_code(pool, code=CODES[7], state="foreign")
                written.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(somebody_else)
        assert written.wait(30)
        importing = threads.submit(load, skip_bad=skip_bad)
        wait_until_somebody_waits_for_a_lock()
        may_commit.set()
        other.result()
        report = importing.result()
    assert [(problem.word, problem.place) for problem in report.problems] == [("known", "amount 1100, item 8")]
    assert (report.is_refused, report.added, Code.objects.count()) == (not skip_bad, added, added + 1)
    assert Code.objects.get(code=CODES[7]).state == "foreign"
    assert Lot.objects.count() == skip_bad
