"""`make test`: every test on PostgreSQL, those marked `both_databases` once more on SQLite, and what came of it in a few lines.

Arguments go to pytest. Whatever they select, the second pass may find nothing to do; the first may not.
"""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.children import unwinding_signals
from tools.places import VAR, run_main, venv_program
from tools.services import run_command, services

NO_TEST_SELECTED = 5  # pytest's exit status
# On two cores. Of three one usually waits for a browser; the second pass has no browsers, and a worker costs its start.
WORKERS = {"PostgreSQL": "3", "SQLite": "2"}
RESULTS = VAR / "test"


@dataclass(frozen=True)
class Pass:
    """One run of pytest. `seconds` is its wall-clock time, start-up included."""

    title: str
    status: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        return f"{self.title:<11}{self.passed} passed, {self.failed} failed, {self.skipped} skipped in {self.seconds:.0f} s"


def run_pass(title: str, arguments: Sequence[str], *, environment: Mapping[str, str]) -> Pass:
    """Run pytest once, in our terminal, and count from its report."""
    print(f"\n{title}", flush=True)
    report = RESULTS / f"{title.lower()}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    began = time.monotonic()
    command = [str(venv_program("pytest")), f"--junitxml={report}", "-n", WORKERS[title], *arguments]
    status = run_command(command, environment=dict(environment))
    return counted(title, report, status=status, seconds=time.monotonic() - began)


def counted(title: str, report: Path, *, status: int, seconds: float) -> Pass:
    """The numbers of one run, from its JUnit report; zeros when pytest did not live to write it. An error counts as failed."""
    if not report.exists():
        return Pass(title, status, seconds)
    suite = next(ElementTree.parse(report).iter("testsuite"))  # noqa: S314 - written by our own pytest
    tests, failures, errors, skipped = (
        int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
    )
    return Pass(title, status, seconds, tests - failures - errors - skipped, failures + errors, skipped)


def exit_status(passes: Sequence[Pass]) -> int:
    """0 when every pass is green; a pass without a test is green only after one with tests."""
    first, *others = passes
    bad = [first.status] + [one.status for one in others if one.status != NO_TEST_SELECTED]
    return next((status for status in bad if status), 0)


def main() -> int:
    """The command line: everything in it is pytest's."""
    began = time.monotonic()
    arguments = sys.argv[1:]
    with unwinding_signals(), services() as environment:
        passes = [
            run_pass("PostgreSQL", arguments, environment=environment),
            run_pass(
                "SQLite",
                [*arguments, "-m", "both_databases and not prove"],
                environment={**environment, "DATABASE_URL": ""},
            ),
        ]
    print("", *passes, sep="\n")
    print(f"make test took {time.monotonic() - began:.0f} s")
    total = [sum(getattr(one, name) for one in passes) for name in ("passed", "failed", "skipped")]
    print("Total: {} passed, {} failed, {} skipped".format(*total))
    return exit_status(passes)


if __name__ == "__main__":
    run_main(main)
