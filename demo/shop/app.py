"""`create_shop`: the Flask application around one `ShopState`."""

import threading
from importlib.util import find_spec
from pathlib import Path

from flask import Flask, send_file
from werkzeug.wrappers import Response as AnyResponse

from demo.serving import templates_of
from demo.shop.control import control
from demo.shop.gate import gate
from demo.shop.state import ShopState
from demo.shop.views import pages
from demo.shop.widget import widget

HERE = Path(__file__).resolve().parent


def create_shop(state: ShopState, *, stopping: threading.Event | None = None) -> Flask:
    """The shop as a WSGI application. `stopping`, once set, cuts artificial delays short."""
    app = Flask("demo.shop", static_url_path="/shop-static", static_folder="static")
    app.config["SHOP_STATE"] = state
    app.config["SHOP_STOPPING"] = stopping or threading.Event()
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_loader = templates_of(HERE)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for blueprint in (gate, pages, widget, control):
        app.register_blueprint(blueprint)
    app.add_url_rule("/shop-static/vendor/jquery.js", view_func=jquery)
    return app


def jquery() -> AnyResponse:
    """The copy that Django's admin brings along."""
    django = find_spec("django")
    assert django is not None
    assert django.origin is not None
    return send_file(
        Path(django.origin).parent / "contrib/admin/static/admin/js/vendor/jquery/jquery.min.js",
        mimetype="text/javascript",
    )
