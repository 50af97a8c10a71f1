"""Everything a fresh machine needs, installed once: `python3 -m tools.setup [--for test]`.

Runs on the system's Python, before there is a virtual environment. Quiet when nothing is to be done; what it installs is written to `var/setup.log`.
"""

from __future__ import annotations

import argparse
import fcntl
import sys

from tools.binaries import chromium_program, record_chromium, recorded_chromium
from tools.browser import check_playwright, get_chromium, is_worth_replacing
from tools.environment import Environment
from tools.node import install_packages
from tools.places import ROOT, VAR, Refusal, run_main
from tools.web_environment import web_environment

LOG = VAR / "setup.log"
OLDEST_PYTHON = (3, 11)


def check_python(version: tuple[int, int]) -> None:
    """Raises `Refusal` when this Python is too old."""
    if version < OLDEST_PYTHON:
        wanted, found = (".".join(map(str, pair)) for pair in (OLDEST_PYTHON, version))
        raise Refusal(
            f"This needs Python {wanted} or newer, and the one here is {found}. Name a newer one: make PYTHON=python{wanted} run"
        )


def set_up(*, for_tests: bool) -> None:
    """Bring the machine to the state that the requirements describe; a second call finds nothing to do."""
    check_python(sys.version_info[:2])
    VAR.mkdir(exist_ok=True)
    with (VAR / "setup.lock").open("w") as lock:  # two terminals may type `make` at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        Environment(folder=ROOT / ".venv", requirements=[ROOT / "requirements-dev.txt"], log=LOG).install()
        browser = chromium_program()
        if not browser or (recorded_chromium() is None and is_worth_replacing(browser)):
            browser = get_chromium(log=LOG)
        if recorded_chromium() != browser:
            check_playwright(log=LOG)
            record_chromium(browser)
        if for_tests:
            Environment(folder=VAR / "ministack", requirements=[ROOT / "tools" / "ministack.txt"], log=LOG).install()
            web_environment(log=LOG).install()
            install_packages(log=LOG)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.setup", description=__doc__.splitlines()[0])
    parser.add_argument("--for", choices=("run", "test"), default="run", dest="purpose")
    set_up(for_tests=parser.parse_args().purpose == "test")
    return 0


if __name__ == "__main__":
    run_main(main)
