"""The API below /v1: key, limit, faults by the switches, and the calls that the portal needs. Everything else is 404."""

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from demo.crm import asking, samples
from demo.crm.asking import NotAllowedError, between, is_in
from demo.crm.buyers import field_values
from demo.crm.limiter import SlidingWindow
from demo.crm.rows import Row
from demo.crm.shapes import Shapes
from demo.crm.state import CrmState, RefusedError, UnknownRowError

api = Blueprint("api", __name__, url_prefix="/v1")
Answer = tuple[Response, int] | Response
BUYER_PARTS = ("manager", "shipping", "company", "loyalty", "custom_fields")
ORDER_PARTS = (
    "buyer", "products", "products.offer", "manager", "tags", "status", "marketing", "payments", "shipping", "shipping.lastHistory",
    "shipping.deliveryService", "expenses", "custom_fields", "assigned",
)  # fmt: skip
CARD_PARTS = ("contact.client", "products", "manager", "status", "payments", "custom_fields")


def crm_state() -> CrmState:
    state: CrmState = current_app.config["CRM_STATE"]
    return state


def _told(message: str, status: int, **more: Any) -> Answer:
    return jsonify({"message": message, **more}), status


@api.before_request
def gate() -> Answer | None:
    """In the order of the real one: limit, key, then faults."""
    state = crm_state()
    switches = state.switches
    key = request.headers.get("Authorization", "")
    with state.lock:
        state.counters["calls"] += 1
        state.last_headers = dict(request.headers)
        window: SlidingWindow = current_app.config["CRM_WINDOW"]
        wait = window.take(f"{key} {request.remote_addr}", switches.limit_per_minute, state.clock().timestamp())
        if wait:
            state.counters["over_limit"] += 1
            answer = jsonify(message="Too Many Attempts.")
            if switches.retry_after:
                answer.headers["Retry-After"] = str(math.ceil(wait))
            return answer, 429
    if key != f"Bearer {state.token}" or switches.key_refused:
        return _told("Unauthenticated.", 401)
    _wait(switches.slow_seconds)
    if _is_among_first("errors_first", switches.errors_first):
        return _told("Service Unavailable", 503)
    if _is_among_first("not_json_first", switches.not_json_first):
        return Response("<!doctype html><title>Технічні роботи</title><p>Скоро повернемося.</p>", mimetype="text/html")
    if request.method != "GET" and not isinstance(request.get_json(silent=True), dict | type(None)):
        return _told("The given data was invalid.", 422, errors={})
    return None


@api.after_request
def after_write(answer: Response) -> Response:
    """A write that was done may still be answered late, or with a fault."""
    state = crm_state()
    if request.method != "GET" and answer.status_code < 300:
        with state.lock:
            state.counters["writes"] += 1
        _wait(state.switches.slow_after_write_seconds)
        if _is_among_first("errors_after_write_first", state.switches.errors_after_write_first):
            answer = jsonify(message="Server Error")
            answer.status_code = 500
    return answer


def _is_among_first(what: str, first: int) -> bool:
    state = crm_state()
    if not first:
        return False
    with state.lock:
        state.since_turned[what] += 1
        return state.since_turned[what] <= first


def _wait(seconds: float) -> None:
    stopping: threading.Event = current_app.config["CRM_STOPPING"]
    if seconds:
        stopping.wait(seconds)


@api.errorhandler(UnknownRowError)
def not_found(_: UnknownRowError) -> Answer:
    return _told("Resource not found", 404)


@api.errorhandler(RefusedError)
def refused(error: RefusedError) -> Answer:
    return _told("The given data was invalid.", 422, errors=error.fields)


@api.errorhandler(NotAllowedError)
def not_allowed(error: NotAllowedError) -> Answer:
    return _told(str(error), 400)


@api.errorhandler(HTTPException)
def no_such_address(error: HTTPException) -> Answer:
    return _told(error.name, error.code or 500)


@api.route("/<path:anything>", methods=["GET", "POST", "PUT", "DELETE"])
def nothing_here(anything: str) -> Answer:
    return _told("The route could not be found.", 404)


def _body() -> Mapping[str, Any]:
    return request.get_json(silent=True) or {}


