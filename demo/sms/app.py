"""`create_gateway`: the gateway's API, the page of phones, and the demonstration's door `/_demo/`."""

import hmac
import secrets
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.door import loopback_only
from demo.serving import templates_of
from demo.sms.state import Message, SmsState, Switches, phone_digits

HERE = Path(__file__).resolve().parent
LONGEST_TEXT = 670  # ten parts in Cyrillic

Answer = AnyResponse | tuple[AnyResponse, int] | tuple[AnyResponse, int, dict[str, str]]

gateway = Blueprint("gateway", __name__)
control = Blueprint("control", __name__, url_prefix="/_demo")
control.before_request(loopback_only)


def create_gateway(state: SmsState, *, stopping: threading.Event | None = None) -> Flask:
    """The gateway as a WSGI application. `stopping`, once set, cuts artificial delays short."""
    app = Flask("demo.sms", static_folder=None)
    app.config["SMS_STATE"] = state
    app.config["SMS_STOPPING"] = stopping or threading.Event()
    app.config["MAX_CONTENT_LENGTH"] = 64_000
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_loader = templates_of(HERE)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(gateway)
    app.register_blueprint(control)
    return app


def _state() -> SmsState:
    return cast(SmsState, current_app.config["SMS_STATE"])


@gateway.post("/messages")
def take_message() -> Answer:
    """`{to, text, sender}` with a bearer key → 202 `{id}`; 400 says what is wrong with it."""
    state = _state()
    if state.switches.slow_seconds:
        current_app.config["SMS_STOPPING"].wait(state.switches.slow_seconds)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if state.switches.key_refused or not hmac.compare_digest(given.encode(), state.key.encode()):
        state.count("refused")
        return jsonify(error="unauthorized"), 401
    try:
        to, text, sender = _read(request.get_json(silent=True))
    except ValueError as wrong:
        state.count("refused")
        return jsonify(error=str(wrong)), 400
    match state.outcome():
        case "too_many":
            state.count("failed")
            return jsonify(error="too many messages"), 429, {"Retry-After": "30"}
        case "fails_500" | "fails_503" as outcome:
            state.count("failed")
            return jsonify(error="the gateway has a problem"), int(outcome[-3:])
        case "sent_then_500":
            state.deliver(to, text, sender)
            state.count("failed")
            return jsonify(error="the gateway has a problem"), 500
        case "accepted_but_lost":
            state.count("lost")
            return jsonify(id=secrets.token_hex(8)), 202
        case "sent_twice":
            state.deliver(to, text, sender)
    state.count("accepted")
    return jsonify(id=state.deliver(to, text, sender).id), 202


def _read(asked: object) -> tuple[str, str, str]:
    """Phone, text and sender. Raises ValueError with the sentence for the caller."""
    if not isinstance(asked, dict):
        raise ValueError("a JSON object is expected")
    to, text, sender = asked.get("to"), asked.get("text"), asked.get("sender") or "SMS"
    phone = phone_digits(to) if isinstance(to, str) else ""
    if not phone:
        raise ValueError("to: 380 and nine digits are expected")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise ValueError(f"text: 1 to {LONGEST_TEXT} characters are expected")
    if not isinstance(sender, str):
        raise ValueError("sender: a text is expected")
    return phone, text, sender


@gateway.get("/")
def phones() -> str:
    """Every phone with its messages; the page looks for new ones by itself."""
    return render_template("phone.html", talks=_talks())


@gateway.get("/fresh")
def fresh() -> str:
    """The same without the page around it."""
    return render_template("talks.html", talks=_talks())


def _talks() -> list[tuple[str, list[Message]]]:
    """Phones, the one that was written to last first, each with its messages, oldest first."""
    talks: dict[str, list[Message]] = {}
    for message in _state().messages():
        talks[message.to] = [*talks.pop(message.to, []), message]
    return list(reversed(talks.items()))


@control.get("/")
def switchboard() -> str:
    state = _state()
    return render_template(
        "switchboard.html",
        title=("Перемикачі вигаданого SMS-шлюзу", "Switches of the simulated SMS gateway"),
        there=("/", "Телефон / Phone"),
        values=state.switches,
        groups=Switches.grouped(),
        facts=[("Повідомлень / Messages", len(state.messages())), *sorted(state.counters.items())],
        rows=[],
    )


@control.get("/state")
def show_state() -> AnyResponse:
    """`?to=` shows the messages of one phone only."""
    return jsonify(_as_json(to=request.args.get("to")))


@control.post("/state")
def change_state() -> Answer:
    """JSON keys, all optional: reset (true), clear (true: no messages), switches (name to value). Answers with the state."""
    asked = request.get_json()
    if not isinstance(asked, dict):
        return jsonify(error="an object is expected"), 400
    unknown = sorted(set(asked) - {"reset", "clear", "switches"})
    if unknown:
        return jsonify(error=f"unknown keys: {', '.join(unknown)}"), 400
    state = _state()
    try:
        wanted = (Switches() if asked.get("reset") else state.switches).with_changes(asked.get("switches") or {})
    except (TypeError, ValueError, AttributeError) as wrong:
        return jsonify(error=str(wrong)), 400
    state.replace_switches(wanted)
    if asked.get("clear"):
        state.clear()
    return jsonify(_as_json())


def _as_json(*, to: str | None = None) -> dict[str, Any]:
    state = _state()
    return {
        "switches": vars(state.switches),
        "changed": state.switches.changed(),
        "messages": [{**asdict(one), "at": one.at.isoformat()} for one in state.messages(to=to)],
        "counters": dict(state.counters),
    }
