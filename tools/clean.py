"""`make clean`: throw away what running and testing left in `var`; keep what was installed there."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

from tools.places import VAR, Refusal, run_main

RUN_LOCK = VAR / "run" / "lock"
INSTALLED = {"ministack", ".web", "byte-code", "tools.json", "setup.lock", "setup.log"}


def clean(var: Path, *, run_lock: Path) -> None:
    """Raises `Refusal` while `make run` is running: its rows would vanish under it."""
    if not var.exists():
        return
    if run_lock.exists():
        with run_lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refusal("`make run` is running. Stop it first (Ctrl-C in its terminal).") from None
    for path in var.iterdir():
        if path.name in INSTALLED:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def main() -> int:
    """The command line."""
    clean(VAR, run_lock=RUN_LOCK)
    return 0


if __name__ == "__main__":
    run_main(main)
