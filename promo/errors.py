"""What can go wrong with codes, panel and mirror, drawn as a tree.

PortalError
├── AmountInvalid · AmountMissing            400
├── ExportInvalid                            400
├── PoolUnknown · PoolEmpty                  404
└── DailyCapReached                          429
PanelError                                   never reaches a shopper
├── PanelTemporary    slow, maintenance, layout, drifting …  → the run fails, the pool cools down
│   ├── CodeRefused       refused, duplicate                 → read back, go on with the next code
│   └── OutcomeUnknown    a save without an answer           → read back before anything else
└── PanelNeedsPerson  wrong_password, captcha, second_factor → the panel is blocked until a person says so
MirrorError
├── MirrorConflict    somebody wrote in between: look again
└── MirrorUnavailable nothing is known: try later
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput, Conflict, NotFound, TooMany


class ExportInvalid(BadInput):
    """The days of an export are the wrong way round."""

    def __init__(self) -> None:
        super().__init__(_("The last day is before the first one."), code="export_invalid")


class PoolUnknown(NotFound):
    """There is no pool of this amount."""

    code = "pool_unknown"

    def __init__(self, amount_uah: int, *, nearby: Sequence[int] = ()) -> None:
        super().__init__(
            _("There are no promo codes of %(amount)d UAH.") % {"amount": amount_uah}, details={"nearby": list(nearby)}
        )
        self.amount_uah = amount_uah


class PoolEmpty(NotFound):
    """The pool has no code at this moment; `nearby` amounts have."""

    code = "pool_empty"

    def __init__(self, amount_uah: int, *, nearby: Sequence[int] = ()) -> None:
        super().__init__(
            _("Promo codes of %(amount)d UAH have run out.") % {"amount": amount_uah}, details={"nearby": list(nearby)}
        )
        self.amount_uah = amount_uah


class DailyCapReached(TooMany):
    """Open mode hands out so many codes of a pool a day and no more."""

    code = "daily_cap"

    def __init__(self, amount_uah: int, *, retry_after_seconds: int) -> None:
        super().__init__(
            _("No more promo codes of %(amount)d UAH today.") % {"amount": amount_uah},
            retry_after_seconds=retry_after_seconds,
        )
        self.amount_uah = amount_uah


class CodeNotInState(Conflict):
    """The code is not in a state from which this is possible; nothing changed."""

    code = "code_not_in_state"


class LeaseLost(Exception):
    """Somebody else works at the panel now: whoever sees this stops and writes nothing more."""


class PanelReason(enum.StrEnum):
    """Why a run did not succeed. Stored with the run; each has one sentence for staff in promo.policy."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    CAPTCHA = "captcha"
    SECOND_FACTOR = "second_factor"
    MAINTENANCE = "maintenance"
    LAYOUT = "layout"  # the page is there but not as the profile describes it
    FILTER_IGNORED = "filter_ignored"
    DRIFTING = "drifting"  # pages changed while being read and did not settle
    SLOW = "slow"
    UNREACHABLE = "unreachable"
    SESSION_LOST = "session_lost"
    REFUSED = "refused"  # the form answered with a validation error
    DUPLICATE = "duplicate"  # "already exists"
    PARTIAL = "partial"
    LEASE_LOST = "lease_lost"
    CRASHED = "crashed"
    NOT_CONFIGURED = "not_configured"
    MISSING = "missing"  # many of our codes are not in the panel
    PROFILE = "profile"  # the profile in use cannot be read


class PanelError(Exception):
    """The panel did not do what was asked. `detail` is one sentence for the run's page, free of secrets and full codes.

    `retry_after_seconds` is what the panel itself asked to wait (maintenance), None where it said nothing. `expected` and `seen`, where both are known,
    are laid side by side on the run's page: the same names with other values.
    """

    def __init__(
        self,
        reason: PanelReason,
        detail: str = "",
        *,
        retry_after_seconds: int | None = None,
        expected: Mapping[str, object] | None = None,
        seen: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.expected = dict(expected or {})
        self.seen = dict(seen or {})


class PanelTemporary(PanelError):
    """May succeed when tried again later."""


class PanelNeedsPerson(PanelError):
    """Trying again would make it worse (locked account): nobody signs in until a person says so."""


class CodeRefused(PanelTemporary):
    """The panel did not take one code (validation, duplicate). The run reads back and goes on with the next one."""


class OutcomeUnknown(PanelTemporary):
    """A code was typed and sent, and no usable answer came: it may exist or not. Only reading back tells; the reason says what was seen."""


class MirrorError(Exception):
    """The mirror's store."""


class MirrorConflict(MirrorError):
    """The document changed since it was read (412, 409)."""


class MirrorUnavailable(MirrorError):
    """The store did not answer, or answered with a fault: the outcome of a write is unknown."""
