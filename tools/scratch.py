"""Folders for the data of throw-away services: made when they start, gone when they stop.

A folder left by a program that was killed is removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.children import Account
from tools.places import VAR

PREFIX = "bonusportal-"
_LOCK = ".held"
_SECONDS_BEFORE_SWEEPING = 60  # a folder this young may be one that its maker has not locked yet


@contextmanager
def scratch_folder(*, account: Account | None = None, base: Path | None = None) -> Iterator[Path]:
    """A fresh folder under `var/test`, or in the system's temporary folder where `account` cannot reach that."""
    home = base or VAR / "test"
    home.mkdir(parents=True, exist_ok=True)
    if account and not is_reachable(home, account=account):
        home = Path(tempfile.gettempdir())
    _sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if account:
            folder.chmod(0o711)  # the account passes through to its own folder inside
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def is_reachable(path: Path, *, account: Account) -> bool:
    """Whether the account may pass through every folder on the way to `path`, itself included."""
    return all(_may_enter(step, account) for step in (path.resolve(), *path.resolve().parents))


def _may_enter(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _sweep(home: Path) -> None:
    for folder in home.glob(f"{PREFIX}*"):
        lock = folder / _LOCK
        try:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or not lock.is_file():
                continue
            if time.time() - found.st_mtime < _SECONDS_BEFORE_SWEEPING:
                continue
            with lock.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or swept by somebody else at the same moment
