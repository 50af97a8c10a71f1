"""`create_gateway`: the gateway's API, the page of phones, and the demonstration's door `/_demo/`."""

import hmac
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.wrappers import Response as AnyResponse

from demo.panel.control import loopback_only
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
    app.jinja_loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), FileSystemLoader(HERE.parent / "templates")])
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
    asked = request.get_json(silent=True)
    wrong = _fault(asked)
    if wrong:
        state.count("refused")
        return jsonify(error=wrong), 400
    to, outcome = phone_digits(asked["to"]), state.outcome()
    if outcome == "too_many":
        state.count("failed")
        return jsonify(error="too many messages"), 429, {"Retry-After": "30"}
    if outcome in ("fails_500", "fails_503"):
        state.count("failed")
        return jsonify(error="the gateway has a problem"), int(outcome[-3:])
    if outcome == "accepted_but_lost":
        state.count("lost")
        return jsonify(id="lost"), 202
    message = state.deliver(to, asked["text"], asked.get("sender") or "SMS")
    if outcome == "sent_twice":
        state.deliver(to, asked["text"], asked.get("sender") or "SMS")
    if outcome == "sent_then_500":
        state.count("failed")
        return jsonify(error="the gateway has a problem"), 500
    state.count("accepted")
    return jsonify(id=message.id), 202


def _fault(asked: object) -> str:
    """What is wrong with a posted message; empty when nothing is."""
    if not isinstance(asked, dict):
        return "a JSON object is expected"
    if not (isinstance(asked.get("to"), str) and phone_digits(asked["to"])):
        return "to: 380 and nine digits are expected"
    if not (isinstance(asked.get("text"), str) and asked["text"].strip()):
        return "text: a text is expected"
    if len(asked["text"]) > LONGEST_TEXT:
        return f"text: at most {LONGEST_TEXT} characters"
    if not isinstance(asked.get("sender") or "", str):
        return "sender: a text is expected"
    return ""


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
