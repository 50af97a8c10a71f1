"""What crosses between services, client and the shared line, as protocols. No Django, no HTTP."""

from __future__ import annotations

from typing import Protocol

from keycrm.payloads import CustomField, Order, OrderStatus, Page, Source


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


class CrmLists(Protocol):
    """The lists of the CRM that services look things up in. `KeyCrm` is one."""

    def statuses(self) -> tuple[OrderStatus, ...]: ...
    def sources(self) -> tuple[Source, ...]: ...
    def custom_fields(self, *models: str) -> tuple[CustomField, ...]: ...


class CrmToTest(CrmLists, Protocol):
    """What the connection test asks besides."""

    def orders(self, *, limit: int = 50) -> Page[Order]: ...
    def pipelines_are_on(self) -> bool: ...
