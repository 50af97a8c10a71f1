"""Run a command with real services around it: `python -m tools.services run [--aws] -- COMMAND…`.

Starts PostgreSQL and Redis (and, with `--aws`, the stand-in for AWS), tells the command where they are through the environment, returns its exit status and
stops what it started.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tools.aws_standin import AwsStandIn
from tools.binaries import chromium_program
from tools.children import start_child, stop_child, unwinding_signals
from tools.places import Refusal, run_main
from tools.postgresql import PostgreSQL
from tools.redis_server import Redis


@contextmanager
def services(*, aws: bool = False) -> Iterator[dict[str, str]]:
    """PostgreSQL, Redis and, if wanted, the stand-in for AWS. Yields the variables that say where they are."""
    chromium = chromium_program()
    with ExitStack() as running:
        found = running.enter_context(PostgreSQL()).environment() | running.enter_context(Redis()).environment()
        if aws:
            found |= running.enter_context(AwsStandIn()).environment()
        yield found | ({"CHROMIUM_PATH": str(chromium)} if chromium else {})


def run_command(command: Sequence[str], *, environment: dict[str, str]) -> int:
    """Run a program in our terminal and wait for it; it alone decides what Ctrl-C means.

    Returns its exit status, 128 + n when signal n ended it.
    """
    ours = signal.signal(signal.SIGINT, lambda _number, _frame: None)  # ignoring it would be inherited
    try:
        # A suite starts some hundred Pythons: told to keep no byte code, each would compile all of ours again.
        told = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment}
        child = start_child(command, env=told, stdin=None, own_session=False)
        try:
            status = child.wait()
        finally:
            stop_child(child)
        return status if status >= 0 else 128 - status
    except FileNotFoundError:
        raise Refusal(f"There is no program {command[0]}.") from None
    finally:
        signal.signal(signal.SIGINT, ours)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.services", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)
    run = verbs.add_parser("run", help="run a command with services around it")
    run.add_argument("--aws", action="store_true", help="the stand-in for AWS as well")
    run.add_argument("command", nargs="+", metavar="COMMAND")
    asked = parser.parse_args()
    with unwinding_signals(), services(aws=asked.aws) as environment:
        return run_command(asked.command, environment=environment)


if __name__ == "__main__":
    run_main(main)
