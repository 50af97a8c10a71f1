"""Theme: importing a large file of codes, beside a bare COPY of the same rows into the same table with the same indexes.

The import reads and checks every line, finds doubles and codes that are known, and is undone as a whole when something is wrong. COPY does none of that;
its rows lie ready in memory.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import psycopg

from benchmarks.crews import Job, Jobs, crew, take_turns
from benchmarks.figures import AtMost, Figure, figure_of_rounds, spaced
from benchmarks.ground import Database, Ground
from benchmarks.sizes import Size
from promo.services import importing

AMOUNTS = (1100, 1200, 1300, 1400)
_COPY = "COPY promo_code (code, pool_id, lot_id, state, place, valid_until, reason, changed_at, created_at) FROM STDIN"
# The first of an empty table, so that the copied rows can name it.
_LOT = "INSERT INTO promo_lot (source, name, actor, reason, digest, created_at) VALUES ('import', '', 'bench', '', '', now())"


def measure(ground: Ground, size: Size) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        files = {"csv": Path(name) / "codes.csv", "json": Path(name) / "available_codes.json"}
        _write_csv(files["csv"], size.imported)
        _write_json(files["json"], size.imported)

        def seconds(job: str) -> float:
            # The pools are there already: opening them is not what is measured.
            database = ground.database()
            for amount in AMOUNTS:
                database.add_codes(amount_uah=amount, count=0)
            database.settle()
            with crew(1, partial(_prepare, database, job, files, size.imported)) as clerk:
                taken = clerk.seconds(job, times=1)
            ground.drop(database)
            return taken

        measures: dict[str, Callable[[], float]] = {job: partial(seconds, job) for job in ("csv", "json", "copy")}
        times = take_turns(measures, rounds=size.import_rounds, is_cold_thrown_away=False)
    return [
        figure_of_rounds(
            f"importing {spaced(size.imported)} codes from {title} / a bare COPY",
            times[job],
            times["copy"],
            target=AtMost(5),
            unit="s",
        )
        for job, title in (("csv", "CSV"), ("json", "the predecessor's JSON"))
    ]


def _codes(count: int, amount_uah: int) -> Iterator[str]:
    # An odd multiplier scatters 1, 2, 3 … over all 32-bit numbers, as random codes are scattered over an index.
    return (f"BON{amount_uah}{(number * 2654435761) % 4294967296:08X}" for number in range(count))


def _each(count: int) -> Iterator[tuple[int, str]]:
    for amount in AMOUNTS:
        for code in _codes(count // len(AMOUNTS), amount):
            yield amount, code


def _write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("amount,code\n")
        file.writelines(f"{amount},{code}\n" for amount, code in _each(count))


def _write_json(path: Path, count: int) -> None:
    # Written once, by us: only the import has to get by without holding it whole.
    document = {str(amount): list(_codes(count // len(AMOUNTS), amount)) for amount in AMOUNTS}
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _prepare(database: Database, job: str, files: dict[str, Path], count: int) -> Jobs:
    database.use_in_django()
    return {job: _copy(database, count) if job == "copy" else partial(_import, files[job], count)}


def _copy(database: Database, count: int) -> Job:
    with psycopg.connect(database.url) as session:
        pools: dict[int, int] = dict(session.execute("SELECT amount_uah, id FROM promo_pool").fetchall())
    blocks = list(_copied(count, pools))

    def copy_all() -> None:
        with psycopg.connect(database.url) as session, session.cursor() as cursor:
            cursor.execute(_LOT)
            with cursor.copy(_COPY) as copy:
                for block in blocks:
                    copy.write(block)

    return copy_all


def _copied(count: int, pools: dict[int, int]) -> Iterator[bytes]:
    """The rows in COPY's own text, in blocks of a sensible size."""
    now = dt.datetime.now(dt.UTC).isoformat()
    rows = (
        f"{code}\t{pools[amount]}\t1\tavailable\t{place}\t\\N\t\t{now}\t{now}\n"
        for place, (amount, code) in enumerate(_each(count))
    )
    while block := "".join(islice(rows, 10_000)):
        yield block.encode()


def _import(path: Path, count: int) -> None:
    with path.open("rb") as file:
        report = importing.import_file(
            file=file,
            name=path.name,
            actor="bench",
            reason="benchmark",
            now=dt.datetime.now(dt.UTC),
        )
    if report.added != count:
        raise AssertionError(f"{report.added} of {count} codes were imported from {path.name}")
