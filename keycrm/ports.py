"""What the client needs of the outside of its call: the one line to the CRM that all processes share. A protocol, no Django."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """The CRM counts calls of all our processes together, so whoever wants to call asks here first and tells afterwards what came of it."""

    def take_turn(self, *, urgent: bool, within_seconds: float) -> None:
        """Return when a call may go out now. Raises RateLimited (no turn within the time) or CrmUnavailable (the breaker is open)."""
        ...

    def saw_answer(self) -> None:
        """The CRM answered, whatever it said."""
        ...

    def saw_no_answer(self, what: str) -> None:
        """No connection, no answer in time, or a 5xx. `what` is one word for staff."""
        ...

    def saw_limit(self, *, wait_seconds: float) -> None:
        """The CRM said 429: nobody calls for so long."""
        ...


class OpenLine:
    """No limit and no breaker: for a command that calls once, and for tests of other things."""

    def take_turn(self, *, urgent: bool, within_seconds: float) -> None:
        return

    def saw_answer(self) -> None:
        return

    def saw_no_answer(self, what: str) -> None:
        return

    def saw_limit(self, *, wait_seconds: float) -> None:
        return
