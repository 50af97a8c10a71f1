"""What can go wrong with points, drawn as a tree.

PortalError
├── PointsInvalid                                400
├── CustomerUnknown · HoldUnknown                404
├── AdjustingForbidden                           403   own account, no own phone on record
├── InsufficientPoints · OverShare               409
├── PointsExpired · OrderNotPayable              409
├── AdjustLimitReached                           409
├── HoldNotOpen · HoldNeedsEvidence              409
├── CustomerBusy · CannotMerge                   409   open holds or orders; merged or erased already
└── KeyReused                                    422   the same key for something else
AnchorError
├── AnchorExists      an object of that name is there already
└── AnchorUnavailable nothing is known: try later
ImportRefused         a line or a file of balances cannot be understood
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput, Conflict, Forbidden, NotFound


class PointsInvalid(BadInput):
    code = "points_invalid"

    def __init__(self) -> None:
        super().__init__(_("Points are a whole number from 1 to 9999999."))


class CustomerUnknown(NotFound):
    code = "customer_unknown"

    def __init__(self) -> None:
        super().__init__(_("This customer is not known."))


class HoldUnknown(NotFound):
    code = "hold_unknown"

    def __init__(self) -> None:
        super().__init__(_("There is no such hold."))


class InsufficientPoints(Conflict):
    """Nothing changed. `available` is what there is."""

    code = "insufficient_points"

    def __init__(self, available: int) -> None:
        super().__init__(_("There are not enough points."), details={"available": available})
        self.available = available


class PointsExpired(Conflict):
    """There were enough points once; their time is over."""

    code = "points_expired"

    def __init__(self, available: int) -> None:
        super().__init__(_("The points have expired."), details={"available": available})


class OrderNotPayable(Conflict):
    """The order is cancelled, or was placed before the program began. Nothing changed."""

    code = "order_not_payable"

    def __init__(self) -> None:
        super().__init__(_("This order takes and earns no points."))


class OverShare(Conflict):
    """More points than may pay for this order. Nothing changed. `max_payable` is how many may."""

    code = "over_share"

    def __init__(self, max_payable: int) -> None:
        super().__init__(
            _("At most %(points)d points may pay for this order.") % {"points": max_payable},
            details={"max_payable": max_payable},
        )
        self.max_payable = max_payable


class HoldNotOpen(Conflict):
    code = "hold_not_open"

    def __init__(self, state: str) -> None:
        super().__init__(_("This hold is resolved already."), details={"state": state})


class HoldNeedsEvidence(Conflict):
    """A hold that handed out a code ends only when the code is in an order or proven deleted."""

    code = "hold_needs_evidence"

    def __init__(self) -> None:
        super().__init__(
            _("This hold handed out a code: it ends when the code is seen in an order or deleted in the store.")
        )


class CustomerBusy(Conflict):
    code = "customer_busy"

    def __init__(self) -> None:
        super().__init__(_("The customer has open holds or open orders."))


class CannotMerge(Conflict):
    code = "cannot_merge"

    def __init__(self) -> None:
        super().__init__(
            _("These two customers cannot be merged: they are the same, or one is merged or erased already.")
        )


class AdjustingForbidden(Forbidden):
    code = "adjusting_forbidden"


class AdjustLimitReached(Conflict):
    code = "adjust_limit"


class KeyReused(Conflict):
    status = 422
    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(_("This key was used for something else."))


class RuleInvalid(BadInput):
    code = "rule_invalid"


class AnchorError(Exception):
    """The store of anchors."""


class AnchorExists(AnchorError):
    """There is an object of that name; it was not touched."""


class AnchorUnavailable(AnchorError):
    """The store did not answer: whether the object was made is unknown."""


class ImportRefused(Exception):
    """One sentence about a file or a line that cannot be understood. Free of personal data."""
