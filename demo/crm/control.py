"""The demonstration's own door, `/_demo/`: switches, the state as JSON, and what people do in the CRM (staff, not the API).

Loopback only, and POSTs only as JSON: a form on a foreign page cannot send that content type without being asked first. Nothing here exists in the real
CRM, and none of it is slowed, limited or counted.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.crm.api import crm_state
from demo.crm.rows import Row
from demo.crm.state import CrmState, RefusedError, UnknownRowError
from demo.crm.switches import Switches
from demo.door import loopback_only

control = Blueprint("control", __name__, url_prefix="/_demo")
control.before_request(loopback_only)
Reply = AnyResponse | tuple[AnyResponse, int]


@control.get("/")
def switchboard() -> str:
    return render_template("switchboard.html", values=crm_state().switches, groups=Switches.grouped())


@control.get("/state")
def show_state() -> Reply:
    return jsonify(_as_json(crm_state()))


@control.post("/state")
def change_state() -> Reply:
    """JSON keys, both optional: reset (true), switches (name to value). Answers with the state; 400 says what was wrong."""
    asked = request.get_json()
    if not isinstance(asked, dict) or set(asked) - {"reset", "switches"}:
        return jsonify(error="an object with reset and switches is expected"), 400
    state = crm_state()
    try:
        wanted = (Switches() if asked.get("reset") else state.switches).with_changes(asked.get("switches") or {})
    except (TypeError, ValueError) as wrong:
        return jsonify(error=str(wrong)), 400
    state.replace_switches(wanted)
    return jsonify(_as_json(state))


def _object(asked: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = asked.get(name)
    if found is not None and not isinstance(found, dict):
        raise ValueError(f"{name} must be an object")
    return found


DEEDS: dict[str, Callable[[CrmState, Mapping[str, Any]], Row | None]] = {
    "place": lambda state, asked: state.create_order(
        {"source_id": 1, "source_uuid": f"#{state.next_order_number()}", **dict(asked["order"])}
    ),
    "status": lambda state, asked: state.set_status(int(asked["id"]), int(asked["status_id"])),
    "complete": lambda state, asked: state.complete(int(asked["id"])),
    "cancel": lambda state, asked: state.cancel(int(asked["id"])),
    "refund": lambda state, asked: state.refund(int(asked["id"]), asked["amount"]),
    "pay": lambda state, asked: state.add_payment(int(asked["id"]), {"amount": asked["amount"]}),
    "delete": lambda state, asked: state.delete_order(int(asked["id"])),
    "split": lambda state, asked: state.split_order(int(asked["id"]), [int(one) for one in asked["lines"]]),
    "merge": lambda state, asked: state.merge_buyers(
        int(asked["survivor"]), int(asked["gone"]), keep_fields=bool(asked.get("keep_fields"))
    ),
    "buyer": lambda state, asked: state.create_buyer(
        str(asked["full_name"]), phones=list(asked.get("phones") or []), emails=list(asked.get("emails") or [])
    ),
    "card": lambda state, asked: state.create_card(
        client_id=int(asked["client_id"]), title=str(asked.get("title") or ""), order_id=asked.get("order_id")
    ),
    "move_card": lambda state, asked: state.update_card(
        int(asked["id"]), status_id=asked.get("status_id"), custom_fields=_object(asked, "custom_fields")
    ),
}


@control.post("/do")
def do() -> Reply:
    """`{do: name, …}`: what a person does in the CRM. 200 with the row, 400 or 404 with what was wrong."""
    asked = request.get_json()
    if not isinstance(asked, dict) or str(asked.get("do")) not in DEEDS:
        return jsonify(error=f"do must be one of {', '.join(DEEDS)}"), 400
    try:
        return jsonify(done=DEEDS[str(asked["do"])](crm_state(), asked))
    except UnknownRowError as gone:
        return jsonify(error=f"{gone} is not there"), 404
    except RefusedError as refused:
        return jsonify(error="; ".join(words[0] for words in refused.fields.values())), 400
    except KeyError as missing:
        return jsonify(error=f"{missing} is missing"), 400
    except (ArithmeticError, AttributeError, TypeError, ValueError) as wrong:
        # Whatever shape was typed in: the account reads its values as it goes.
        return jsonify(error=str(wrong) or type(wrong).__name__), 400


def _as_json(state: CrmState) -> dict[str, Any]:
    return {
        "switches": vars(state.switches),
        "changed": state.switches.changed(),
        "buyers": state.all("buyers"),
        "orders": state.all("orders"),
        "cards": state.all("cards"),
        "counters": dict(state.counters),
        "waiting_webhooks": len(state.events),
    }
