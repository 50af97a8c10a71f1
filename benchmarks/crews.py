"""Processes that do one thing over and over while a clock runs. Processes, not threads: the load must not queue at one interpreter's lock.

A crew is forked once; each member prepares its jobs (connections, sessions) and keeps them. Rounds take turns, ours and theirs, so that what else the
machine does at a moment falls on both.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

Job = Callable[[], object]
Jobs = Mapping[str, Job]

# Fork: the members have Django set up already, and nothing is open or running in the parent at that moment.
_FORK = multiprocessing.get_context("fork")
_START_DELAY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Order:
    """One round of one job: for a time, or so many times."""

    job: str
    start_at: float  # time.monotonic(), which all processes of a machine share
    seconds: float = 0.0
    times: int = 0


class Crew:
    """Members that are ready. Made by `crew`."""

    def __init__(self, members: Sequence[tuple[BaseProcess, Connection]]) -> None:
        self._members = members

    def rate(self, job: str, *, seconds: float) -> float:
        """How many times a second all members together do the job."""
        done = self._answers(Order(job, time.monotonic() + _START_DELAY_SECONDS, seconds=seconds))
        return sum(times / elapsed for times, elapsed in done)

    def seconds(self, job: str, *, times: int) -> float:
        """How long the slowest member takes for doing the job so many times."""
        done = self._answers(Order(job, time.monotonic() + _START_DELAY_SECONDS, times=times))
        return max(elapsed for _times, elapsed in done)

    def _answers(self, order: Order) -> list[tuple[int, float]]:
        for _process, pipe in self._members:
            pipe.send(order)
        try:
            return [pipe.recv() for _process, pipe in self._members]
        except EOFError:
            raise RuntimeError(f"A member of the crew failed at: {order.job}. Its traceback stands above.") from None


@contextmanager
def crew(size: int, prepare: Callable[[], Jobs]) -> Iterator[Crew]:
    """So many processes, each with the jobs that `prepare` gives it. They end with the block."""
    members = []
    try:
        for _ in range(size):
            ours, its = _FORK.Pipe()
            process = _FORK.Process(target=_serve, args=(its, prepare), daemon=True)
            process.start()
            its.close()
            members.append((process, ours))
        yield Crew(members)
    finally:
        for process, pipe in members:
            pipe.close()
            process.terminate()
            process.join()


def _serve(pipe: Connection, prepare: Callable[[], Jobs]) -> None:
    jobs: Jobs | None = None
    while True:
        try:
            order: Order = pipe.recv()
        except EOFError:
            return
        jobs = jobs if jobs is not None else prepare()
        pipe.send(_carry_out(jobs[order.job], order))


def _carry_out(job: Job, order: Order) -> tuple[int, float]:
    while (left := order.start_at - time.monotonic()) > 0:
        time.sleep(left)  # so that all members begin together
    began = time.monotonic()
    if order.times:
        for _ in range(order.times):
            job()
        return order.times, time.monotonic() - began
    times, deadline = 0, began + order.seconds
    while time.monotonic() < deadline:
        job()
        times += 1
    return times, time.monotonic() - began


def take_turns(
    measures: Mapping[str, Callable[[], float]], *, rounds: int, is_cold_thrown_away: bool = True
) -> dict[str, list[float]]:
    """Each measure once per round, in an order that turns around from round to round. The first round warms up, unless it is told to count."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(0 if is_cold_thrown_away else 1, rounds + 1):
        for name in list(measures)[:: 1 if number % 2 else -1]:
            value = measures[name]()
            if number:
                taken[name].append(value)
    return taken
