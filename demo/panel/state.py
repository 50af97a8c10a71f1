"""The panel's memory: codes, sessions, per-account grid views and switches, behind one lock, optionally in a JSON file.

Python tests use it directly to arrange and to look; the web side goes through the same methods. What a page looks like
is not known here.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import EllipsisType
from typing import Any

from demo.panel.records import (
    BRANDS,
    CATEGORIES,
    KIND_CERTIFICATE,
    GridView,
    PanelCode,
    code_from_json,
    code_to_json,
)
from demo.panel.samples import OTHER_CODES
from demo.panel.sessions import Sessions
from demo.panel.switches import Switches

DEMO_USERNAME = "admin@demo-store.example"
DEMO_PASSWORD = "demo-password"
# Invented, public, and good for nothing but this panel.
DEMO_TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
VALIDITY = timedelta(days=365)


class CodeRefusedError(Exception):
    """The store does not take this code. `reason`: unknown_code, inactive, expired, limited or other_amount."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DuplicateCodeError(Exception):
    """A code with this string exists already."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PanelState:
    """One simulated store. Safe to use from several threads; what it returns are frozen copies.

    `counters` tells what has happened: login, login_refused, save, save_refused, delete, redeem, sms.
    `deleted` holds every row that was deleted, in order, so that a test can say what must not be among them.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        username: str = DEMO_USERNAME,
        password: str = DEMO_PASSWORD,
        totp_secret: str = DEMO_TOTP_SECRET,
        switches: Switches | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self.username, self.password, self.totp_secret = username, password, totp_secret
        self.clock = clock
        self.counters: Counter[str] = Counter()
        self.deleted: list[PanelCode] = []
        self.sessions = Sessions()
        self._lock = threading.RLock()
        self._switches = Switches()
        self._codes: dict[int, PanelCode] = {}
        self._by_string: dict[str, int] = {}
        self._next_id = 701
        self._views: dict[str, GridView] = {}
        self._saves_under_switches = self._requests_under_switches = self._turn = 0
        if self.path is not None and self.path.exists():
            self._load(self.path)
        if switches is not None:
            self.replace_switches(switches)

    # -- codes -----------------------------------------------------------------------------------------------------

    def add_code(
        self,
        code: str,
        amount: int | str | Decimal,
        *,
        kind: str = KIND_CERTIFICATE,
        active: bool = True,
        date_limit: date | EllipsisType | None = ...,
        quantity: int = 1,
        brands: Iterable[str] = tuple(BRANDS),
        categories: Iterable[str] = tuple(CATEGORIES),
        origin: str = "seed",
    ) -> PanelCode:
        """Store one code, valid for 365 days unless `date_limit` says otherwise (None: for ever).

        Raises DuplicateCodeError.
        """
        with self._lock:
            if code in self._by_string:
                raise DuplicateCodeError(code)
            now = self.clock()
            limit = (now + VALIDITY).date() if isinstance(date_limit, EllipsisType) else date_limit
            row = PanelCode(
                id=self._next_id,
                code=code,
                amount=Decimal(amount),
                kind=kind,
                active=active,
                date_limit=limit,
                # A certificate can be spent once, whatever was typed as quantity.
                quantity=1 if kind == KIND_CERTIFICATE else quantity,
                brands=tuple(brands),
                categories=tuple(categories),
                origin=origin,
                created_at=now,
            )
            self._next_id += 1
            self._codes[row.id] = row
            self._by_string[code] = row.id
            self._save()
            return row

    def codes(self, *, origin: str | None = None) -> list[PanelCode]:
        """All codes in order of creation, or those of one origin, whatever the grid would show."""
        with self._lock:
            return [code for code in self._codes.values() if origin in (None, code.origin)]

    def find(self, code: str) -> PanelCode | None:
        """The code with exactly this string."""
        with self._lock:
            found = self._by_string.get(code)
            return self._codes[found] if found is not None else None

    def get(self, code_id: int) -> PanelCode | None:
        with self._lock:
            return self._codes.get(code_id)

    def change(self, code_id: int, **changes: Any) -> PanelCode:
        """Replace some fields of a code. Raises KeyError when it is gone, DuplicateCodeError for a string in use."""
        with self._lock:
            old = self._codes[code_id]
            new = replace(old, **changes)
            if self._by_string.get(new.code, code_id) != code_id:
                raise DuplicateCodeError(new.code)
            del self._by_string[old.code]
            self._by_string[new.code] = code_id
            self._codes[code_id] = new
            self._save()
            return new

    def delete(self, code_ids: Iterable[int]) -> list[PanelCode]:
        """Delete these rows for good and return them; ids that are gone already are skipped."""
        with self._lock:
            gone = [self._codes.pop(one) for one in code_ids if one in self._codes]
            for row in gone:
                del self._by_string[row.code]
            self.deleted += gone
            self.counters["delete"] += len(gone)
            self._save()
            return gone

    def look(self, code: str) -> PanelCode:
        """The code if the checkout would take it now; nothing is spent. Raises CodeRefusedError."""
        with self._lock:
            row = self.find(code)
            if row is None:
                raise CodeRefusedError("unknown_code")
            if not row.active:
                raise CodeRefusedError("inactive")
            if row.date_limit is not None and row.date_limit < self.clock().date():
                raise CodeRefusedError("expired")
            if not row.covers_whole_store:
                raise CodeRefusedError("limited")
            return row

    def redeem(self, code: str, *, amount: int | str | Decimal | None = None) -> PanelCode:
        """Spend a code in an order, as the checkout does: a certificate turns inactive, a coupon after `quantity` uses.

        Raises CodeRefusedError; nothing changes then. `amount` is what the checkout expects the code to be worth.
        """
        with self._lock:
            row = self.look(code)
            if amount is not None and row.amount != Decimal(amount):
                raise CodeRefusedError("other_amount")
            now = self.clock()
            left = row.quantity - 1
            self.counters["redeem"] += 1
            return self.change(row.id, quantity=left, active=left > 0, used_at=now)

    # -- switches --------------------------------------------------------------------------------------------------

    @property
    def switches(self) -> Switches:
        return self._switches

    def set_switches(self, **changes: Any) -> Switches:
        """Turn some switches now; the others stay. Raises ValueError for an unknown name or value."""
        return self.replace_switches(self._switches.with_changes(changes))

    def replace_switches(self, switches: Switches) -> Switches:
        """Put a whole set of switches in place, for example from `mutate(seed)`."""
        with self._lock:
            self._switches = switches
            self._turn += 1
            self._saves_under_switches = self._requests_under_switches = 0
            if switches.other_codes and not self.codes(origin="other"):
                for row in OTHER_CODES:
                    if row["code"] not in self._by_string:
                        self.add_code(**row, origin="other")
            self._save()
            return switches

    @property
    def turn(self) -> int:
        """How often a switch was turned: another number than before means that delays asked for before are over."""
        return self._turn

    def count_save(self) -> int:
        """Number this attempt to save, counted since the switches were last turned, from 1."""
        with self._lock:
            self._saves_under_switches += 1
            return self._saves_under_switches

    def count_request(self) -> int:
        """Number this request, counted since the switches were last turned, from 1."""
        with self._lock:
            self._requests_under_switches += 1
            return self._requests_under_switches

    # -- sessions, views, counters ---------------------------------------------------------------------------------

    def expire_sessions(self) -> int:
        """End every session on the server's side; the cookies in the browsers stay. Returns how many ended."""
        return self.sessions.expire_all()

    def view(self, account: str) -> GridView:
        with self._lock:
            return self._views.get(account, GridView())

    def change_view(self, account: str, **changes: Any) -> GridView:
        with self._lock:
            self._views[account] = replace(self.view(account), **changes)
            self._save()
            return self._views[account]

    def count(self, what: str) -> None:
        with self._lock:
            self.counters[what] += 1

    # -- the file --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        if self.path is None:
            return
        content = {
            "next_id": self._next_id,
            "codes": [code_to_json(code) for code in self._codes.values()],
            "views": {account: vars(view) for account, view in self._views.items()},
            "switches": self._switches.changed(),
        }
        # Written beside and renamed, so that a killed process leaves the old file or the new one, never half of one.
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(self.path)

    def _load(self, path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        self._next_id = content["next_id"]
        self._codes = {row["id"]: code_from_json(row) for row in content["codes"]}
        self._by_string = {code.code: code.id for code in self._codes.values()}
        self._views = {account: GridView(**view) for account, view in content["views"].items()}
        self._switches = Switches().with_changes(content["switches"])
