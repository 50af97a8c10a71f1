"""What the storefront needs of the outside world: somebody who carries a short text to a phone or an address."""

from __future__ import annotations

from typing import Protocol


class Messenger(Protocol):
    """Carries one text. Raises MessageTemporary, MessengerRefusesUs, MessagePermanent."""

    def send(self, *, to: str, text: str) -> str:
        """The messenger's own number of the message, or "" where it has none."""
        ...
