"""Theme: `GET /get-code` under gunicorn with the portal's whole settings, beside a bare Django view that claims by hand.

Both servers have the same workers and threads and the same database; limits and the daily cap are on, but set so high that they refuse nobody.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from benchmarks.crews import Job, Jobs, crew, take_turns
from benchmarks.figures import AtLeast, Figure, figure_of_rounds
from benchmarks.ground import Ground
from benchmarks.sizes import Size
from tools.children import start_child, stop_child, wait_until_ready
from tools.places import VAR, venv_program
from tools.ports import LOOPBACK, free_port

CLIENTS, WORKERS, THREADS = 8, 2, 4
AMOUNT, FORMER_AMOUNT = 1100, 1200


def measure(ground: Ground, size: Size) -> list[Figure]:
    database = ground.database()
    database.add_history(amount_uah=FORMER_AMOUNT, count=size.issued_before)
    database.add_codes(amount_uah=AMOUNT, count=size.codes_to_drain)
    database.settle()
    environment = {**os.environ, "DATABASE_URL": database.url, "LOG_LEVEL": "INFO"}
    with _server("bonusportal.wsgi", environment) as ours, _server("benchmarks.bare.wsgi", environment) as bare:
        pages = {
            "ours": (ours, f"/get-code?amount={AMOUNT}"),
            "claim": (bare, f"/claim?amount={AMOUNT}"),
            "empty": (bare, "/empty"),
        }
        with crew(CLIENTS, partial(_prepare, pages)) as clients:
            rates = take_turns(
                {name: partial(clients.rate, name, seconds=size.round_seconds) for name in pages}, rounds=size.rounds
            )
    ground.drop(database)
    beside = partial(figure_of_rounds, ours=rates["ours"], unit="answers/s")
    return [
        beside("GET /get-code / a bare view that claims by hand", theirs=rates["claim"], target=AtLeast(0.6)),
        beside("GET /get-code / an empty bare view", theirs=rates["empty"], target=None),
    ]


@contextmanager
def _server(application: str, environment: Mapping[str, str]) -> Iterator[int]:
    """A gunicorn, ready. Yields its port."""
    port = free_port()
    log = VAR / "test" / f"bench-{application}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    arguments = [
        *(application, "--bind", f"{LOOPBACK}:{port}", "--worker-class", "gthread", "--keep-alive", "600"),
        *("--workers", str(WORKERS), "--threads", str(THREADS), "--no-control-socket", "--log-level", "warning"),
    ]
    child = start_child([venv_program("gunicorn"), *arguments], log=log, env=environment)
    try:
        wait_until_ready(partial(_answers, port), child=child, name=application, log=log)
        yield port
    finally:
        stop_child(child)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
        connection.request("GET", "/nothing-here")
        return connection.getresponse().status == 404
    except OSError:
        return False


def _prepare(pages: Mapping[str, tuple[int, str]]) -> Jobs:
    return {name: _visit(port, path) for name, (port, path) in pages.items()}


def _visit(port: int, path: str) -> Job:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)

    def visit() -> None:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body)["success"] is not True:
            raise AssertionError(f"{path} answered {answer.status}: {body[:200]!r}")

    return visit
