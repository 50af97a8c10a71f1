"""Debian's packages, for the few things that pip does not bring: only as root, only on Debian."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.children import end_of_log
from tools.places import Refusal


def is_debian_root() -> bool:
    """Whether packages may be installed here without asking anybody. Ubuntu does not count: its chromium is a snap."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return release.get("ID") == "debian" and os.getuid() == 0


def install_packages(names: Sequence[str], *, log: Path) -> None:
    """Install Debian packages. Raises `Refusal` with the end of the log when that fails."""
    print(f"Installing Debian packages: {' '.join(names)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *names]
    with log.open("a") as out:
        for command in (["apt-get", "update", "-q"], install):
            print("$", *command, file=out, flush=True)
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment, check=False
            )
            if done.returncode != 0:
                raise Refusal(f"Installing {' '.join(names)} failed.{end_of_log(log)}")
