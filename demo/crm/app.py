"""`create_crm`: the Flask application around one `CrmState`."""

import threading
from pathlib import Path

from flask import Flask

from demo.crm.api import api
from demo.crm.control import control
from demo.crm.limiter import SlidingWindow
from demo.crm.pages import pages
from demo.crm.state import CrmState
from demo.serving import templates_of

HERE = Path(__file__).resolve().parent


def create_crm(state: CrmState, *, stopping: threading.Event | None = None) -> Flask:
    """The CRM as a WSGI application. `stopping`, once set, cuts artificial delays short."""
    app = Flask("demo.crm", static_url_path="/crm-static", static_folder="static")
    app.config["CRM_STATE"] = state
    app.config["CRM_STOPPING"] = stopping or threading.Event()
    app.config["CRM_WINDOW"] = SlidingWindow()
    app.config["MAX_CONTENT_LENGTH"] = 2_000_000
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_loader = templates_of(HERE)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(api)
    app.register_blueprint(control)
    app.register_blueprint(pages)
    return app
