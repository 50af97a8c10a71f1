"""The command line: `python -m tools.services run -- python -m benchmarks [THEME…] [--quick] [--write]`, or `make bench`."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

import django

from benchmarks import machine
from benchmarks.figures import Figure, table
from benchmarks.readme import write_between_markers
from benchmarks.sizes import FULL, QUICK, Size
from bonusportal import env
from tools.children import unwinding_signals
from tools.places import ROOT, Refusal, run_main

# Each is a module of this package. In this order they are measured and shown.
THEMES = ("issuing", "redeeming", "answering", "growing", "importing", "refilling", "ledger", "cold_start")

_SERVICES = ("DATABASE_URL", "REDIS_URL", "CHROMIUM_PATH")
_UNLIMITED = {
    "PORTAL_STAGE": "local",
    "DEBUG": "no",
    "LOG_LEVEL": "WARNING",  # on the screen; servers under load write their access log
    "GET_CODE_MODE": "open",
    "OPEN_MODE_DAILY_CAP": "1000000000",
    "RATE_GET_CODE_ADDRESS": "1000000000/minute",
    "RATE_GET_CODE_PERSON": "1000000000/hour",
}


def main() -> int:
    """Exit status 1 when a target is missed; a quick run has no targets."""
    asked = _parser().parse_args()
    server_url = os.environ.get("DATABASE_URL", "")
    if not (server_url.startswith("postgres") and os.environ.get("REDIS_URL")):
        raise Refusal("The benchmarks need PostgreSQL and Redis around them: make bench")
    with tempfile.TemporaryDirectory(prefix="bench-files-") as files:
        _set_up_django(files=files)
        figures = _measure(asked.themes or list(THEMES), server_url, QUICK if asked.quick else FULL)
    shown = f"{machine.describe(now=dt.datetime.now(dt.UTC), server_url=server_url)}\n\n{table(figures)}"
    print(f"\n{shown}", flush=True)
    if asked.write:
        write_between_markers(asked.readme, shown)
    missed = [figure.name for figure in figures if figure.is_missed]
    if asked.quick:
        print("\nA quick run: it shows that everything works; the figures mean nothing.")
        return 0
    if missed:
        print(f"\nMissed: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("themes", nargs="*", metavar="THEME", help=f"of {', '.join(THEMES)}; all without")
    parser.add_argument("--quick", action="store_true", help="small and short, to see that everything runs")
    parser.add_argument("--write", action="store_true", help="put the table into README.md, between its markers")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md", help="another file than README.md")
    return parser


def _set_up_django(*, files: str) -> None:
    """The portal's own settings. What a developer's environment or `.env` says otherwise is silenced: figures must not depend on it."""
    for variable in env.VARIABLES:
        for name in (variable.name, *variable.also):
            if name not in _SERVICES:
                os.environ[name] = _UNLIMITED.get(name, "")
    os.environ["VAR_DIR"] = files
    os.environ["SECRET_KEY"] = secrets.token_hex(32)
    os.environ["DJANGO_SETTINGS_MODULE"] = "bonusportal.settings"
    django.setup()


def _measure(themes: list[str], server_url: str, size: Size) -> list[Figure]:
    from benchmarks.ground import prepared_ground  # it needs Django's settings

    figures: list[Figure] = []
    with prepared_ground(server_url) as ground:
        for name in themes:
            print(f"{name} …", end=" ", flush=True)
            began = time.monotonic()
            figures += importlib.import_module(f"benchmarks.{name}").measure(ground, size)
            print(f"{time.monotonic() - began:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    with unwinding_signals():
        run_main(main)
