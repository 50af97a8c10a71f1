"""Throw-away databases on the server around us, and the rows in them. Large fixtures are made by the database itself, from `generate_series`.

Every database is a copy of one migrated template, so each measurement begins from the same state. They are dropped at the end.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

_POOL = """
INSERT INTO promo_pool (amount_uah, is_active, low_water, target, adopt, delete_inactive, failures_in_row, created_at)
VALUES (%s, true, 3, 10, 'trust', false, 0, now())
ON CONFLICT (amount_uah) DO UPDATE SET is_active = true RETURNING id
"""
# An odd multiplier turns 1, 2, 3 … into all 32-bit numbers in a scattered order: every code once, none beside its neighbour in an index.
_CODES = """
INSERT INTO promo_code (code, pool_id, state, place, reason, changed_at, created_at)
SELECT 'BON' || %(amount)s || lpad(upper(to_hex((n * 2654435761) %% 4294967296)), 8, '0'), %(pool)s, %(state)s, n, '', now(), now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
_ISSUES = """
INSERT INTO promo_issue (code_id, pool_id, channel, phone, order_number, caller_address, request_id, actor, issued_at)
SELECT c.id, c.pool_id, 'drop_in', '', '', '192.0.2.1', '', '', now() - interval '1 year' * (1 - c.place::float8 / %(count)s)
FROM promo_code c WHERE c.pool_id = %(pool)s AND c.state = 'issued'
"""


@dataclass
class Database:
    """One throw-away database."""

    url: str

    def use_in_django(self) -> None:
        """Make it Django's default in this process. For a process of its own: what was connected before stays so elsewhere."""
        connection.close()
        connection.settings_dict["NAME"] = urlsplit(self.url).path.lstrip("/")

    def add_codes(self, *, amount_uah: int, count: int, first_place: int = 1) -> int:
        """So many available codes of an amount, whose pool is opened if need be. Returns the pool's id."""
        return self._add(amount_uah=amount_uah, state="available", first=first_place, count=count)

    def add_history(self, *, amount_uah: int, count: int) -> None:
        """So many codes that were issued in the last twelve months, with their journal."""
        pool = self._add(amount_uah=amount_uah, state="issued", first=1, count=count)
        with psycopg.connect(self.url) as session:
            session.execute(_ISSUES, {"pool": pool, "count": count})

    def settle(self) -> None:
        """What the server would do by itself in the quiet hours: statistics, visibility, no leftovers in the next measurement."""
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute("VACUUM (ANALYZE)")
            session.execute("CHECKPOINT")

    def _add(self, *, amount_uah: int, state: str, first: int, count: int) -> int:
        with psycopg.connect(self.url) as session:
            row = session.execute(_POOL, [amount_uah]).fetchone()
            assert row is not None
            values = {"amount": amount_uah, "pool": row[0], "state": state, "first": first, "last": first + count - 1}
            session.execute(_CODES, values)
        return int(row[0])


@dataclass
class Ground:
    """The server around us, and our databases on it."""

    server_url: str
    _names: list[str] = field(default_factory=list)
    _template: str = ""

    def database(self) -> Database:
        """A fresh copy of the migrated, otherwise empty template."""
        return self._create(template=self._template)

    def drop(self, database: Database) -> None:
        name = urlsplit(database.url).path.lstrip("/")
        with psycopg.connect(self.server_url, autocommit=True) as session:
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._names.remove(name)

    def _create(self, *, template: str) -> Database:
        name = f"bench_{os.getpid()}_{secrets.token_hex(4)}"
        with psycopg.connect(self.server_url, autocommit=True) as session:
            session.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        self._names.append(name)
        return Database(urlunsplit(urlsplit(self.server_url)._replace(path=f"/{name}")))


@contextmanager
def prepared_ground(server_url: str) -> Iterator[Ground]:
    """A migrated template on the server; what was made from it is dropped at the end. Django must be set up."""
    ground = Ground(server_url)
    try:
        template = ground._create(template="template0")
        template.use_in_django()
        call_command("migrate", verbosity=0)
        connection.close()
        ground._template = ground._names[0]
        yield ground
    finally:
        for name in list(ground._names):
            ground.drop(Database(urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))))
