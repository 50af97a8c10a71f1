"""`make run`: the portal, its worker and scheduler, a Redis and the simulated world around it, in one terminal.

`python -m tools.run manage COMMAND…` runs a management command in the same surroundings.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from bonusportal.schedules import CRM_QUEUE, DEFAULT_QUEUE, PANEL_QUEUE
from demo.crm.samples import DEMO_TOKEN as CRM_KEY
from tools.children import unwinding_signals
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
from tools.together import Together

MANAGE = [str(venv_program("python")), str(ROOT / "manage.py")]


def programs(addresses: Addresses) -> dict[str, list[str]]:
    """Everything that runs side by side, by the name that stands before its lines."""
    python, gunicorn = str(venv_program("python")), str(venv_program("gunicorn"))
    celery = [str(venv_program("celery")), "--quiet", "-A", "bonusportal.celery"]
    worker = [*celery, "worker", "--loglevel", "INFO"]
    return {
        "web": [
            *(gunicorn, "bonusportal.wsgi", "--bind", f"127.0.0.1:{addresses.portal_port}"),
            *("--worker-class", "gthread", "--workers", "1", "--threads", "8", "--graceful-timeout", "3"),
            *("--log-level", "warning", "--no-control-socket"),
        ],
        # The CRM's queue would deserve a worker of its own; on one's own machine nobody waits.
        "worker": [
            *(*worker, "--queues", f"{DEFAULT_QUEUE},{CRM_QUEUE}"),
            *("--hostname", "worker@%h", "--concurrency", "2"),
        ],
        # Of its own, so that nothing waits behind a run at the panel, which takes minutes.
        "browser": [*worker, "--queues", PANEL_QUEUE, "--hostname", "browser@%h", "--concurrency", "1"],
        "beat": [*celery, "beat", "--loglevel", "WARNING"],
        "panel": [
            *(python, "-m", "demo.panel", "--port", str(addresses.panel_port)),
            *("--state", str(RUN / "panel.json"), "--samples"),
        ],
        "shop": [
            *(python, "-m", "demo.shop", "--port", str(addresses.shop_port)),
            *("--state", str(RUN / "shop.json"), "--hint"),
            *("--portal", addresses.portal, "--panel", addresses.panel, "--sms", addresses.sms),
            *("--crm", addresses.crm, "--crm-api", f"{addresses.crm}/v1", "--crm-key", CRM_KEY),
        ],
        "sms": [python, "-m", "demo.sms", "--port", str(addresses.sms_port)],
        "crm": [
            *(python, "-m", "demo.crm", "--port", str(addresses.crm_port)),
            *("--state", str(RUN / "crm.json"), "--samples"),
        ],
        "portal": [python, "-m", "tools.welcome"],
    }


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
                # A run in the browser must not see the store vanish before itself: that would count as the store's failure.
                return Together(
                    programs(addresses), environment={**environment, "SEEDED": seeded}, cwd=ROOT, last=["panel"]
                ).run()
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
            where = f" at {other.addresses.shop}/" if other.addresses else ""
            print(
                f"It is running already{where} (process {other.pid}). To stop it: Ctrl-C in its terminal, or kill {other.pid}"
            )
    return 0


if __name__ == "__main__":
    run_main(main)
