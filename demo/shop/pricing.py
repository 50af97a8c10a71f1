"""What a cart costs: pure arithmetic over lines, one coupon and the shop's own discount. No sessions, no HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from demo.panel.records import KIND_CERTIFICATE
from demo.shop.goods import BY_ID, Good

CENT = Decimal("0.01")
ZERO = Decimal(0)


class CouponRefusedError(Exception):
    """The checkout does not take this code. `reason`: unknown_code, inactive, expired, limited, over_total, empty_cart or off."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Coupon:
    """A code as the panel knows it: hryvnias for a certificate, per cent for the other kinds."""

    code: str
    kind: str
    amount: Decimal

    @property
    def is_certificate(self) -> bool:
        return self.kind == KIND_CERTIFICATE


@dataclass(frozen=True)
class Line:
    """One good in a cart."""

    good: Good
    quantity: int

    @property
    def hash(self) -> str:
        return f"h{self.good.id:x}"

    @property
    def sum(self) -> Decimal:
        return self.good.price * self.quantity


@dataclass(frozen=True)
class Totals:
    """`products` is before every discount, `sum` what is to be paid without delivery. `delivery` None: not in the order."""

    products: Decimal
    customer_discount: Decimal
    coupon_discount: Decimal
    delivery: Decimal | None
    quantity: int

    @property
    def sum(self) -> Decimal:
        return self.products - self.customer_discount - self.coupon_discount

    @property
    def with_delivery(self) -> Decimal:
        return self.sum + (self.delivery or ZERO)


def lines_of(quantities: Mapping[int, int]) -> list[Line]:
    """The lines in the order in which they were put in."""
    return [Line(BY_ID[good_id], quantity) for good_id, quantity in quantities.items()]


def totals(
    lines: list[Line],
    coupon: Coupon | None,
    *,
    delivery: Decimal | None = None,
    customer_percent: int = 0,
    skips_discounted: bool = False,
) -> Totals:
    """A certificate takes off its amount and never more than there is to pay; a coupon takes its per cent."""
    products = sum((line.sum for line in lines), ZERO)
    own = _share(products, Decimal(customer_percent))
    counted = sum((line.sum for line in lines if not (skips_discounted and line.good.is_discounted)), ZERO)
    off = ZERO
    if coupon is not None:
        wanted = coupon.amount if coupon.is_certificate else _share(counted, coupon.amount)
        off = max(ZERO, min(wanted, counted, products - own))
    return Totals(products, own, off, delivery, sum(line.quantity for line in lines))


def _share(amount: Decimal, percent: Decimal) -> Decimal:
    return (amount * percent / 100).quantize(CENT, ROUND_HALF_UP)
