"""The demonstration's own door, `/_demo/`: switches with a click, the state as JSON, a cart filled in one step.

Loopback only, and POSTs only as JSON, like the panel's. Nothing here exists in the real store, and none of it is slowed,
blocked or counted by the switches.
"""

from typing import Any

from flask import Blueprint, g, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.door import loopback_only
from demo.shop.crm import carry_orders
from demo.shop.gate import shop_state, visitor
from demo.shop.goods import BY_ARTICLE
from demo.shop.orders import order_to_json
from demo.shop.state import OutOfStockError, ShopState
from demo.shop.switches import Switches
from demo.shop.tags import FILES

control = Blueprint("control", __name__, url_prefix="/_demo")
control.before_request(loopback_only)


@control.get("/")
def switchboard() -> str:
    state = shop_state()
    return render_template(
        "switchboard.html",
        title=("Перемикачі вигаданої крамниці", "Switches of the simulated shop"),
        there=("/", "Крамниця / Shop"),
        values=state.switches,
        groups=Switches.grouped(),
        facts=[("Замовлення / Orders", len(state.orders())), *sorted(state.counters.items())],
        rows=[
            (f"№ {one.number}", f"{one.totals.sum} грн · CRM: {one.crm} {one.crm_fault}") for one in state.orders()[-8:]
        ],
    )


@control.get("/state")
def show_state() -> AnyResponse:
    return jsonify(_state_as_json(shop_state()))


@control.post("/state")
def change_state() -> AnyResponse | tuple[AnyResponse, int]:
    """JSON keys, all optional: reset (true), switches (name to value), tags (checkout or thanks to custom HTML, null for
    the project's file again). Answers with the state; 400 says what was wrong, and nothing is changed then.
    """
    asked = request.get_json()
    if not isinstance(asked, dict):
        return jsonify(error="an object is expected"), 400
    unknown = sorted(set(asked) - {"reset", "switches", "tags"})
    if unknown:
        return jsonify(error=f"unknown keys: {', '.join(unknown)}"), 400
    state, tags = shop_state(), asked.get("tags") or {}
    try:
        wanted = (Switches() if asked.get("reset") else state.switches).with_changes(asked.get("switches") or {})
        if not set(tags) <= set(FILES) or not all(html is None or isinstance(html, str) for html in tags.values()):
            raise ValueError(f"tags are {', '.join(FILES)}, each a text or null")
    except (TypeError, ValueError, AttributeError) as wrong:
        return jsonify(error=str(wrong)), 400
    state.replace_switches(wanted)
    if asked.get("reset"):
        state.tags.clear()
    for name, html in tags.items():
        if html is None:
            state.tags.pop(name, None)
        else:
            state.tags[name] = html
    return jsonify(_state_as_json(state))


@control.get("/fill")
def fill_cart() -> AnyResponse | tuple[AnyResponse, int]:
    """`?goods=LK-501:2,LK-504&to=/checkout/`: this browser's cart holds exactly these, then on to the page."""
    try:
        pairs = [one.partition(":") for one in request.args.get("goods", "").split(",") if one]
        quantities = {BY_ARTICLE[article.strip()].id: int(number or 1) for article, _colon, number in pairs}
        shop_state().fill(visitor(), quantities)
    except (KeyError, ValueError, OutOfStockError) as wrong:
        return jsonify(error=f"goods: {wrong}"), 400
    to = request.args.get("to", "/checkout/")
    g.prefix = ""
    return redirect(to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/", 303)


@control.post("/carry")
def carry() -> AnyResponse:
    """Send to the CRM what is due, now."""
    state = shop_state()
    return jsonify(arrived=carry_orders(state, now=state.clock()))


def _state_as_json(state: ShopState) -> dict[str, Any]:
    return {
        "switches": vars(state.switches),
        "changed": state.switches.changed(),
        "orders": [order_to_json(order) for order in state.orders()],
        "tags": sorted(state.tags),
        "counters": dict(state.counters),
    }
