"""The page for a person: place, complete, cancel, partly refund an order, and watch the points on the buyers' cards."""

from decimal import Decimal

from flask import Blueprint, render_template

from demo.crm import rows, samples
from demo.crm.api import crm_state
from demo.crm.rows import Row
from demo.crm.state import CrmState

pages = Blueprint("pages", __name__)
SHOWN_ORDERS = 30
GROUP_LOOKS = {5: "done", 6: "off"}


@pages.get("/")
def home() -> str:
    state = crm_state()
    return render_template("home.html", goods=samples.GOODS, **board_of(state))


@pages.get("/fresh")
def board() -> str:
    """The moving part of the page, fetched every two seconds."""
    return render_template("board.html", **board_of(crm_state()))


def board_of(state: CrmState) -> dict[str, object]:
    with state.lock:
        buyers = {row["id"]: row for row in state.all("buyers")}
        orders = list(reversed(state.all("orders")))[:SHOWN_ORDERS]
        fields = [one for one in state.fields if one["model"] == "client"]
        names = {one["id"]: one["name"] for one in state.statuses}
    return {
        "buyers": sorted(buyers.values(), key=lambda row: row["id"]),
        "fields": fields,
        "orders": [_shown(order, buyers.get(order["client_id"]), names) for order in orders],
        "calls": state.counters["calls"],
        "over_limit": state.counters["over_limit"],
        "turned": state.switches.changed(),
    }


def _shown(order: Row, buyer: Row | None, names: dict[int, str]) -> Row:
    return {
        "id": order["id"],
        "number": order["source_uuid"] or "—",
        "parent_id": order["parent_id"],
        "buyer": buyer["full_name"] if buyer else "—",
        "goods": ", ".join(f"{line['name']} × {Decimal(line['quantity']).normalize():f}" for line in order["products"]),
        "total": rows.grand_total(order),
        "discount": rows.total_discount(order),
        "promocode": order["promocode"],
        "status": names.get(order["status_id"], order["status_id"]),
        "look": GROUP_LOOKS.get(order["status_group_id"], "open"),
        "is_open": order["status_group_id"] not in GROUP_LOOKS,
        "ordered_at": order["ordered_at"][:16].replace("T", " "),
    }
