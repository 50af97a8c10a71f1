"""Theme: the first answer after a cold start, beside a bare Django project with one view in the same kind of package.

Both packages are zappa's, with the same packages beside them and byte code; both are started anew for every figure, with nothing on the path but their
folder, and answer one request for a code from the same database. What AWS adds by itself (fetching the package, the machine, parameters) is not in it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.crews import take_turns
from benchmarks.figures import AtMost, Figure, figure_of_rounds
from benchmarks.ground import Ground
from benchmarks.sizes import Size
from tools.lambda_zip import compiled_module
from tools.places import ROOT
from tools.scratch import scratch_folder
from tools.web_package import LAMBDA_HOST, web_package

AMOUNT = 1100
# The portal's own part of its package; the rest is what pip brought.
_OURS = {
    "bonusportal",
    "promo",
    "bonuses",
    "storefront",
    "keycrm",
    "templates",
    "locale",
    "collected",
    "manage.py",
    "zappa_settings.py",
    "__pycache__",
}
_BARE = ("__init__.py", "handwritten.py", "bare/__init__.py", "bare/settings.py", "bare/urls.py", "bare/wsgi.py")


def measure(ground: Ground, size: Size) -> list[Figure]:
    database = ground.database()
    database.add_codes(amount_uah=AMOUNT, count=1_000)
    database.settle()
    ours = web_package().folder
    with bare_package(ours) as bare:
        starts = {
            "ours": partial(_cold_start, ours, f"/get-code?amount={AMOUNT}", database.url),
            "bare": partial(_cold_start, bare, f"/claim?amount={AMOUNT}", database.url),
        }
        seconds = take_turns(starts, rounds=size.rounds, is_cold_thrown_away=size.warms_up)
    ground.drop(database)
    title = "first GET /get-code after a cold start / a bare Django project's"
    return [figure_of_rounds(title, seconds["ours"], seconds["bare"], target=AtMost(1.5), unit="s")]


@contextmanager
def bare_package(ours: Path) -> Iterator[Path]:
    """Our package with the project in it exchanged for `benchmarks.bare`: same handler, same libraries, byte code."""
    with scratch_folder() as folder:
        for path in ours.iterdir():
            if path.name not in _OURS:
                (folder / path.name).symlink_to(path)
        shutil.copytree(ours / "__pycache__", folder / "__pycache__")
        settings = (ours / "zappa_settings.py").read_text()
        _write_module(folder, "zappa_settings.py", settings.replace("bonusportal.settings", "benchmarks.bare.settings"))
        for name in _BARE:
            _write_module(folder, f"benchmarks/{name}", (ROOT / "benchmarks" / name).read_text())
        yield folder


def _write_module(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    compiled = Path(importlib.util.cache_from_source(str(path)))
    compiled.parent.mkdir(exist_ok=True)
    compiled.write_bytes(compiled_module(name, source.encode()))


def _cold_start(folder: Path, address: str, database_url: str) -> float:
    """Seconds from the first import to the answer. Raises RuntimeError when it is no code."""
    path, _, query = address.partition("?")
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "127.0.0.1", "x-forwarded-proto": "https"},
        "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "GET_CODE_MODE": "open",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT": "True",
        "PORTAL_STAGE": "production",
        "DATABASE_URL": database_url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "VAR_DIR": str(folder.parent),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", str(LAMBDA_HOST), str(folder)],
        input=json.dumps(event) + "\n",
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        check=False,
    )
    answers = [
        json.loads(line.removeprefix("ANSWER ")) for line in done.stdout.splitlines() if line.startswith("ANSWER ")
    ]
    imported, answered = [*answers, {}, {}][:2]
    if answered.get("result", {}).get("statusCode") != 200:
        raise RuntimeError(f"No code came from {folder}: {answered}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return float(imported["seconds"] + answered["seconds"])