def _list(
    rows: list[Row], allowed: Mapping[str, asking.Test], show: Callable[[Row], Row], sorts: tuple[str, ...] = ("id",)
) -> Answer:
    wanted = asking.filters(allowed)
    found = [row for row in rows if all(test(row, values) for test, values in wanted)]
    return jsonify(_page(asking.sorted_rows(found, sorts), show))


def _page(found: list[Row], show: Callable[[Row], Row]) -> Row:
    envelope = asking.page(found, show)
    if crm_state().switches.nulls:
        return envelope
    return {name: value for name, value in envelope.items() if value is not None}


# -- buyers --------------------------------------------------------------------------------------------------------


@api.get("/buyer")
def list_buyers() -> Answer:
    state = crm_state()
    parts = asking.parts(BUYER_PARTS)
    shapes = Shapes(state)
    allowed = {
        "buyer_id": is_in("id"),
        "buyer_phone": asking.has_phone(state, lambda row: row["phones"]),
        "buyer_email": asking.has_email(lambda row: row["emails"]),
        "created_between": between("created_at"),
        "updated_between": between("updated_at"),
    }
    with state.lock:
        return _list(
            state.rows("buyers"), allowed, lambda row: shapes.buyer(row, parts), ("id", "updated_at", "created_at")
        )


@api.get("/buyer/<int:number>")
def get_buyer(number: int) -> Answer:
    state = crm_state()
    return jsonify(Shapes(state).buyer(state.get("buyers", number), asking.parts(BUYER_PARTS)))


@api.post("/buyer")
def create_buyer() -> Answer:
    state, body = crm_state(), _body()
    if not body.get("full_name"):
        raise RefusedError(full_name="The full name field is required.")
    made = state.create_buyer(
        str(body["full_name"]),
        phones=_texts(body, "phone"),
        emails=_texts(body, "email"),
        note=body.get("note"),
        birthday=body.get("birthday"),
        custom_fields=_fields(body),
    )
    return jsonify(Shapes(state).buyer(made)), 201


@api.put("/buyer/<int:number>")
def update_buyer(number: int) -> Answer:
    state, body = crm_state(), _body()
    state.get("buyers", number)
    if not body.get("full_name") and state.switches.name_required:
        raise RefusedError(full_name="The full name field is required.")
    made = state.update_buyer(
        number,
        full_name=body.get("full_name"),
        note=body.get("note"),
        phones=_texts(body, "phone") if body.get("phone") is not None else None,
        emails=_texts(body, "email") if body.get("email") is not None else None,
        custom_fields=_fields(body),
    )
    return jsonify(Shapes(state).buyer(made)), 202


@api.post("/buyer/import")
def import_buyers() -> Answer:
    state, wanted = crm_state(), _body().get("buyers")
    if not isinstance(wanted, list) or not all(isinstance(one, dict) and one.get("full_name") for one in wanted):
        return jsonify(status=False), 400
    for one in wanted:
        state.create_buyer(
            str(one["full_name"]), phones=_texts(one, "phone"), emails=_texts(one, "email"), custom_fields=_fields(one)
        )
    return jsonify(status=True), 201


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise RefusedError(**{name: f"The {name} must be an array."})
    return [str(one) for one in value]


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    return field_values(body.get("custom_fields"))


# -- orders --------------------------------------------------------------------------------------------------------


@api.get("/order")
def list_orders() -> Answer:
    state = crm_state()
    parts = asking.parts(ORDER_PARTS)
    shapes = Shapes(state)

    def card(row: Row) -> Row:
        return state.peek("buyers", row["client_id"])

    allowed = {
        "status_id": is_in("status_id"),
        "source_id": is_in("source_id"),
        "source_uuid": is_in("source_uuid"),
        "buyer_phone": asking.has_phone(state, lambda row: card(row)["phones"]),
        "buyer_email": asking.has_email(lambda row: card(row)["emails"]),
        # By the moment at the source, whatever its name says.
        "created_between": between("ordered_at"),
        "updated_between": asking.updated_between(state),
        "shipping_between": lambda row, values: False,
        "payment_status": lambda row, values: shapes.order(row)["payment_status"] in values,
        "has_tracking_code": lambda row, values: (
            bool(row["shipping"].get("tracking_code")) == (values[:1] in (["1"], ["true"]))
        ),
    }
    with state.lock:
        return _list(
            state.rows("orders"),
            allowed,
            lambda row: shapes.order(row, parts),
            ("id", "updated_at", "created_at", "ordered_at"),
        )


