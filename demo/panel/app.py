"""`create_panel`: the Flask application around one `PanelState`."""

import random
import threading
from pathlib import Path

from flask import Flask

from demo.panel.control import control
from demo.panel.gate import gate
from demo.panel.state import PanelState
from demo.panel.views import pages
from demo.serving import templates_of

HERE = Path(__file__).resolve().parent


def create_panel(state: PanelState, *, stopping: threading.Event | None = None, seed: int = 0) -> Flask:
    """The panel as a WSGI application. Artificial delays are waited for on `stopping`, which cuts them short once set; `seed` fixes the drift."""
    app = Flask("demo.panel", static_url_path="/panel-static", static_folder="static")
    app.config["PANEL_STATE"] = state
    app.config["PANEL_STOPPING"] = stopping or threading.Event()
    app.config["PANEL_RANDOM"] = random.Random(seed)
    app.config["MAX_CONTENT_LENGTH"] = 2_000_000
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_loader = templates_of(HERE)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(gate)
    app.register_blueprint(pages)
    app.register_blueprint(control)
    return app
