"""Where the checkout asks about certificates and coupons: the simulated panel, in this process or at its control door.

In the real store panel and checkout are one program; an answer that does not come is an error page there too.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import requests

from demo.panel.state import CodeRefusedError, PanelState
from demo.shop.pricing import Coupon, CouponRefusedError

TIMEOUT_SECONDS = 5


class CouponsUnreachableError(Exception):
    """The panel did not answer: nothing is known about the code."""


class Coupons(Protocol):
    """The store's codes as the checkout sees them."""

    def look(self, code: str) -> Coupon:
        """What the code is worth now; spends nothing. Raises CouponRefusedError, CouponsUnreachableError."""
        ...

    def spend(self, code: str) -> None:
        """Use the code up in an order: a certificate turns inactive. Raises the same."""
        ...


class NoCoupons:
    """A store without a single code."""

    def look(self, code: str) -> Coupon:
        raise CouponRefusedError("unknown_code")

    def spend(self, code: str) -> None:
        raise CouponRefusedError("unknown_code")


@dataclass
class PanelCoupons:
    """The codes of a panel in the same process."""

    panel: PanelState

    def look(self, code: str) -> Coupon:
        try:
            row = self.panel.look(code)
        except CodeRefusedError as refused:
            raise CouponRefusedError(refused.reason) from refused
        return Coupon(code=row.code, kind=row.kind, amount=row.amount)

    def spend(self, code: str) -> None:
        try:
            self.panel.redeem(code)
        except CodeRefusedError as refused:
            raise CouponRefusedError(refused.reason) from refused


@dataclass
class PanelDoor:
    """The codes of a panel at an address, through its `/_demo/` door."""

    url: str
    _session: requests.Session = field(default_factory=requests.Session)

    def look(self, code: str) -> Coupon:
        return self._ask("look", code)

    def spend(self, code: str) -> None:
        self._ask("redeem", code)

    def _ask(self, what: str, code: str) -> Coupon:
        try:
            answer = self._session.post(f"{self.url}/_demo/{what}", json={"code": code}, timeout=TIMEOUT_SECONDS)
            said = answer.json()
        except (requests.RequestException, ValueError) as silent:
            raise CouponsUnreachableError(str(silent)) from silent
        if answer.status_code == 409:
            raise CouponRefusedError(str(said.get("reason", "unknown_code")))
        if answer.status_code != 200:
            raise CouponsUnreachableError(f"the panel answers {answer.status_code}")
        return Coupon(code=said["code"], kind=said.get("kind", ""), amount=Decimal(said["amount"]))
