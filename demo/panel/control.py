"""The demonstration's own door, `/_demo/`: switches with a click, the state as JSON, spending a code.

Loopback only, and POSTs only as JSON (`get_json` refuses the rest): a form on a foreign page can post, but cannot
send that content type without being asked first. Nothing here exists in the real store, and none of it is slowed,
blocked or counted by the switches.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.door import loopback_only
from demo.panel.gate import panel_state
from demo.panel.records import code_to_json
from demo.panel.state import CodeRefusedError, PanelState
from demo.panel.switches import Switches, mutate
from demo.panel.totp import totp_code

control = Blueprint("control", __name__, url_prefix="/_demo")
control.before_request(loopback_only)


@control.get("/")
def switchboard() -> str:
    state = panel_state()
    return render_template(
        "switchboard.html",
        state=state,
        values=state.switches,
        groups=Switches.grouped(),
        totp=totp_code(state.totp_secret, now=state.clock()),
        sms=state.sessions.answer("sms"),
    )


@control.get("/state")
def show_state() -> AnyResponse:
    return jsonify(_state_as_json(panel_state()))


@control.post("/state")
def change_state() -> AnyResponse | tuple[AnyResponse, int]:
    """JSON keys, all optional, done in this order: reset (true), mutate (seed), switches (name to value),
    codes (list of {code, amount, active?}), expire_sessions (true). Answers with the state; 400 says what was wrong.
    """
    asked = request.get_json()
    if not isinstance(asked, dict):
        return jsonify(error="an object is expected"), 400
    unknown = sorted(set(asked) - {"reset", "mutate", "switches", "codes", "expire_sessions"})
    if unknown:
        return jsonify(error=f"unknown keys: {', '.join(unknown)}"), 400
    state = panel_state()
    try:
        wanted = Switches() if asked.get("reset") else state.switches
        if "mutate" in asked:
            wanted = mutate(int(asked["mutate"]))
        wanted = wanted.with_changes(asked.get("switches") or {})
        rows: list[dict[str, Any]] = [
            {"code": str(row["code"]), "amount": Decimal(row["amount"]), "active": bool(row.get("active", True))}
            for row in asked.get("codes") or ()
        ]
    except (TypeError, ValueError, AttributeError, KeyError, InvalidOperation) as wrong:
        return jsonify(error=str(wrong)), 400
    if wanted != state.switches or asked.get("reset"):
        state.replace_switches(wanted)
    for row in rows:
        if state.find(row["code"]) is None:
            state.add_code(**row)
    if asked.get("expire_sessions"):
        state.expire_sessions()
    return jsonify(_state_as_json(state))


@control.post("/look")
def look() -> AnyResponse | tuple[AnyResponse, int]:
    """`{code}` as the store's checkout would try it, spending nothing: 200 with what it is worth, or 409 with a reason."""
    asked = request.get_json()
    code = asked.get("code") if isinstance(asked, dict) else None
    try:
        row = panel_state().look(code.strip() if isinstance(code, str) else "")
    except CodeRefusedError as refused:
        return jsonify(taken=False, reason=refused.reason), 409
    return jsonify(taken=True, code=row.code, kind=row.kind, amount=format(row.amount.normalize(), "f"))


@control.post("/redeem")
def redeem() -> AnyResponse | tuple[AnyResponse, int]:
    """`{code, amount?}` as the store's checkout would spend it: 200 with the code, or 409 with a reason."""
    asked = request.get_json()
    if not isinstance(asked, dict) or not isinstance(asked.get("code"), str):
        return jsonify(redeemed=False, reason="unknown_code"), 409
    try:
        row = panel_state().redeem(asked["code"].strip(), amount=asked.get("amount"))
    except (TypeError, ValueError, InvalidOperation):
        return jsonify(redeemed=False, reason="other_amount"), 409
    except CodeRefusedError as refused:
        return jsonify(redeemed=False, reason=refused.reason), 409
    return jsonify(redeemed=True, code=row.code, amount=format(row.amount.normalize(), "f"))


def _state_as_json(state: PanelState) -> dict[str, Any]:
    return {
        "switches": vars(state.switches),
        "changed": state.switches.changed(),
        "codes": [code_to_json(code) for code in state.codes()],
        "deleted": [code_to_json(code) for code in state.deleted],
        "counters": dict(state.counters),
    }
