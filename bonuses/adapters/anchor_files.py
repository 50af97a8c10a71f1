"""Anchors as read-only files in a folder, for a laptop. In the cloud the bucket does it with a policy and object lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bonuses.errors import AnchorExists, AnchorUnavailable


class AnchorFiles:
    """An AnchorStore. `folder` is made when the first anchor is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str, content: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A link is made or not, at once: a crash in the middle of writing leaves no half an anchor under its name.
            draft = self._folder / f".{name}.{os.getpid()}"
            draft.write_bytes(content)
            draft.chmod(0o444)
            try:
                os.link(draft, self._folder / name)
            finally:
                draft.unlink()
        except FileExistsError as error:
            raise AnchorExists(name) from error
        except OSError as error:
            raise AnchorUnavailable(str(error)) from error

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AnchorUnavailable(str(error)) from error

    def names(self) -> Iterator[str]:
        if self._folder.is_dir():
            yield from sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))
