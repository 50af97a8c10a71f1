"""`make run`: the portal, its worker and scheduler, a Redis and the simulated store panel, in one terminal.

`python -m tools.run manage COMMAND…` runs a management command in the same surroundings.
"""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from honcho.manager import Manager
from honcho.printer import Message, Printer
from honcho.process import Popen, Process

from tools.children import die_with_parent, unwinding_signals
from tools.local import (
    NOW,
    RUN,
    Addresses,
    AlreadyRunningError,
    choose_addresses,
    note_addresses,
    only_one,
    read_variables,
    surroundings,
    wanted_port,
    whole_environment,
    write_variables,
)
from tools.places import ROOT, Refusal, run_main, venv_program
from tools.redis_server import Redis

MANAGE = [str(venv_program("python")), str(ROOT / "manage.py")]
ENDED_BY_A_PERSON = {130, 143}  # honcho's words for Ctrl-C and SIGTERM


class TiedProcess(Process):  # type: ignore[misc] # honcho has no types
    """One program under honcho that ends with us even when we are killed: honcho alone would leave it running."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._tie_watcher = die_with_parent(signal_number=signal.SIGKILL)

    def run(self, *arguments: Any, **named: Any) -> None:
        """Called by honcho in a process that it forks to watch the program."""
        self._tie_watcher()
        self._child_ctor = partial(Popen, preexec_fn=die_with_parent())
        super().run(*arguments, **named)


class TerminalPrinter(Printer):  # type: ignore[misc] # honcho has no types
    """Ends everything in order when the terminal was closed and its lines reach nobody any more."""

    _terminal_is_gone = False

    def write(self, message: Message) -> None:
        """Show one line."""
        try:
            super().write(message)
        except OSError:
            if not self._terminal_is_gone:  # stopping writes lines too
                self._terminal_is_gone = True
                signal.raise_signal(signal.SIGTERM)


def programs(addresses: Addresses) -> dict[str, list[str]]:
    """Everything that runs side by side, by the name that stands before its lines."""
    python, gunicorn, celery = (str(venv_program(name)) for name in ("python", "gunicorn", "celery"))
    workers = [celery, "--quiet", "-A", "bonusportal.celery", "worker", "--loglevel", "INFO"]
    return {
        "web": [
            *(gunicorn, "bonusportal.wsgi", "--bind", f"127.0.0.1:{addresses.portal_port}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "8", "--graceful-timeout", "3"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
        "worker": [*workers, "--queues", "portal", "--hostname", "worker@%h", "--concurrency", "2"],
        # Of its own, so that nothing waits behind a run at the panel, which takes minutes.
        "browser": [*workers, "--queues", "panel", "--hostname", "browser@%h", "--concurrency", "1"],
        "beat": [celery, "--quiet", "-A", "bonusportal.celery", "beat", "--loglevel", "WARNING"],
        "panel": [
            *(python, "-m", "demo.panel", "--port", str(addresses.panel_port)),
            *("--state", str(RUN / "panel.json"), "--samples"),
        ],
        "portal": [python, "-m", "tools.welcome"],
    }


def run_together(commands: Mapping[str, list[str]], *, environment: Mapping[str, str]) -> int:
    """Run programs side by side until one ends or a person stops them. Returns 0 when a person did."""
    multiprocessing.set_start_method("fork", force=True)  # the ties hold between parent and child, nobody in between
    running = Manager(TerminalPrinter(sys.stdout, time_format=""))  # the programs write the time themselves
    running._process_ctor = TiedProcess
    for name, command in commands.items():
        # `exec`, so that the shell honcho starts becomes the program, and the tie is the program's.
        running.add_process(name, f"exec {shlex.join(command)}", env=dict(environment), cwd=str(ROOT))
    signal.signal(signal.SIGHUP, lambda _number, _frame: os.kill(os.getpid(), signal.SIGTERM))
    running.loop()
    return 0 if running.returncode in ENDED_BY_A_PERSON else int(running.returncode or 0)


def prepare(environment: Mapping[str, str]) -> str:
    """Bring the tables up to date and put the demonstration's rows in. Returns what the seeding said."""
    _manage("migrate", "--verbosity", "0", environment=environment)
    return _manage("seed_demo", environment=environment)


def _manage(*arguments: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [*MANAGE, *arguments], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Refusal(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def run() -> int:
    """Start everything and stay until it is stopped."""
    with only_one():
        addresses = choose_addresses(wanted_port(os.environ.get("PORT", "8000")))
        note_addresses(addresses)
        print("Starting …", flush=True)
        with Redis(folder=RUN) as redis:
            changing = surroundings(addresses, redis_url=redis.url)
            write_variables(NOW, changing)
            environment = whole_environment(changing)
            try:
                seeded = prepare(environment)
                return run_together(programs(addresses), environment={**environment, "SEEDED": seeded})
            finally:
                NOW.unlink()


def manage(arguments: list[str]) -> int:
    """A management command that sees what `make run` sees: its rows, its keys and, while it is running, its broker."""
    return subprocess.run(
        [*MANAGE, *arguments], cwd=ROOT, env=whole_environment(read_variables(NOW)), check=False
    ).returncode


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == ["manage"]:
        return manage(sys.argv[2:])
    with unwinding_signals(), suppress(KeyboardInterrupt):
        try:
            return run()
        except AlreadyRunningError as other:
            where = f" at {other.addresses.portal}/admin/" if other.addresses else ""
            print(
                f"It is running already{where} (process {other.pid}). To stop it: Ctrl-C in its terminal, or kill {other.pid}"
            )
    return 0


if __name__ == "__main__":
    run_main(main)
