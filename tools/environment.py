"""Virtual environments that are installed once and again only when their requirements change."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.children import end_of_log
from tools.debian import install_packages, is_debian_root
from tools.places import ROOT, Refusal, shown

_INCLUDED = re.compile(r"^\s*(?:-r|-c)\s+(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Environment:
    """One virtual environment: where it lives, what it is made of, and the log that its installers write to.

    `is_run`: programs are started from it again and again, so all of it is compiled. Of one that is only packed nothing is.
    """

    folder: Path
    requirements: Sequence[Path]
    log: Path
    is_run: bool = True

    def install(self) -> None:
        """Make the environment what the requirements say. Says so on the screen only when there is something to do.

        Raises `Refusal` with the end of the log when an installer fails.
        """
        wanted = [fingerprint(self.requirements), str(self.folder.resolve())]
        if self.works() and self._stamped() == wanted:
            return
        began = time.monotonic()
        print(f"Installing Python packages into {shown(self.folder)} …", flush=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not (uv := shutil.which("uv")) or not self._install_with_uv(uv):
            self._install_with_pip()
        self._stamp.write_text("\n".join(wanted))
        print(f"  done in {time.monotonic() - began:.0f} s", flush=True)

    @property
    def python(self) -> Path:
        """The interpreter inside."""
        return self.folder / "bin" / "python"

    @property
    def _stamp(self) -> Path:
        return self.folder / ".installed-from"

    def _stamped(self) -> list[str]:
        return self._stamp.read_text().splitlines() if self._stamp.exists() else []

    def works(self) -> bool:
        """Whether its programs start: not when the Python it was made from has gone, nor after the folder was moved."""
        if not self.python.exists():
            return False
        if self._stamped()[1:] not in ([], [str(self.folder.resolve())]):
            return False  # the programs inside name the place where they were installed
        return subprocess.run([self.python, "-c", ""], capture_output=True, check=False).returncode == 0

    def _install_with_uv(self, uv: str) -> bool:
        """Several times faster than pip. False when it failed: pip, which every machine has, may still do it."""
        # zappa needs pip inside
        make: list[str | Path] = [uv, "venv", "--quiet", "--clear", "--seed", "--python", sys.executable, self.folder]
        install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", self.python]
        compiled = ["--compile-bytecode"] if self.is_run else []
        return (self.works() or self._attempt(make)) and self._attempt(
            [*install, *compiled, *self._requirement_arguments]
        )

    def _install_with_pip(self) -> None:
        if not self.works():
            _require_ensurepip(log=self.log)
            self._must([sys.executable, "-m", "venv", "--clear", self.folder])
        quietly = ("--quiet", "--disable-pip-version-check", "--no-input")
        self._must([self.python, "-m", "pip", "install", "--no-compile", *quietly, *self._requirement_arguments])
        if self.is_run:
            # With all cores, where pip takes one. Its status says that some package holds a file of another Python: nobody will import it.
            self._attempt([self.python, "-m", "compileall", "-q", "-j", "0", self.folder / "lib"])

    @property
    def _requirement_arguments(self) -> list[str]:
        return [word for path in self.requirements for word in ("-r", str(path))]

    def _attempt(self, command: Sequence[str | Path]) -> bool:
        return run_logged(command, log=self.log) == 0

    def _must(self, command: Sequence[str | Path]) -> None:
        if not self._attempt(command):
            raise Refusal(f"Installing Python packages into {shown(self.folder)} failed.{end_of_log(self.log)}")


def fingerprint(requirements: Iterable[Path]) -> str:
    """What the environment depends on, as one string: the files' contents, those they include, and the Python version."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    waiting = list(requirements)
    while waiting:
        path = waiting.pop(0)
        text = path.read_text()
        digest.update(text.encode())
        waiting += [path.parent / name for name in _INCLUDED.findall(text)]
    return digest.hexdigest()


def run_logged(command: Sequence[str | Path], *, log: Path) -> int:
    """Run an installer with everything it says going to the log. Returns its exit status."""
    words = [str(word) for word in command]
    with log.open("a") as out:
        print("$", *words, file=out, flush=True)
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=os.environ, check=False
        )
    return done.returncode


def _require_ensurepip(*, log: Path) -> None:
    """Debian's Python comes without the part that makes virtual environments."""
    if importlib.util.find_spec("ensurepip"):
        return
    package = f"python3.{sys.version_info.minor}-venv"
    if not is_debian_root():
        raise Refusal(f"Python here cannot make virtual environments. Type: sudo apt-get install {package}")
    install_packages([package], log=log)
