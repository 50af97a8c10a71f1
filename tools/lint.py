"""`make lint`: style, types, templates and forgotten migrations. Runs all of them, so that one call shows everything."""

from __future__ import annotations

import subprocess
import time

from tools.places import ROOT, run_main, venv_program

CHECKS = {
    "style": ["ruff", "check", "."],
    "formatting": ["ruff", "format", "--check", "."],
    "types": ["mypy", "."],
    "templates": ["djlint", "templates", "--lint", "--quiet"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
}


def main() -> int:
    """Run the checks; what one of them says is shown only when it finds something."""
    failed = []
    for title, (program, *arguments) in CHECKS.items():
        began = time.monotonic()
        done = subprocess.run(
            [str(venv_program(program)), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        good = done.returncode == 0
        print(f"{title:<11} {'ok' if good else 'NOT OK'} ({time.monotonic() - began:.0f} s)", flush=True)
        if not good:
            failed.append(title)
            print(done.stdout + done.stderr, flush=True)
    if failed:
        print(f"To be put right: {', '.join(failed)}. `make format` does part of it.")
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
