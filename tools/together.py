"""Programs side by side in one terminal: each line says whose it is, and the end of one is the end of all.

honcho does this too, but it leaves the programs running when it is killed itself, and it writes from inside a signal's handler, which fails when the signal
comes in the middle of a line.
"""

from __future__ import annotations

import itertools
import os
import selectors
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from tools.children import Child, start_child

PATIENCE_SECONDS = 8.0  # a worker may be in the middle of a step at the panel
_LOOK_EVERY_SECONDS = 0.2
_COLOURS = (36, 32, 33, 35, 34, 31)
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Together:
    """Some running programs and the terminal they share. Those in `last` are stopped when the others have ended."""

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        last: Sequence[str] = (),
    ) -> None:
        self._last = last
        self._terminal = _Terminal(commands, out=sys.stdout)
        self._pipes = selectors.DefaultSelector()
        self._asked_to_stop = 0
        self._children: dict[str, Child] = {}
        for name, command in commands.items():
            child = self._children[name] = start_child(command, env=environment, cwd=cwd, piped=True)
            assert child.stdout is not None
            os.set_blocking(child.stdout.fileno(), False)
            self._pipes.register(child.stdout, selectors.EVENT_READ, name)

    def run(self) -> int:
        """Show lines until a program ends or a person asks; then stop the rest in order.

        Returns 0 when a person asked, else the status of the program that ended by itself (1 for one that ended well:
        none of them should).
        """
        with self._noted_signals():
            status = None
            while status is None and not self._asked_to_stop:
                self._show_lines()
                status = self._first_end()
            self._stop()
        return 0 if self._asked_to_stop else (status or 1)

    def _show_lines(self, *, timeout_seconds: float = _LOOK_EVERY_SECONDS) -> bool:
        """Show what was written meanwhile. False when that is nothing."""
        ready = self._pipes.select(timeout=timeout_seconds)
        for key, _events in ready:
            chunk = os.read(key.fd, 65_536)
            if not chunk:
                self._pipes.unregister(key.fileobj)
            elif not self._terminal.show(key.data, chunk):
                self._asked_to_stop = self._asked_to_stop or 1  # the terminal was closed: nobody reads on
        return bool(ready)

    def _first_end(self) -> int | None:
        for name, child in self._children.items():
            if (status := child.poll()) is not None:
                self._terminal.say(f"{name} has ended with status {status}.")
                return status
        return None

    def _stop(self) -> None:
        self._terminal.say("Stopping …")
        first = [name for name in self._children if name not in self._last]
        for names in (first, self._last):
            self._stop_these({name: self._children[name] for name in names})
        while self._show_lines(timeout_seconds=0):
            pass
        self._terminal.finish()

    def _stop_these(self, children: Mapping[str, Child]) -> None:
        for child in children.values():
            if child.poll() is None:
                child.terminate()  # and not its children: a worker lets them finish what they are at
        deadline, asked = time.monotonic() + PATIENCE_SECONDS, self._asked_to_stop
        while any(child.poll() is None for child in children.values()):
            if time.monotonic() > deadline or self._asked_to_stop > max(asked, 1):
                break  # out of patience, or Ctrl-C a second time
            self._show_lines()
        for name, child in children.items():
            if child.poll() is None:
                self._terminal.say(f"{name} does not stop by itself: ending it.")
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    @contextmanager
    def _noted_signals(self) -> Iterator[None]:
        """A signal is noted and acted upon between two lines."""

        def note(_number: int, _frame: object) -> None:
            self._asked_to_stop += 1

        before = {number: signal.signal(number, note) for number in _STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Terminal:
    """Whole lines, each with the name of its program in front."""

    def __init__(self, names: Iterable[str], *, out: TextIO) -> None:
        self._out = out
        width = max(len(name) for name in names)
        colours = itertools.cycle(_COLOURS if out.isatty() else (0,))
        self._front = {
            name: _coloured(f"{name.ljust(width)} | ", colour) for name, colour in zip(names, colours, strict=False)
        }
        self._unfinished = dict.fromkeys(self._front, b"")

    def show(self, name: str, chunk: bytes) -> bool:
        """Write the lines that are whole now. False when nobody can read them any more: the terminal was closed."""
        *whole, self._unfinished[name] = (self._unfinished[name] + chunk).split(b"\n")
        return self._write("".join(f"{self._front[name]}{line.decode(errors='replace')}\n" for line in whole))

    def say(self, sentence: str) -> None:
        """A line of our own."""
        self._write(f"{sentence}\n")

    def finish(self) -> None:
        """Write what was never ended by a line feed."""
        for name, rest in self._unfinished.items():
            if rest:
                self.show(name, b"\n")

    def _write(self, text: str) -> bool:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:
            return False
        return True


def _coloured(text: str, colour: int) -> str:
    return f"\033[{colour}m{text}\033[0m" if colour else text