@api.get("/order/<int:number>")
def get_order(number: int) -> Answer:
    state = crm_state()
    with state.lock:
        return jsonify(Shapes(state).order(state.get("orders", number), asking.parts(ORDER_PARTS)))


@api.post("/order")
def create_order() -> Answer:
    state = crm_state()
    made = state.create_order(_body())
    return jsonify(Shapes(state).order(made, is_read=False)), 201


@api.put("/order/<int:number>")
def update_order(number: int) -> Answer:
    state = crm_state()
    made = state.update_order(number, _body())
    return jsonify(Shapes(state).order(made, is_read=False)), 202


@api.post("/order/<int:number>/payment")
def add_payment(number: int) -> Answer:
    state = crm_state()
    return jsonify(Shapes(state).payment(state.add_payment(number, _body()))), 201


@api.post("/order/<int:number>/tag/<int:tag>")
def add_tag(number: int, tag: int) -> Answer:
    crm_state().tag_order(number, tag, on=True)
    return jsonify(status=True), 202


@api.delete("/order/<int:number>/tag/<int:tag>")
def remove_tag(number: int, tag: int) -> tuple[str, int]:
    crm_state().tag_order(number, tag, on=False)
    return "", 204


@api.get("/order/status")
def list_statuses() -> Answer:
    state = crm_state()
    return _list([one for one in state.statuses if one["is_active"]], {}, Shapes(state).entry)


@api.get("/order/source")
def list_sources() -> Answer:
    state = crm_state()
    return _list(list(state.sources), {}, Shapes(state).entry)


@api.get("/order/tag")
def list_tags() -> Answer:
    state = crm_state()
    return _list(list(state.tags), {}, Shapes(state).entry)


@api.get("/custom-fields")
def list_fields() -> Answer:
    """A bare array, unlike every other list."""
    state = crm_state()
    parts = asking.parts(("options",))
    wanted = asking.filters({"model": is_in("model")})
    found = [one for one in state.fields if all(test(one, values) for test, values in wanted)]
    return jsonify([Shapes(state).field(one, parts) for one in asking.sorted_rows(found, ("position", "id"))])


# -- cards ---------------------------------------------------------------------------------------------------------


@api.get("/pipelines/cards")
def list_cards() -> Answer:
    state = crm_state()
    if state.switches.pipelines_off:
        return _told("Leads are not enabled", 400)
    parts = asking.parts(CARD_PARTS)
    allowed = {
        "pipeline_id": lambda row, values: "1" in values,
        "status_id": is_in("status_id"),
        "source_id": is_in("source_id"),
        "created_between": between("created_at"),
        "updated_between": between("updated_at"),
    }
    with state.lock:
        return _list(state.rows("cards"), allowed, lambda row: Shapes(state).card(row, parts))


@api.get("/pipelines/cards/<int:number>")
def get_card(number: int) -> Answer:
    state = crm_state()
    if state.switches.pipelines_off:
        return _told("Leads are not enabled", 400)
    shown = Shapes(state).card(state.get("cards", number), asking.parts(CARD_PARTS))
    return jsonify(_page([shown], lambda row: row) if state.switches.card_as_page else shown)


@api.put("/pipelines/cards/<int:number>")
def update_card(number: int) -> Answer:
    state, body = crm_state(), _body()
    if state.switches.pipelines_off:
        return _told("Leads are not enabled", 400)
    state.update_card(number, status_id=body.get("status_id"), custom_fields=_fields(body))
    return jsonify(status=True), 202


@api.get("/pipelines")
def list_pipelines() -> Answer:
    if crm_state().switches.pipelines_off:
        return _told("Leads are not enabled", 400)
    return _list(list(samples.PIPELINES), {}, lambda row: row)
