"""A visitor of the simulated panel without a browser: sends what the pages would send and reads the answers' markup."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from demo.panel.app import create_panel
from demo.panel.layout import Layout, layout_for
from demo.panel.state import PanelState

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class RecordedWaits(threading.Event):
    """Stands in for the "server is stopping" event: notes how long the panel would have waited, and goes on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0)
        return False


@dataclass
class Page(HTMLParser):
    """What is looked at in one answer. Cell texts are kept exactly, spaces included."""

    status: int
    text: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    header_ids: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    row_ids: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._in_cell = False
        self._class = ""
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        self._class = found.get("class", "")
        if tag == "th":
            self.header_ids.append(found.get("id", ""))
        if tag == "tr" and "data-id" in found:
            self.rows.append([])
            self.row_ids.append(found["data-id"])
        if tag == "td" and self.rows:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._in_cell = False
        self._class = ""

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data
        if self._class:
            self.texts[self._class] = self.texts.get(self._class, "") + data

    def has(self, tag: str, **attributes: str) -> bool:
        """Is there such an element? `class_` must be one of the classes; other attributes must be equal."""
        return any(name == tag and _fits(found, attributes) for name, found in self.elements)

    def column(self, position: int) -> list[str]:
        return [row[position] for row in self.rows]

    @property
    def is_login(self) -> bool:
        return self.has("input", placeholder="Ел. пошта") and self.has("input", type="password")


def _fits(found: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(
        value in found.get("class", "").split() if name == "class_" else found.get(name) == value
        for name, value in wanted.items()
    )


@dataclass
class Visitor:
    """One browser with its own cookies."""

    state: PanelState
    client: FlaskClient
    waits: RecordedWaits

    @property
    def layout(self) -> Layout:
        return layout_for(self.state.switches)

    def get(self, path: str) -> Page:
        return _page(self.client.get(path, follow_redirects=True))

    def log_in(self, **changes: str) -> Page:
        form = {"email": self.state.username, "password": self.state.password, "back_to": "/edit/discounts/codes"}
        return _page(self.client.post("/edit/", data={**form, **changes}, follow_redirects=True))

    def grid(self) -> Page:
        return self.get(self.layout.grid_path)

    def act(self, action: str, **fields: Any) -> Page:
        """What the grid's script posts: action is load, filter, reset, sort, perpage, page or delete."""
        return _page(self.client.post(self.layout.grid_path, data={"action": action, **fields}))

    def delete(self, *ids: int) -> Page:
        return self.act("delete", **{"ids[]": [str(one) for one in ids]})

    def save(self, code: str = "BON100AAAA", code_id: str = "addnew", **changes: Any) -> Page:
        """Fill the form as it should be filled, change what is given, press "save and exit"."""
        filled: dict[str, Any] = {
            "code": code,
            "type": "1",
            "amount": "100",
            "quantity": "100",
            "date_limit": "2027-05-04",
            "active": ["0", "1"],
            "brands[]": ["3", "5", "8"],
            "categories[]": ["7", "11", "12", "19"],
        }
        for name, value in changes.items():
            filled[{"brands": "brands[]", "categories": "categories[]"}.get(name, name)] = value
        posted = {self.layout.field(name): value for name, value in filled.items()} | {"save_exit": "Зберегти й вийти"}
        return _page(self.client.post(self.layout.save_path(code_id), data=posted, follow_redirects=True))


def visitor(state: PanelState | None = None, **switches: Any) -> Visitor:
    """A new browser in front of a panel (a new one, unless given) with these switches turned."""
    state = state or PanelState(clock=Clock())
    if switches:
        state.set_switches(**switches)
    waits = RecordedWaits()
    return Visitor(state, create_panel(state, stopping=waits).test_client(), waits)


def logged_in(state: PanelState | None = None, **switches: Any) -> Visitor:
    """The same, already logged in."""
    guest = visitor(state)
    guest.log_in()
    if switches:
        guest.state.set_switches(**switches)
    return guest


def _page(answer: TestResponse) -> Page:
    return Page(answer.status_code, answer.get_data(as_text=True))
