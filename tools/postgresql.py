"""A throw-away PostgreSQL on the loopback address: a fresh cluster, gone with the program that asked for it.

For tests and benchmarks: writes are not flushed to disk.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.binaries import postgresql_programs
from tools.children import Account, Child, end_of_log, start_child, stop_child, wait_until_ready
from tools.places import Refusal
from tools.ports import LOOPBACK, free_port
from tools.scratch import is_reachable, scratch_folder

ROLE = "portal"
DATABASE = "portal"

# Nobody mourns these rows after a power cut, and a run is half as long.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
}


class PostgreSQL:
    """One server. A context manager; `stop` and `start` may also be called in between, the rows stay."""

    def __init__(self) -> None:
        self.port = free_port()
        self._password = secrets.token_hex(16)
        self._account = unprivileged_account()
        self._resources = ExitStack()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """`postgres://…` of an empty database whose role may create others."""
        return f"postgres://{ROLE}:{self._password}@{LOOPBACK}:{self.port}/{DATABASE}"

    def environment(self) -> dict[str, str]:
        """What a program has to be told to use this server."""
        return {"DATABASE_URL": self.url}

    def __enter__(self) -> Self:
        with self._resources as resources:
            self.folder = resources.enter_context(scratch_folder(account=self._account))
            self._programs = self._runnable_programs()
            self._create_cluster()
            resources.callback(self.stop)
            self.start()
            self._run("createdb", "-h", LOOPBACK, "-p", str(self.port), "-U", ROLE, DATABASE)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        log = self.folder / "postgresql.log"
        self._child = start_child(
            [self._programs / "postgres", "-D", self._cluster, "-p", str(self.port)],
            log=log,
            cwd=self.folder,
            account=self._account,
            death_signal=signal.SIGINT,
        )
        wait_until_ready(self._takes_connections, child=self._child, name="PostgreSQL", log=log)

    def stop(self) -> None:
        """Stop the server at once; open transactions are rolled back."""
        if self._child:
            stop_child(self._child, first_signal=signal.SIGINT)
            self._child = None

    @property
    def _cluster(self) -> Path:
        return self.folder / "cluster"

    def _create_cluster(self) -> None:
        self._cluster.mkdir(mode=0o700)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(self._password)
        if self._account:
            for path in (self._cluster, password):
                os.chown(path, self._account.uid, self._account.gid)
        # C.UTF-8 and not C: with C, upper and lower case of Cyrillic letters are different words to a search.
        locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
        self._run(
            *("initdb", "-D", str(self._cluster), "-U", ROLE, f"--pwfile={password}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", f"--locale={locale}", "--no-sync", "--no-instructions"),
        )
        password.unlink()
        lines = (f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        with (self._cluster / "postgresql.conf").open("a") as settings:
            settings.writelines(lines)

    def _runnable_programs(self) -> Path:
        """The programs' folder, copied where the server's account may enter if it may not enter the original."""
        programs = postgresql_programs()
        if self._account is None or is_reachable(programs, account=self._account):
            return programs
        # Kept in step with each other: the programs look for their libraries relative to themselves.
        package, site = programs.parent.parent, self.folder / "site-packages"
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, site / name, symlinks=True)
        return site / programs.relative_to(package.parent)

    def _takes_connections(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, name: str, *arguments: str) -> None:
        log = self.folder / f"{name}.log"
        environment = {**os.environ, "PGPASSWORD": self._password, "LC_ALL": "C.UTF-8"}
        child = start_child(
            [self._programs / name, *arguments], log=log, cwd=self.folder, account=self._account, env=environment
        )
        if child.wait() != 0:
            raise Refusal(f"PostgreSQL's {name} failed.{end_of_log(log)}")


def unprivileged_account() -> Account | None:
    """The account that runs the server when we are root, because PostgreSQL refuses to run as root; else None."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=found.pw_uid, gid=found.pw_gid)
    raise Refusal("PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody`.")
