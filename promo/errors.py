"""What can go wrong with codes, panel and mirror, drawn as a tree.

    PortalError
    ├── AmountInvalid · AmountMissing            400
    ├── PoolUnknown · PoolEmpty                  404
    └── DailyCapReached                          429
    PanelError                                   never reaches a shopper
    ├── PanelTemporary    slow, maintenance, layout_loading …   → the run fails, the pool cools down
    └── PanelNeedsPerson  wrong_password, captcha, second_factor → the panel is blocked until a person says so
    MirrorError
    ├── MirrorConflict    somebody wrote in between: look again
    └── MirrorUnavailable nothing is known: try later
"""

from __future__ import annotations

import enum


class PanelReason(enum.StrEnum):
    """Why a run did not succeed. Stored with the run; each has one sentence for staff in promo.policy."""

    WRONG_PASSWORD = "wrong_password"
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


class PanelError(Exception):
    """The panel did not do what was asked. `detail` is one sentence for the run's page, free of secrets and full codes."""

    def __init__(self, reason: PanelReason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail


class PanelTemporary(PanelError):
    """May succeed when tried again later."""


class PanelNeedsPerson(PanelError):
    """Trying again would make it worse (locked account): nobody signs in until a person says so."""


class CodeRefused(PanelTemporary):
    """The panel did not take one code (validation, duplicate). The run reads back and goes on with the next one."""


class MirrorError(Exception):
    """The mirror's store."""


class MirrorConflict(MirrorError):
    """The document changed since it was read (412, 409)."""


class MirrorUnavailable(MirrorError):
    """The store did not answer, or answered with a fault: the outcome of a write is unknown."""
