"""What the programs of `make run` are told: addresses, folders, and secrets that are made once and kept in `var/run`."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from demo.crm.samples import DEMO_TOKEN as CRM_KEY
from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME
from demo.sms.state import DEMO_KEY as SMS_KEY
from tools.binaries import chromium_program
from tools.places import VAR, Refusal
from tools.ports import LOOPBACK, free_port, is_port_free, port_taken_sentence

RUN = VAR / "run"
LOCK = RUN / "lock"
ENV = RUN / "env"
NOW = RUN / "now.env"
PANEL_USERNAME, PANEL_PASSWORD = DEMO_USERNAME, DEMO_PASSWORD


@dataclass(frozen=True)
class Addresses:
    """Where the portal and the simulated services around it listen, on this machine only."""

    portal_port: int
    panel_port: int
    shop_port: int
    sms_port: int
    crm_port: int

    @property
    def portal(self) -> str:
        return f"http://{LOOPBACK}:{self.portal_port}"

    @property
    def panel(self) -> str:
        return f"http://{LOOPBACK}:{self.panel_port}"

    @property
    def shop(self) -> str:
        return f"http://{LOOPBACK}:{self.shop_port}"

    @property
    def sms(self) -> str:
        return f"http://{LOOPBACK}:{self.sms_port}"

    @property
    def crm(self) -> str:
        return f"http://{LOOPBACK}:{self.crm_port}"


class AlreadyRunningError(Exception):
    """Another `make run` of this checkout is running. `addresses` is None when it has not got that far."""

    def __init__(self, *, pid: int, addresses: Addresses | None) -> None:
        super().__init__(f"running already as process {pid}")
        self.pid = pid
        self.addresses = addresses


def wanted_port(text: str) -> int:
    """PORT as a number. Raises `Refusal` for anything that is none."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise Refusal(f"PORT must be a number below 65536, not {text!r}.")
    return int(text)


def choose_addresses(port: int) -> Addresses:
    """The portal where it is wanted, the simulated services at the ports after it, or at any free one when that is taken.

    Raises `Refusal` when the portal's own port is taken.
    """
    if not is_port_free(port):
        raise Refusal(port_taken_sentence(port))
    chosen = [port]
    for beside, _field in enumerate(fields(Addresses)[1:], start=port + 1):
        wanted = beside if beside < 65_536 and is_port_free(beside) else None
        while wanted is None or wanted in chosen:
            wanted = free_port()
        chosen.append(wanted)
    return Addresses(*chosen)


@contextmanager
def only_one(lock: Path = LOCK) -> Iterator[None]:
    """Hold the lock of this checkout. The system drops it when we end, however that happens.

    Raises AlreadyRunningError when somebody else holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _running_one(lock) from None
        held.truncate(0)
        json.dump({"pid": os.getpid()}, held)
        held.flush()
        yield


def note_addresses(addresses: Addresses, lock: Path = LOCK) -> None:
    """Write down, in the lock that we hold, what a second `make run` should point to."""
    lock.write_text(json.dumps({"pid": os.getpid(), "addresses": asdict(addresses)}))


def _running_one(lock: Path) -> AlreadyRunningError:
    try:
        said = json.loads(lock.read_text())
    except ValueError:  # it is just being written
        said = {}
    where = said.get("addresses")
    return AlreadyRunningError(pid=said.get("pid", 0), addresses=Addresses(**where) if where else None)


def kept_secrets(path: Path = ENV) -> dict[str, str]:
    """This checkout's own keys: made the first time, read afterwards. Readable by their owner only."""
    kept = read_variables(path)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "KEYCRM_WEBHOOK_SECRETS": secrets.token_urlsafe(24),
    }
    if set(made) - set(kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_variables(path, {**made, **kept})
    return read_variables(path)


def write_variables(path: Path, variables: dict[str, str]) -> None:
    """NAME=value, one a line."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))


def read_variables(path: Path) -> dict[str, str]:
    """What `write_variables` wrote; nothing when the file is not there."""
    if not path.exists():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def surroundings(addresses: Addresses, *, redis_url: str) -> dict[str, str]:
    """What changes from start to start."""
    chromium = chromium_program()
    return {
        "REDIS_URL": redis_url,
        "PANEL_URL": f"{addresses.panel}/edit/discounts/codes",
        "PANEL_USERNAME": PANEL_USERNAME,
        "PANEL_PASSWORD": PANEL_PASSWORD,
        "STOREFRONT_ORIGINS": addresses.shop,
        "SMS_GATEWAY_URL": f"{addresses.sms}/messages",
        "SMS_GATEWAY_KEY": SMS_KEY,
        "SMS_SENDER": "Lastivka",
        "KEYCRM_BASE_URL": f"{addresses.crm}/v1",
        "KEYCRM_API_TOKEN": CRM_KEY,
        # Read by the simulated CRM only; in life a person types it into the CRM's automation.
        "DEMO_CRM_WEBHOOK_URL": f"{addresses.portal}/webhooks/keycrm/{kept_secrets()['KEYCRM_WEBHOOK_SECRETS']}",
        **({"CHROMIUM_PATH": str(chromium)} if chromium else {}),
    }


def whole_environment(changing: dict[str, str]) -> dict[str, str]:
    """Our own environment with the local portal's on top. A developer's `.env` changes nothing here: what is set wins over it."""
    fixed = {
        "PORTAL_STAGE": "local",
        "DJANGO_SETTINGS_MODULE": "bonusportal.settings",
        "VAR_DIR": str(RUN),
        "DATABASE_URL": "",
        "S3_BUCKET": "",
        "PYTHONUNBUFFERED": "1",
        # Celery's remark about root is for servers; this is somebody's own machine.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    return {**os.environ, **fixed, **kept_secrets(), **changing}
