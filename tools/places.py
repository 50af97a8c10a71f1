"""Where the tooling keeps its files, and the one error it shows to a person.

Knows paths only; finding programs is `tools.binaries`, installing them is `tools.setup`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VAR = ROOT / "var"


class Refusal(Exception):
    """Something a person has to put right. The message is the whole sentence they read; no traceback follows it."""


def venv_program(name: str) -> Path:
    """The path a program has once the virtual environment is installed, whether or not it is there yet."""
    return VENV / "bin" / name


def shown(path: Path) -> str:
    """A path as a person would type it: relative inside the checkout, whole elsewhere."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def run_main(main: Callable[[], int]) -> None:
    """Run an entry point; a `Refusal` becomes its sentence on standard error and exit status 1."""
    try:
        status = main()
    except Refusal as refusal:
        print(f"\n{refusal}", file=sys.stderr, flush=True)
        status = 1
    sys.exit(status)
