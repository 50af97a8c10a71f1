"""One browser and one simulated panel for all tests of a module; each test gets the panel emptied and with its switches off."""

import json
from collections.abc import Iterator

import pytest

from demo.panel.gate import SESSION_COOKIE
from demo.panel.server import RunningPanel, serve
from demo.panel.state import PanelState
from demo.panel.switches import Switches
from promo.adapters.bon_admin.browser_thread import BrowserThread, running_browser


@pytest.fixture(scope="module")
def browser_thread(chromium_path: str) -> Iterator[BrowserThread]:
    with running_browser(chromium_path=chromium_path) as thread:
        yield thread


@pytest.fixture(scope="module")
def store() -> Iterator[RunningPanel]:
    with serve(PanelState()) as running:
        yield running


@pytest.fixture
def panel(store: RunningPanel) -> RunningPanel:
    state = store.state
    state.replace_switches(Switches())
    state.delete([code.id for code in state.codes()])
    state.deleted.clear()
    state.counters.clear()
    state.change_view(
        state.username, search="", amount_from="", amount_to="", sort="", direction="", page=1, page_size=20
    )
    return store


@pytest.fixture
def live_session(panel: RunningPanel) -> str:
    """A saved session that opens the panel without a login, as a run of yesterday would have left it."""
    session = panel.state.sessions.open(panel.state.username, now=panel.state.clock())
    cookie = {"name": SESSION_COOKIE, "value": session.sid, "domain": "127.0.0.1", "path": "/", "expires": -1}
    return json.dumps({"cookies": [cookie | {"httpOnly": True, "secure": False, "sameSite": "Lax"}], "origins": []})
