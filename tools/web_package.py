"""The web function's zip, as `zappa package web` makes it from this checkout, unpacked as Lambda unpacks it.

Made once for the same sources: what goes in has a fingerprint, and the package of that fingerprint is kept in `var/.package`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.places import ROOT, VAR, Refusal, venv_program
from tools.web_environment import web_environment

KEPT = VAR / ".package"
# `python -I -S -B LAMBDA_HOST folder` runs an unpacked package as Lambda would.
LAMBDA_HOST = ROOT / "tools" / "lambda_host.py"
SOURCES = ("bonusportal", "promo", "bonuses", "storefront", "keycrm", "locale", "static", "templates", "manage.py", "zappa_settings.json", "constraints.txt",
           "requirements-web.txt", "tools/lambda_zip.py")  # fmt: skip
# Zappa asks PyPI whether it is the newest. A closed door on this machine is the quickest answer.
NO_INTERNET = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1,localhost"}


@dataclass(frozen=True)
class Package:
    """`folder` is what would be /var/task."""

    zip: Path
    folder: Path


def web_package() -> Package:
    """The package of the sources as they are now."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:  # pytest's workers ask at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        home = KEPT / _fingerprint()
        found = Package(zip=home / "web.zip", folder=home / "task")
        if not found.folder.exists():
            for older in KEPT.iterdir():
                if older.is_dir():
                    shutil.rmtree(older)
            home.mkdir()
            _make(found.zip)
            _unpack(found)
        return found


def _zappa(*arguments: str) -> None:
    """Run zappa on the web function's own environment. Raises `Refusal` with what it said when it fails."""
    venv = web_environment(log=VAR / "setup.log")
    venv.install()
    command = [str(venv_program("zappa")), *arguments]
    surroundings = {**os.environ, **NO_INTERNET, "VIRTUAL_ENV": str(venv.folder)}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"zappa {' '.join(arguments)} failed.\n{done.stdout}{done.stderr}")


def _make(path: Path) -> None:
    _zappa("package", "web", "--output", str(path), "--disable_progress")


def _unpack(package: Package) -> None:
    half_done = package.folder.with_name("unpacking")
    with zipfile.ZipFile(package.zip) as archive:
        archive.extractall(half_done)
    half_done.rename(package.folder)


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _files() -> Iterator[Path]:
    for name in SOURCES:
        start = ROOT / name
        if start.is_file():
            yield start
        else:
            yield from (file for file in sorted(start.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
