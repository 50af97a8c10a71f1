"""The shop's memory: visitors with their carts, orders and switches, behind one lock, optionally in a JSON file.

Python tests use it directly to arrange and to look; the web side goes through the same methods. What a page looks like is
not known here, and nothing here speaks to another program while it holds the lock.
"""

import json
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.shop.coupons import Coupons, NoCoupons
from demo.shop.goods import BY_ID, DELIVERY_BY_KEY
from demo.shop.orders import Buyer, Order, order_from_json, order_to_json, place_text
from demo.shop.pricing import Coupon, CouponRefusedError, Line, Totals, lines_of, totals
from demo.shop.switches import Switches

FIRST_NUMBER = 70415
KEPT_TOKENS = 12


class OutOfStockError(Exception):
    """There are not that many. `left` is how many may be in a cart."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} left")
        self.left = left


class EmptyCartError(Exception):
    """There is nothing to order."""


@dataclass
class Visitor:
    """One browser: its cart, the coupon in it, its CSRF tokens. Changed by `ShopState` only, under its lock."""

    sid: str
    quantities: dict[int, int] = field(default_factory=dict)
    coupon: Coupon | None = None
    delivery: str = ""
    tokens: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_TOKENS))
    last_order: int | None = None
    # Form tokens that have become an order: a second click of the button places no second one.
    placed: dict[str, int] = field(default_factory=dict)
    placing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def lines(self) -> list[Line]:
        return lines_of(self.quantities)


@dataclass(frozen=True)
class Links:
    """Where the rest of the demonstration is; an empty address is not shown."""

    portal: str = ""
    panel: str = ""
    crm: str = ""
    sms: str = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ShopState:
    """One simulated store front. Safe to use from several threads.

    `counters` tells what has happened: page, ajax, bad_csrf, coupon, coupon_refused, order, order_refused, crm_sent, crm_failed.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        coupons: Coupons | None = None,
        links: Links | None = None,
        crm_url: str = "",
        crm_key: str = "",
        tags_folder: Path | None = None,
        switches: Switches | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self.coupons: Coupons = coupons or NoCoupons()
        self.links = links or Links()
        self.crm_url, self.crm_key = crm_url.rstrip("/"), crm_key
        self.tags_folder = tags_folder
        self.tags: dict[str, str] = {}  # custom HTML by tag name, in place of the project's file
        self.clock = clock
        self.counters: Counter[str] = Counter()
        self.order_placed = threading.Event()  # wakes whoever carries orders to the CRM
        self._lock = threading.RLock()
        self._switches = switches or Switches()
        self._visitors: dict[str, Visitor] = {}
        self._orders: dict[int, Order] = {}
        if self.path is not None and self.path.exists():
            self._load(self.path)

    # -- visitors and carts ----------------------------------------------------------------------------------------

    def visitor(self, sid: str) -> Visitor:
        """The visitor with this cookie, or a new one."""
        with self._lock:
            found = self._visitors.get(sid)
            if found is None:
                found = Visitor(secrets.token_hex(16))
                self._visitors[found.sid] = found
            return found

    def new_token(self, visitor: Visitor) -> str:
        """A CSRF token for a page; the last dozen of them are taken."""
        with self._lock:
            token = secrets.token_hex(16)
            visitor.tokens.append(token)
            return token

    def take_token(self, visitor: Visitor, token: str) -> bool:
        """Is the token good? With `csrf_every_call` it is good once."""
        with self._lock:
            if token not in visitor.tokens:
                self.counters["bad_csrf"] += 1
                return False
            if self._switches.csrf_every_call:
                visitor.tokens.remove(token)
            return True

    def put(self, visitor: Visitor, good_id: int, quantity: int) -> None:
        """Set how many of a good are in the cart; 0 takes it out. Raises KeyError, OutOfStockError; nothing changes then."""
        with self._lock:
            good = BY_ID[good_id]
            if quantity > good.stock:
                raise OutOfStockError(good.stock)
            if quantity > 0:
                visitor.quantities[good_id] = quantity
            else:
                visitor.quantities.pop(good_id, None)
            if not visitor.quantities:
                visitor.coupon = None

    def fill(self, visitor: Visitor, quantities: Mapping[int, int]) -> None:
        """Exactly these goods, and no coupon."""
        with self._lock:
            visitor.quantities.clear()
            visitor.coupon, visitor.delivery = None, ""
            for good_id, quantity in quantities.items():
                self.put(visitor, good_id, quantity)

    def choose_delivery(self, visitor: Visitor, key: str) -> None:
        with self._lock:
            visitor.delivery = key if key in DELIVERY_BY_KEY else ""

    def apply_coupon(self, visitor: Visitor, code: str) -> None:
        """Put a coupon on the cart in place of the one before; an empty code takes it off.

        Raises CouponRefusedError and CouponsUnreachableError; the cart keeps what it had.
        """
        code, switches = code.strip(), self._switches
        if not code:
            with self._lock:
                visitor.coupon = None
            return
        if not switches.coupon_form or switches.coupon_refused:
            raise CouponRefusedError("off" if not switches.coupon_form else "unknown_code")
        if not visitor.quantities:
            raise CouponRefusedError("empty_cart")
        coupon = self.coupons.look(code)
        with self._lock:
            total = self.totals(visitor, without_coupon=True).sum
            if switches.certificate_over_total == "refused" and coupon.is_certificate and coupon.amount > total:
                raise CouponRefusedError("over_total")
            visitor.coupon = coupon
            if switches.coupon_resets_delivery:
                visitor.delivery = ""
            self.counters["coupon"] += 1

    def totals(self, visitor: Visitor, *, without_coupon: bool = False) -> Totals:
        with self._lock:
            way = DELIVERY_BY_KEY.get(visitor.delivery)
            return totals(
                visitor.lines,
                None if without_coupon else visitor.coupon,
                delivery=way.price if way else None,
                customer_percent=self._switches.customer_discount_percent,
                skips_discounted=self._switches.coupon_skips_discounted,
            )

    # -- orders ----------------------------------------------------------------------------------------------------

    def place(
        self,
        visitor: Visitor,
        *,
        form_token: str,
        buyer: Buyer,
        delivery: str,
        city_id: str,
        place: str,
        payment: str,
        comment: str = "",
        language: str = "uk",
    ) -> Order:
        """Make an order of the cart and spend its coupon. The same form sent twice is the same order.

        Raises EmptyCartError, CouponRefusedError when the coupon is good no more (it is off the cart then) and
        CouponsUnreachableError.
        """
        with visitor.placing:  # of this one browser: a second click waits for the first
            if (earlier := self.order(visitor.placed.get(form_token))) is not None:
                return earlier
            if not visitor.quantities:
                raise EmptyCartError
            self.choose_delivery(visitor, delivery)
            self._spend_coupon(visitor)
            order = self._keep_order(
                visitor,
                buyer=buyer,
                place=place_text(city_id, place),
                payment=payment,
                comment=comment,
                language=language,
            )
            visitor.placed[form_token] = order.number
        self.order_placed.set()
        return order

    def _spend_coupon(self, visitor: Visitor) -> None:
        if visitor.coupon is None:
            return
        try:
            self.coupons.spend(visitor.coupon.code)
        except CouponRefusedError:
            with self._lock:
                visitor.coupon = None
                self.counters["order_refused"] += 1
            raise

    def _keep_order(self, visitor: Visitor, **said: Any) -> Order:
        with self._lock:
            now = self.clock()
            order = Order(
                number=max(self._orders, default=FIRST_NUMBER - 1) + 1,
                placed_at=now,
                lines=tuple(visitor.lines),
                totals=self.totals(visitor),
                promocode=visitor.coupon.code if visitor.coupon else "",
                delivery=visitor.delivery,
                crm_next_at=now + timedelta(seconds=self._switches.crm_delay_seconds),
                **said,
            )
            self._orders[order.number] = order
            visitor.last_order = order.number
            visitor.quantities.clear()
            visitor.coupon, visitor.delivery = None, ""
            self.counters["order"] += 1
            self._save()
            return order

    def orders(self) -> list[Order]:
        with self._lock:
            return list(self._orders.values())

    def order(self, number: int | None) -> Order | None:
        with self._lock:
            return self._orders.get(number) if number is not None else None

    def orders_for_crm(self, *, now: datetime) -> list[Order]:
        """Those that the CRM should have by now and, as far as we know, has not."""
        with self._lock:
            if not (self._switches.crm_sends and self.crm_url):
                return []
            return [one for one in self._orders.values() if one.crm == "waiting" and (one.crm_next_at or now) <= now]

    def note_crm(self, number: int, **changes: Any) -> Order:
        """Write down how an order fares on its way to the CRM. Raises KeyError."""
        with self._lock:
            self._orders[number] = order = replace(self._orders[number], **changes)
            self._save()
            return order

    # -- switches --------------------------------------------------------------------------------------------------

    @property
    def switches(self) -> Switches:
        return self._switches

    def set_switches(self, **changes: Any) -> Switches:
        """Turn some switches now; the others stay. Raises ValueError for an unknown name or value."""
        return self.replace_switches(self._switches.with_changes(changes))

    def replace_switches(self, switches: Switches) -> Switches:
        with self._lock:
            self._switches = switches
            self._save()
            return switches

    def count(self, what: str) -> None:
        with self._lock:
            self.counters[what] += 1

    # -- the file --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.path is None:
            return
        content = {
            "orders": [order_to_json(order) for order in self._orders.values()],
            "switches": self._switches.changed(),
        }
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(self.path)

    def _load(self, path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        self._orders = {row["number"]: order_from_json(row) for row in content["orders"]}
        self._switches = Switches().with_changes(content["switches"])
