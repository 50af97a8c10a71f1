"""What the ledger asks of the outside: a place where the chain's head can be put and never be changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class AnchorStore(Protocol):
    """Objects that can be created but neither overwritten nor deleted by whoever runs the portal."""

    def create(self, name: str, content: bytes) -> None:
        """Raises AnchorExists where an object of that name is there, AnchorUnavailable where the outcome is unknown."""

    def read(self, name: str) -> bytes | None:
        """The object's content; None where there is none. Raises AnchorUnavailable."""

    def names(self) -> Iterator[str]:
        """Names of all anchors, in order. Raises AnchorUnavailable."""
