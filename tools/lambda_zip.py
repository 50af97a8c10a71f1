"""What zappa calls while it makes and deploys the web function's zip (`callbacks` of zappa_settings.json).

`finish_zip` adds the static files with hashed names, and byte code: zappa ships none, and compiling a thousand modules anew would make every cold start
several times slower. `open_default_stage` gives the HTTP API addresses without a stage's name in front.

Zappa imports this file by itself, not as part of the package `tools`: only the standard library may be imported at its top.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "var" / "byte-code"
TASK_ROOT = "/var/task"  # where Lambda unpacks the zip; shown in tracebacks
COLLECTED = "collected"
# In a zip they mean that the wrong virtual environment was active, or that a secret is on its way out.
MUST_NOT_SHIP = ("playwright/", "pytest/", "mypy/", "greenlet/", "gunicorn/", ".env", "var/", ".git/")
# PEP 552: a hash instead of a date, and not to be checked. Unpacking gives every file a new date, so byte code by date would count as stale.
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")


class PackageRefused(Exception):
    """The zip holds what must not leave this machine, or lacks what it needs."""


def finish_zip(cli: Any) -> None:
    """`callbacks.zip`: the zip lies at `cli.zip_path`, and is uploaded next."""
    path = Path(cli.zip_path)
    refuse_strangers(path)
    with tempfile.TemporaryDirectory() as folder:
        collect_static(Path(folder))
        add_folder(path, Path(folder) / "static", COLLECTED)
    add_byte_code(path)


def open_default_stage(cli: Any) -> None:
    """`callbacks.post`: zappa's only stage has its name in every address (`/web/get-code`); the stage `$default` has none."""
    if not cli.use_apigateway:
        return
    gateway = cli.zappa.boto_client("apigatewayv2")
    api_id = cli.zappa.get_api_id(cli.lambda_name, apigateway_version=cli.apigateway_version)
    if "$default" not in {stage["StageName"] for stage in gateway.get_stages(ApiId=api_id)["Items"]}:
        gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    print(f"Without a stage's name: {gateway.get_api(ApiId=api_id)['ApiEndpoint']}")


def refuse_strangers(path: Path) -> None:
    """Raises PackageRefused."""
    with zipfile.ZipFile(path) as archive:
        found = {word for word in MUST_NOT_SHIP for name in archive.namelist() if name.startswith(word)}
    if found:
        raise PackageRefused(
            f"The zip holds {', '.join(sorted(found))}. Package from the web function's own environment: "
            "python3 -m tools.web_environment says how."
        )


def collect_static(folder: Path) -> None:
    """The staff pages' files under hashed names, with their manifest, into `folder`/static."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bonusportal.settings",
        "PORTAL_STAGE": "packaging",
        "SECRET_KEY": "signs nothing while files are collected",
        "DATABASE_URL": "sqlite://:memory:",
        "VAR_DIR": str(folder),
    }
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackageRefused(f"The static files could not be collected.\n{done.stdout}{done.stderr}")


def add_folder(path: Path, folder: Path, inside: str) -> None:
    """Put the files of a folder into the zip, below `inside`."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                _write(archive, f"{inside}/{file.relative_to(folder)}", file.read_bytes())


def add_byte_code(path: Path) -> int:
    """Put `__pycache__/….pyc` beside every module that has none. Returns how many were added.

    What was compiled is kept by its content, so that the next package compiles only what changed.
    """
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        names = set(archive.namelist())
        wanted = {name: importlib.util.cache_from_source(name) for name in sorted(names) if name.endswith(".py")}
        missing = {name: compiled for name, compiled in wanted.items() if compiled not in names}
        for name, compiled in missing.items():
            _write(archive, compiled, compiled_module(name, archive.read(name)))
    return len(missing)


def compiled_module(name: str, source: bytes) -> bytes:
    """A `.pyc` for the running Python, which must be the version that Lambda runs (zappa takes the runtime from it)."""
    word = hashlib.sha256(b"\0".join([name.encode(), importlib.util.MAGIC_NUMBER, source])).hexdigest()
    kept = KEPT / word[:2] / word
    if kept.exists():
        return kept.read_bytes()
    code = compile(source, f"{TASK_ROOT}/{name}", "exec", dont_inherit=True)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    compiled = header + marshal.dumps(code)
    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = kept.with_name(f"{word}.{os.getpid()}")
    beside.write_bytes(compiled)
    beside.replace(kept)
    return compiled


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name)  # dated 1980, so that the same content makes the same zip
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
