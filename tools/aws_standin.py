"""The stand-in for AWS (ministack) on the loopback address, with policies enforced; gone with the program that asked for it."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.binaries import ministack_program
from tools.children import Child, start_child, stop_child, wait_until_ready
from tools.ports import LOOPBACK, free_port
from tools.scratch import scratch_folder

REGION = "eu-north-1"
ROOT_KEY = "test"  # of an account that exists only inside the stand-in


class AwsStandIn:
    """One server with buckets and queues of its own, empty at the start. A context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self._resources = ExitStack()
        self._child: Child | None = None

    @property
    def endpoint(self) -> str:
        """The address that stands for every AWS service."""
        return f"http://{LOOPBACK}:{self.port}"

    def environment(self) -> dict[str, str]:
        """What boto3, zappa, kombu and the `aws` command have to be told to use this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self) -> Self:
        with self._resources as resources:
            # Outside the checkout: functions are unpacked there, and zappa searches the whole checkout for certain imports.
            self.folder = resources.enter_context(scratch_folder(base=Path(tempfile.gettempdir())))
            resources.callback(self.stop)
            self.start()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "ministack.log"
        environment = {  # and nothing else of ours: it listens to names like LOG_LEVEL too
            "PATH": os.environ.get("PATH", os.defpath),
            "BIND_HOST": LOOPBACK,  # its default is every interface
            "GATEWAY_PORT": str(self.port),
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
        }
        self._child = start_child([ministack_program()], log=log, env=environment, cwd=self.folder)
        wait_until_ready(self._answers, child=self._child, name="The stand-in for AWS", log=log)

    def stop(self) -> None:
        """Stop the server; what was stored is gone."""
        if self._child:
            stop_child(self._child, patience_seconds=3)
            self._child = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
