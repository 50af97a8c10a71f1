"""The gateway's memory: messages, switches and counters, behind one lock. Nothing is kept between runs: it holds codes."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from demo.switching import SwitchSet, switch

# Invented, public, and good for nothing but this gateway.
DEMO_KEY = "demo-sms-key"
KEPT_MESSAGES = 500


@dataclass(frozen=True)
class Switches(SwitchSet):
    """The defaults are a gateway that works. Times are in seconds."""

    GROUPS = {"gateway": ("Шлюз", "Gateway")}

    slow_seconds: float = switch(0.0, "Відповідь через, с", "Answers after, s", group="gateway")
    outcome: str = switch(
        "normal",
        "Що стається з повідомленням",
        "What becomes of a message",
        group="gateway",
        choices=("normal", "fails_500", "fails_503", "accepted_but_lost", "sent_then_500", "sent_twice", "too_many"),
    )
    outcome_every: int = switch(1, "…з кожним N-м", "…to every N-th", group="gateway")
    key_refused: bool = switch(False, "Ключ не приймається (401)", "The key is refused (401)", group="gateway")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outcome_every < 1:
            raise ValueError("outcome_every counts messages and starts at 1")


@dataclass(frozen=True)
class Message:
    """A text that has reached a phone: 380 and nine digits."""

    id: str
    to: str
    text: str
    sender: str
    at: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SmsState:
    """One gateway and every phone. Safe to use from several threads.

    `counters` tells what has happened: accepted, lost, refused, failed.
    """

    def __init__(
        self, *, key: str = DEMO_KEY, switches: Switches | None = None, clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self.key, self.clock = key, clock
        self.counters: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._switches = switches or Switches()
        self._messages: list[Message] = []
        self._tries = 0

    def deliver(self, to: str, text: str, sender: str) -> Message:
        """Put a message on its phone."""
        with self._lock:
            message = Message(secrets.token_hex(8), to, text, sender, self.clock())
            self._messages = [*self._messages, message][-KEPT_MESSAGES:]
            return message

    def messages(self, *, to: str | None = None) -> list[Message]:
        """What has arrived, oldest first; of one phone when `to` is given, in whatever form."""
        wanted = phone_digits(to) if to is not None else None
        with self._lock:
            return [one for one in self._messages if wanted in (None, one.to)]

    def clear(self) -> None:
        with self._lock:
            self._messages = []

    def outcome(self) -> str:
        """What becomes of the next message, counted since the switches were last turned."""
        with self._lock:
            self._tries += 1
            return self._switches.outcome if self._tries % self._switches.outcome_every == 0 else "normal"

    @property
    def switches(self) -> Switches:
        return self._switches

    def set_switches(self, **changes: Any) -> Switches:
        """Turn some switches now; the others stay. Raises ValueError for an unknown name or value."""
        return self.replace_switches(self._switches.with_changes(changes))

    def replace_switches(self, switches: Switches) -> Switches:
        with self._lock:
            self._switches, self._tries = switches, 0
            return switches

    def count(self, what: str) -> None:
        with self._lock:
            self.counters[what] += 1


def phone_digits(phone: str) -> str:
    """380 and nine digits, from a number with or without the plus; empty for anything else."""
    digits = phone.removeprefix("+")
    is_one = digits.isascii() and digits.isdigit() and len(digits) == 12 and digits.startswith("380")
    return digits if is_one else ""
