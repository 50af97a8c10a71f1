"""What crosses the border to the outside: the store's panel and the mirror's store.

Plain dataclasses and protocols, no Django. Adapters implement the protocols, services consume them; neither imports the other.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class RowStatus(enum.StrEnum):
    """What the panel says of a code. Three values: a word we do not know is never taken for "inactive"."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of the panel's grid, as it was read.

    `amount_uah` and `valid_until` are None where the cell could not be understood: the caller must not guess. `cells` is the row as text, for evidence.
    """

    code: str
    amount_uah: int | None
    status: RowStatus
    valid_until: dt.date | None
    row_id: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GridReading:
    """All pages of the grid for one filter. `total` is what the panel itself says (None where it says nothing); `pages` how many were read."""

    rows: tuple[GridRow, ...]
    total: int | None = None
    pages: int = 1


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code to be typed into the panel: fixed amount, single use."""

    code: str
    amount_uah: int
    valid_until: dt.date


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the browser did, told while it happens. `picture` is a PNG; `detail` is JSON-ready and holds no password and no full code."""

    name: str
    ok: bool
    started_at: dt.datetime
    seconds: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class PanelConfig:
    """Where the panel is and who signs in. Secrets stay out of `repr`."""

    url: str  # the codes page, e.g. https://store.example/edit/discounts/codes
    username: str
    password: str = field(repr=False)
    totp_secret: str = field(default="", repr=False)
    chromium_path: str = ""  # empty: the browser Playwright installed for itself
    headed: bool = False
    sandboxed: bool = (
        True  # False where the platform is the sandbox: inside a function Chromium cannot make one of its own
    )
    wait_seconds: float = 20.0  # the longest wait for one state of the page
    with_pictures: bool = True  # a picture of the window with every step


class CodeSource(Protocol):
    """The panel as the replenishing service sees it. Every call raises a `PanelError` (promo.errors) or returns."""

    def sign_in(self) -> None: ...
    def read_codes(self, *, amount_uah: int | None) -> GridReading: ...
    def create_code(self, new: NewCode) -> None: ...
    def delete_codes(self, rows: Sequence[GridRow]) -> None: ...
    def saved_session(self) -> str: ...
    def check_form(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document in the mirror's store with the tag that a conditional write names."""

    body: bytes
    etag: str


class MirrorStore(Protocol):
    """Conditional reads and writes of small documents (S3, or files with the same semantics)."""

    def get(self, key: str) -> StoredDocument | None: ...

    def put(self, key: str, body: bytes, *, if_match: str | None) -> str:
        """Write and return the new tag. `if_match=None` means "only if it does not exist". Raises MirrorConflict or MirrorUnavailable."""
        ...
