"""Hand-written SQL: values in the form in which the database at hand stores them, and statements that are planned once.

Django converts what goes through the ORM; a cursor's parameters go as they are. On SQLite a timezone-aware datetime would be stored in a spelling that
sorts differently from Django's own.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, connections
from django.db.models import Model

Row = TypeVar("Row", bound=Model)

# Uses of a statement on one connection after which it is worth being prepared (psycopg's own default).
_PREPARE_THRESHOLD = 5
# A plan made for a table of three rows reads it from the beginning, and would go on doing so while an import makes a million of them.
_PLAN_KEPT_SECONDS = 10


def stamp(moment: dt.datetime) -> Any:
    """A moment as a parameter."""
    return connection.ops.adapt_datetimefield_value(moment)


def day(date: dt.date) -> Any:
    """A date as a parameter."""
    return connection.ops.adapt_datefield_value(date)


def fetch_planned(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that returns rows and is run all the time; its text must be one of a few. Errors are Django's.

    On PostgreSQL, where connections are kept, the server plans it now and then instead of every time: for the statements that hand out a code planning
    costs several times as much as running. Elsewhere it is an ordinary execution: a connection that serves one request never comes to a second
    one, and a pooler in between may not know of prepared statements.
    """
    return _run(statement, values, has_rows=True)[0]


def execute_planned(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """The same for a statement whose answer is how many rows it touched."""
    return _run(statement, values, has_rows=False)[1]


def _run(
    statement: str, values: Sequence[Any] | Mapping[str, Any], *, has_rows: bool
) -> tuple[list[tuple[Any, ...]], int]:
    database = connections[
        "default"
    ]  # itself: every look at the `connection` proxy costs a search for the thread's own
    is_watched = database.queries_logged or database.execute_wrappers
    if database.vendor != "postgresql" or not database.settings_dict["CONN_MAX_AGE"] or is_watched:
        with database.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if has_rows else [], cursor.rowcount
    import psycopg  # only where it is the driver

    database.ensure_connection()
    database.validate_no_broken_transaction()
    raw = database.connection
    raw.prepare_threshold = _PREPARE_THRESHOLD
    # Another text is another plan.
    text = f"{statement} -- {int(time.monotonic()) // _PLAN_KEPT_SECONDS}"
    # Django's own cursor writes the values into the text, and such a text is never the same twice.
    with database.wrap_database_errors, psycopg.Cursor(raw) as planned:
        planned.execute(text, values)
        return planned.fetchall() if has_rows else [], planned.rowcount


@lru_cache(maxsize=32)
def columns_of(model: type[Model], alias: str) -> str:
    """A model's columns for a SELECT, in the order in which `row_of` takes their values."""
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


def row_of(model: type[Row], values: Sequence[Any]) -> Row:
    """The row as the ORM would return it. For statements that run all the time: writing one anew costs the ORM more than its answer is worth."""
    found = list(values)
    for at, convert in _conversions(model, connection.vendor):
        found[at] = convert(found[at])
    return model.from_db("default", [field.attname for field in model._meta.concrete_fields], found)


@lru_cache(maxsize=32)
def _conversions(model: type[Model], _vendor: str) -> list[tuple[int, Callable[[Any], Any]]]:
    """What Django's own queries do to a value on its way in from this database, for the columns that need it."""
    found = []
    for at, field in enumerate(model._meta.concrete_fields):
        column = field.get_col(model._meta.db_table)
        steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if steps:
            found.append((at, _one_after_another(steps, column)))
    return found


def _one_after_another(steps: Sequence[Callable[..., Any]], column: Any) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert
