"""A Chromium and the driver that steers it: getting the one, checking the other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.binaries import chromium_program
from tools.debian import install_packages, is_debian_root
from tools.environment import run_logged
from tools.places import VENV, Refusal, venv_program

# Playwright's driver needs libatomic1, Ukrainian letters need a font, and where the kernel lends no user namespaces the
# browser's sandbox needs its helper; Debian's browser asks for none of them.
_DEBIAN_PACKAGES = ("chromium-headless-shell", "chromium-sandbox", "fonts-dejavu-core", "libatomic1")
_WAYS = """There is no Chromium here, and the portal works the store's admin panel through one. Any of these helps:
    sudo apt-get install chromium-headless-shell    (Debian)
    .venv/bin/playwright install chromium           (elsewhere, where the internet is open)
    CHROMIUM_PATH=/path/to/chrome make run          (one that is somewhere else)"""
_ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
)


def get_chromium(*, log: Path) -> Path:
    """Install a Chromium without a window: from Debian where we may, else the one Playwright downloads.

    Raises `Refusal` with every way out when neither works.
    """
    if is_debian_root():
        install_packages(_DEBIAN_PACKAGES, log=log)
        found = chromium_program()
    else:
        print("Getting Chromium …", flush=True)
        downloaded = run_logged([venv_program("playwright"), "install", "chromium"], log=log) == 0
        found = playwright_chromium() if downloaded else None
    if not found:
        raise Refusal(_WAYS)
    return found


def is_worth_replacing(browser: Path) -> bool:
    """Whether Debian has the lighter browser for a machine that came with the whole one. What a person named stays."""
    return browser.name == "chromium" and not os.environ.get("CHROMIUM_PATH") and is_debian_root()


def playwright_chromium() -> Path | None:
    """The browser that Playwright downloaded, when it did."""
    asked = [str(venv_program("python")), "-c", _ASK_PLAYWRIGHT]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    found = Path(answer.stdout.strip())
    return found if answer.returncode == 0 and found.is_file() else None


def check_playwright(*, log: Path) -> None:
    """Make sure that Playwright's driver starts.

    Raises `Refusal` with its own words; Playwright itself would only say that a connection was closed.
    """
    node = next(VENV.glob("lib/python3*/site-packages/playwright/driver/node"))
    answer = _version(node)
    if answer.returncode != 0 and "libatomic" in answer.stderr and is_debian_root():
        install_packages(["libatomic1"], log=log)
        answer = _version(node)
    if answer.returncode != 0:
        words = answer.stderr.strip()
        raise Refusal(f"Playwright's driver does not start here: {words}\nOn Debian: sudo apt-get install libatomic1")


def _version(program: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
