"""The web function's own virtual environment: what zappa packs. `python3 -m tools.web_environment` installs it and says how to use it.

Zappa packs the environment that is active, whole; in the developer's one that would be the tests, the browser and the type checker.
"""

from __future__ import annotations

from pathlib import Path

from tools.environment import Environment
from tools.places import ROOT, VAR, run_main, shown

# The dot keeps it out of zappa's own search through the project for a use of web sockets: it would find itself in here.
FOLDER = VAR / ".web"


def web_environment(*, log: Path) -> Environment:
    """Of the Python that runs this, which is the one that Lambda will run: zappa takes the runtime from it."""
    return Environment(folder=FOLDER, requirements=[ROOT / "requirements-web.txt"], log=log, is_run=False)


def main() -> int:
    """The command line."""
    environment = web_environment(log=VAR / "setup.log")
    environment.install()
    print(f"source {shown(environment.folder)}/bin/activate && zappa update web")
    return 0


if __name__ == "__main__":
    run_main(main)
