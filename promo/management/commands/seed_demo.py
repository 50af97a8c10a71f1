"""`manage.py seed_demo`: what a first look at the portal needs. Pools with a few codes each, which the simulated panel knows too, customers
with points, whom the simulated CRM knows too, and two staff users.

Local and test stages only; the codes and passwords below are public. May be run any number of times: what is there stays
as it is, codes that were handed out are not replaced. This is the one place of the product that knows the demonstration.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from promo.models import Pool
from promo.services.importing import paste_codes

# Invented, public, and worth nothing anywhere but in the simulated panel.
DEMO_CODES = {
    100: ["BON100K7M2QXW4RT", "BON100HV93DNP6AZ", "BON1005WJ8TYC3EG", "BON100R4ZB6UM9KD", "BON100XN2FA7QH8V"],
    200: ["BON200C8PW3JT5YM", "BON2006DKQ9VR2NB", "BON200ZU4EX7HA8G", "BON200M3YT6CW9PJ", "BON200QB5NF2KD7R"],
    300: ["BON3009VHA4GZ6UX", "BON300E7RM2YQ8TC", "BON300JW5PB3ND9K", "BON300T8XU6FV4HA", "BON3002KCZ7EG5QM"],
}
LOW_WATER, TARGET = 3, 10
# What the shop's customers bring along from before. The batch is marked finished, so their balances go to the CRM.
DEMO_BALANCES = """phone,points,name,email
+380000000001,500,Олена Приклад,olena@customer.example
+380000000002,150,Тарас Зразок,taras@customer.example
"""
BATCH = "demo"
ADMIN, SUPPORT = "admin", "support"
ADMIN_PASSWORD, SUPPORT_PASSWORD = "admin-of-the-demo", "support-of-the-demo"
ACTOR = "demo"


class Command(BaseCommand):
    help = "Fill a local portal with demonstration codes and staff users."

    def add_arguments(self, parser: CommandParser) -> None:
        panel = parser.add_mutually_exclusive_group()
        panel.add_argument(
            "--panel-state",
            type=Path,
            default=settings.VAR_DIR / "panel.json",
            help="state file of the simulated panel while it is not running; default: %(default)s",
        )
        panel.add_argument(
            "--panel-url", help="address of the simulated panel while it is running, e.g. http://127.0.0.1:8001"
        )
        password = settings.DEMO_PASSWORD
        parser.add_argument("--admin-password", default=password or ADMIN_PASSWORD, help="also by DEMO_PASSWORD")
        parser.add_argument("--support-password", default=password or SUPPORT_PASSWORD, help="also by DEMO_PASSWORD")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_LOCAL:
            raise CommandError("seed_demo is for PORTAL_STAGE local and test only: its codes and passwords are public.")
        # The panel first: a code that is available must exist there.
        if options["panel_url"]:
            _tell_running_panel(options["panel_url"])
        else:
            _write_panel_state(options["panel_state"])
        _stock_pools()
        _bring_balances()
        # The shop wants to be seen whole: with points beside its prices.
        call_command("show_points_beside_prices", "--unless-chosen", f"--actor={ACTOR}", "--reason=demonstration", stdout=_Silence())  # fmt: skip
        call_command("seed_groups", verbosity=0, stdout=_Silence())
        logins = [
            _staff_user(ADMIN, options["admin_password"], is_superuser=True),
            _staff_user(SUPPORT, options["support_password"], group="support"),
        ]
        width = max(len(name) for name, _password in logins)
        for name, password in logins:
            self.stdout.write(f"Demo login: {name.ljust(width)}  {password}")


class _Silence:
    def write(self, text: str) -> None:
        pass


def _demo_rows() -> list[dict[str, Any]]:
    return [{"code": code, "amount": amount} for amount, codes in DEMO_CODES.items() for code in codes]


def _tell_running_panel(url: str) -> None:
    import requests

    try:
        answer = requests.post(f"{url.rstrip('/')}/_demo/state", json={"codes": _demo_rows()}, timeout=10)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise CommandError(f"The simulated panel at {url} did not take the demo codes: {error}") from error


def _write_panel_state(path: Path) -> None:
    from demo.panel.state import PanelState

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        state = PanelState(path)
        for row in _demo_rows():
            if state.find(row["code"]) is None:
                state.add_code(row["code"], row["amount"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} could not be used as the simulated panel's state: {error}") from error


def _stock_pools() -> None:
    for amount, codes in DEMO_CODES.items():
        pool, _is_new = Pool.objects.get_or_create(
            amount_uah=amount, defaults={"low_water": LOW_WATER, "target": TARGET}
        )
        # Codes that are known are left alone, in whatever state they are by now.
        paste_codes(
            pool=pool, text="\n".join(codes), actor=ACTOR, reason="demonstration", now=timezone.now(), skip_bad=True
        )


def _bring_balances() -> None:
    """Once: what has become of the points since, or of a customer who was erased, stays as it is."""
    if apps.get_model("bonuses", "ImportBatch").objects.filter(name=BATCH, finished_at__isnull=False).exists():
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".csv") as file:
        file.write(DEMO_BALANCES)
        file.flush()
        call_command("import_balances", file.name, "--finish", f"--batch={BATCH}", stdout=_Silence(), stderr=_Silence())


def _staff_user(name: str, password: str, *, is_superuser: bool = False, group: str = "") -> tuple[str, str]:
    """The login and its password, or a remark where somebody has changed it."""
    users = get_user_model().objects
    user = users.filter(username=name).first()
    if user is None:
        user = users.create_user(username=name, password=password, is_staff=True, is_superuser=is_superuser)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return name, password if user.check_password(password) else "(with the password that was set before)"
