"""The real `zappa`, run as the user who deploys, and the functions as that user may call them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.places import ROOT, VAR, VENV, Refusal, venv_program
from tools.rehearsal.account import Account
from tools.web_environment import web_environment
from tools.web_package import NO_INTERNET

BROWSER_PACKAGES = ("playwright", "greenlet", "pyee", "typing_extensions")


def zappa(account: Account, verb: str, *arguments: str, stage: str = "web") -> str:
    """Run one command; what it said. Raises `Refusal` with all of it when it failed."""
    command = [str(venv_program("zappa")), verb, "-s", str(account.settings_file), *_words(verb, stage, arguments)]
    surroundings = {**os.environ, **NO_INTERNET, **account.variables, "VIRTUAL_ENV": str(_packages_of(account, stage))}
    before = set(_leftovers())
    try:
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    finally:
        for path in set(_leftovers()) - before:
            path.unlink()
    said = done.stdout + done.stderr
    if done.returncode != 0 or "Traceback" in said:
        raise Refusal(f"zappa {verb} {stage} failed.\n{said[-6000:]}")
    return said


def run_in(account: Account, stage: str, event: dict[str, Any], *, client: Any = None) -> Any:
    """Invoke the function of a stage, by default as the user who deploys; what it returned. Raises RuntimeError with its error."""
    caller = client or account.client("lambda")
    answer = caller.invoke(FunctionName=f"bonusportal-{stage}", Payload=json.dumps(event))
    found = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise RuntimeError(f"{found.get('errorType')}: {found.get('errorMessage')}")
    return found


def _leftovers() -> Iterator[Path]:
    """What zappa leaves in the checkout when it fails on the way."""
    yield from ROOT.glob("bonusportal-*.zip")
    yield from ROOT.glob("bonusportal-*-template-*.json")


def _words(verb: str, stage: str, arguments: tuple[str, ...]) -> list[str]:
    """`manage` takes everything behind the stage for itself, `invoke` runs what stands there as Python; the others want their options in front."""
    match verb:
        case "manage":
            return [stage, *arguments]
        case "invoke":
            return ["--raw", stage, *arguments]
        case _:
            return [*arguments, stage]


def _packages_of(account: Account, stage: str) -> Path:
    web = web_environment(log=VAR / "setup.log")
    web.install()
    if stage == "web":
        return web.folder
    return _with_the_browsers_packages(web.folder, account.folder / "worker-packages")


def _with_the_browsers_packages(web: Path, folder: Path) -> Path:
    """The web function's packages and Playwright's, as links in a folder that looks to zappa like a virtual environment."""
    (source,) = web.glob("lib/python3*/site-packages")
    target = folder / source.relative_to(web)
    if not target.exists():
        target.mkdir(parents=True)
        (ours,) = VENV.glob("lib/python3*/site-packages")
        for path in [*source.iterdir(), *(path for name in BROWSER_PACKAGES for path in ours.glob(f"{name}*"))]:
            link = target / path.name
            if not link.exists():
                link.symlink_to(path)
    return folder
