"""Statements that are planned once: the same rows and errors as everywhere, prepared only where a connection is kept."""

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bonusportal.sql import fetch_planned

pytestmark = pytest.mark.django_db
QUESTION = "SELECT %s + 1"


def prepared():
    """How many statements like the question the server keeps for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1 + 1%%'")
        return cursor.fetchone()[0]


def ask(times=1):
    return [fetch_planned(QUESTION, [number]) for number in range(times)]


def test_rows_come_back_as_from_any_cursor():
    assert ask(2) == [[(1,)], [(2,)]]
    assert fetch_planned("SELECT %(one)s, %(other)s", {"one": 1, "other": None}) == [(1, None)]


@pytest.mark.postgresql
def test_what_is_asked_all_the_time_is_prepared():
    ask(12)
    assert prepared() in {1, 2}, "two where a plan's time ran out in between"


@pytest.mark.postgresql
def test_a_connection_that_serves_one_request_prepares_nothing():
    kept = connection.settings_dict["CONN_MAX_AGE"]
    connection.settings_dict["CONN_MAX_AGE"] = 0
    try:
        before = prepared()
        assert ask(12)[-1] == [(12,)]
        assert prepared() == before
    finally:
        connection.settings_dict["CONN_MAX_AGE"] = kept


@pytest.mark.postgresql
def test_an_error_is_djangos_and_undoes_what_surrounds_it():
    with pytest.raises(DataError), transaction.atomic():
        fetch_planned("SELECT 1 / %s", [0])
    assert ask() == [[(1,)]]


def test_nothing_runs_in_a_transaction_that_is_to_be_undone():
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            ask()


def test_whoever_counts_queries_sees_it():
    with CaptureQueriesContext(connection) as queries:
        ask()
    assert len(queries) == 1
