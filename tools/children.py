"""Starting and stopping child programs so that none outlives us.

A child leads a session of its own, so that Ctrl-C in the terminal reaches only the program that decides the order of stopping, and it is told by the kernel
when its parent dies, so that even `kill -9` leaves nothing behind (Linux; elsewhere only an orderly end is covered).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from tools.places import Refusal, shown

Child = subprocess.Popen[bytes]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Account:
    """An operating-system account that a child runs under instead of ours."""

    name: str
    uid: int
    gid: int


def die_with_parent(*, signal_number: int = signal.SIGTERM) -> Callable[[], None]:
    """A function for `preexec_fn`: the kernel sends the signal to the child when the *thread* that started it ends.

    Start children from a thread that lives as long as they should: the main one.
    """
    parent = os.getpid()

    def arm() -> None:
        if _LIBC is None:
            return
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the kernel was told
            os._exit(1)

    return arm


def start_child(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    death_signal: int = signal.SIGTERM,
    own_session: bool = True,
    piped: bool = False,
) -> Child:
    """Start a program tied to our life.

    With `log`, both its streams are appended there; `piped`, both can be read from `stdout`; without either it has ours.
    `stdin=None` lends it our input.
    """
    out = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin,
            stdout=subprocess.PIPE if piped else out,
            stderr=subprocess.STDOUT if piped or out else None,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            start_new_session=own_session,
            preexec_fn=die_with_parent(signal_number=death_signal),  # noqa: PLW1509 - armed before any thread of ours
        )
    finally:
        if out:
            out.close()


def stop_child(child: Child, *, first_signal: int = signal.SIGTERM, patience_seconds: float = 10) -> int:
    """Ask, wait, then insist. Returns the exit status; a child that has already ended is left alone."""
    if child.poll() is None:
        child.send_signal(first_signal)
        try:
            child.wait(timeout=patience_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def wait_until_ready(
    probe: Callable[[], bool], *, child: Child, name: str, log: Path | None = None, timeout_seconds: float = 30
) -> None:
    """Ask `probe` until it says yes.

    Raises `Refusal` with the end of the log when the child ends first or the time is up.
    """
    deadline = time.monotonic() + timeout_seconds
    while not probe():
        try:
            status = child.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            raise Refusal(f"{name} did not answer within {timeout_seconds:.0f} s.{end_of_log(log)}") from None
        raise Refusal(f"{name} stopped at once with status {status}.{end_of_log(log)}")


def end_of_log(log: Path | None, *, lines: int = 12) -> str:
    """The last lines of a log, ready to be put behind a sentence; nothing when there is no log."""
    if log is None or not log.exists():
        return ""
    tail = log.read_text(errors="replace").splitlines()[-lines:]
    return "".join(f"\n    {line}" for line in (f"The end of {shown(log)}:", *tail))


@contextmanager
def unwinding_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the program the orderly way, through every `finally`, as Ctrl-C does."""

    def unwind(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, unwind) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
