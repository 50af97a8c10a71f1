"""Shows a message where the worker runs: for a developer's machine, never for a deployed stage (storefront.wiring)."""

from __future__ import annotations

import sys
from typing import TextIO


class Console:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def send(self, *, to: str, text: str) -> str:
        print(f"\n  → {to}: {text}\n", file=self._stream, flush=True)
        return ""
