"""The program of `make run` that waits until everything answers and then says where things are: `python -m tools.welcome`.

It looks at rows and ports instead of asking the portal again and again, which would fill the terminal with its own questions.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import time
import urllib.request

import django

from tools.local import LOCK, PANEL_PASSWORD, PANEL_USERNAME, RUN, Addresses
from tools.places import run_main, shown
from tools.ports import LOOPBACK

PATIENCE_SECONDS = 60
NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def missing_parts(addresses: Addresses, *, since: dt.datetime) -> list[str]:
    """What does not answer yet. The workers count when seen after `since`: an earlier run has left its traces too.

    The scheduler is not waited for: its first tick may be a quarter of a minute away.
    """
    from bonusportal.living import look_around

    seen = {part.name: part.seen_at for part in look_around(now=dt.datetime.now(dt.UTC))}
    answers = {
        "portal": _listens(addresses.portal_port),
        "store panel": _listens(addresses.panel_port),
        "shop": _listens(addresses.shop_port),
        "SMS gateway": _listens(addresses.sms_port),
        "CRM": _listens(addresses.crm_port),
        **{name: (seen.get(name) or NEVER) >= since for name in ("worker", "browser")},
    }
    missing = [name for name, answered in answers.items() if not answered]
    return missing or ([] if _is_well(addresses.portal) else ["portal"])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _is_well(portal: str) -> bool:
    try:
        with urllib.request.urlopen(f"{portal}/healthz", timeout=5) as answer:  # noqa: S310 - an address of ours
            return bool(answer.status == 200)
    except OSError:
        return False


def lines(addresses: Addresses, *, seeded: str) -> list[str]:
    """What a person sees when everything answers. `seeded` is what the seeding command said: the demo logins."""
    rows = [
        ("START HERE: the shop, and the way to the rest", f"{addresses.shop}/"),
        ("A customer who has points to spend", "+380000000001"),
        ("Stock board, pools, runs", f"{addresses.portal}/admin/"),
        ("A code for 100 hryvnias", f"curl '{addresses.portal}/get-code?amount=100'"),
        ("The store's admin panel (simulated)", f"{addresses.panel}/edit/   {PANEL_USERNAME} / {PANEL_PASSWORD}"),
        ("Its switches: slow, failing, changed", f"{addresses.panel}/_demo/"),
        ("The phone that gets text messages (simulated)", f"{addresses.sms}/"),
        ("The CRM (simulated): orders and buyers' cards", f"{addresses.crm}/"),
        ("The mirror document", shown(RUN / "mirror" / "promo-codes" / "available_codes.json")),
        ("Management commands", "make manage CMD='pool_state'"),
        ("Stop everything", "Ctrl-C"),
    ]
    width = max(len(about) for about, _where in rows)
    said = [f"  {line}" for line in seeded.splitlines() if line.strip()]
    return ["", "Ready.", *(f"  {about.ljust(width)}  {where}" for about, where in rows), *said, ""]


def main() -> int:
    """Wait, speak, and stay: the end of any program of `make run` ends them all."""
    began = dt.datetime.now(dt.UTC)
    deadline = time.monotonic() + PATIENCE_SECONDS
    django.setup()
    addresses = Addresses(**json.loads(LOCK.read_text())["addresses"])
    while (missing := missing_parts(addresses, since=began)) and time.monotonic() < deadline:
        time.sleep(0.3)  # between two looks; nothing else tells us
    if missing:
        print(f"Still no sign of: {', '.join(missing)}. The lines of the others say why.", flush=True)
    else:
        print("\n".join(lines(addresses, seeded=os.environ.get("SEEDED", ""))), flush=True)
    signal.pause()
    return 0


if __name__ == "__main__":
    run_main(main)
