"""Write down the version of every installed package in `constraints.txt`, so that what pip adds by itself stays the same too."""

from __future__ import annotations

import subprocess

from tools.places import ROOT, run_main, venv_program

_HEADER = "# Every package of a working environment, also those that others bring along. Written by `make lock`.\n"


def main() -> int:
    """Ask the virtual environment and write the file."""
    asked = [str(venv_program("pip")), "freeze", "--local", "--exclude", "pip", "--disable-pip-version-check"]
    installed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    (ROOT / "constraints.txt").write_text(_HEADER + installed)
    return 0


if __name__ == "__main__":
    run_main(main)
