"""A packaged function running in a process of its own, with nothing on its path but its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools import zappa_settings
from tools.web_package import LAMBDA_HOST


class FunctionFailed(Exception):
    """The function raised; the service would try again. `kind` is the name of its exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Function:
    """Made by `running_function`."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self.import_seconds: float = self._answer()["seconds"]

    def send(self, event: Mapping[str, Any]) -> Any:
        """What the function returned. Raises FunctionFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise FunctionFailed(answer["error"], answer["message"])
        return answer["result"]

    def end(self) -> dict[str, list[str]]:
        """Close it. Returns what it had imported: `modules`, and `foreign`, the files that did not come out of its folder."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        last = self._answer()
        self._process.wait(timeout=30)
        return last

    def told(self) -> str:
        """Everything that it printed and logged so far."""
        return self._log.read_text()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        with self._log.open("a") as log:
            for line in self._process.stdout:
                if line.startswith("ANSWER "):
                    found: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                    return found
                log.write(line)
        raise AssertionError(f"The function's process ended.\n{self.told()[-3000:]}")


@contextmanager
def running_function(folder: Path, *, environment: Mapping[str, str], log: Path) -> Iterator[Function]:
    """A cold start. `-I -S -B`: no site-packages, no environment of Python's own, nothing written."""
    log.touch()
    command = [sys.executable, "-I", "-S", "-B", str(LAMBDA_HOST), str(folder)]
    with (
        log.open("a") as err,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env=dict(environment),
            cwd="/",
        ) as process,
    ):
        try:
            yield Function(process, log)
        finally:
            process.kill()


def environment_of(stage: str, aws: Mapping[str, str]) -> dict[str, str]:
    """What Lambda tells the function of a stage: its own variables, the settings' variables, and where AWS is."""
    its = zappa_settings.read()[stage]
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "AWS_LAMBDA_FUNCTION_NAME": f"bonusportal-{stage}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_REGION": its["aws_region"],
        **its["aws_environment_variables"],
        **aws,
    }
