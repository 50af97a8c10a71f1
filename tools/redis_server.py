"""A Redis of our own on the loopback address: nothing on disk, a random password, gone with the program that asked for it."""

from __future__ import annotations

import secrets
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.binaries import redis_program
from tools.children import Child, start_child, stop_child, wait_until_ready
from tools.ports import LOOPBACK, free_port
from tools.scratch import scratch_folder


class Redis:
    """One server. A context manager; `stop` and `start` play an outage: the address stays, what was stored does not."""

    def __init__(self, *, folder: Path | None = None) -> None:
        self.port = free_port()
        self._password = secrets.token_hex(16)
        self._chosen_folder = folder
        self._resources = ExitStack()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """`redis://…` of database 0."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    def environment(self) -> dict[str, str]:
        """What a program has to be told to use this server."""
        return {"REDIS_URL": self.url}

    def __enter__(self) -> Self:
        with self._resources as resources:
            self.folder = self._chosen_folder or resources.enter_context(scratch_folder())
            self.folder.mkdir(parents=True, exist_ok=True)
            resources.callback(self.stop)
            self.start()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "redis.log"
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._password,
            "save": '""',
            "appendonly": "no",
            "databases": "64",
            "dir": f'"{self.folder}"',
        }
        with tempfile.TemporaryFile() as typed:  # by standard input, so that the password is in no process list
            typed.write("".join(f"{name} {value}\n" for name, value in settings.items()).encode())
            typed.seek(0)
            self._child = start_child([redis_program(), "-"], stdin=typed, log=log)
        wait_until_ready(self._answers, child=self._child, name="Redis", log=log)

    def stop(self) -> None:
        """Stop the server; whoever is connected loses the connection."""
        if self._child:
            stop_child(self._child)
            self._child = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as asked:
                asked.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = asked.makefile("rb")
                return (answer.readline(), answer.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        except OSError:
            return False
