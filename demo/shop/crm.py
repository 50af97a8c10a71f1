"""Carrying orders to the CRM: `POST /order`, and again until it is there. The order itself never waits for it.

An answer that does not come leaves it open whether the CRM has the order, and the CRM does not guard against a second one:
before a repetition the order is looked for by its number.
"""

import threading
from datetime import datetime, timedelta
from typing import Any

import requests

from demo.shop.orders import SOURCE_ID, Order, crm_body, source_number
from demo.shop.state import ShopState

TIMEOUT_SECONDS = 10
LONGEST_PAUSE_SECONDS = 60


class NotNowError(Exception):
    """The CRM could not take it this time."""


class RefusedError(Exception):
    """The CRM will never take it like this."""


def carry_orders(state: ShopState, *, now: datetime, session: requests.Session | None = None) -> int:
    """Send every order that is due. Returns how many have arrived."""
    arrived = 0
    with session or requests.Session() as open_session:
        for order in state.orders_for_crm(now=now):
            arrived += _carry(state, order, now=now, session=open_session)
    return arrived


def _carry(state: ShopState, order: Order, *, now: datetime, session: requests.Session) -> bool:
    tries = order.crm_tries + 1
    try:
        crm_id = _find(state, order, session) if order.crm_tries else None
        crm_id = crm_id or _post(state, order, session)
    except RefusedError as refused:
        state.note_crm(order.number, crm="refused", crm_tries=tries, crm_fault=str(refused))
        state.count("crm_failed")
        return False
    except NotNowError as later:
        pause = timedelta(seconds=min(2**tries, LONGEST_PAUSE_SECONDS))
        state.note_crm(order.number, crm_tries=tries, crm_next_at=now + pause, crm_fault=str(later))
        state.count("crm_failed")
        return False
    state.note_crm(order.number, crm="sent", crm_tries=tries, crm_id=crm_id, crm_fault="")
    state.count("crm_sent")
    return True


def _post(state: ShopState, order: Order, session: requests.Session) -> int:
    body = crm_body(order, number_sign=state.switches.crm_number_sign)
    answer = _ask(session, "POST", f"{state.crm_url}/order", state, json=body)
    return int(answer["id"])


def _find(state: ShopState, order: Order, session: requests.Session) -> int | None:
    wanted = source_number(order, number_sign=state.switches.crm_number_sign)
    asked = {"filter[source_uuid]": wanted, "filter[source_id]": str(SOURCE_ID)}
    answer = _ask(session, "GET", f"{state.crm_url}/order", state, params=asked)
    same = [row["id"] for row in answer.get("data", ()) if row.get("source_uuid") == wanted]
    return int(same[0]) if same else None


def _ask(
    session: requests.Session,
    method: str,
    url: str,
    state: ShopState,
    *,
    json: object = None,
    params: dict[str, str] | None = None,
) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {state.crm_key}", "Accept": "application/json"}
    try:
        answer = session.request(method, url, json=json, params=params, headers=headers, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as silent:
        raise NotNowError(type(silent).__name__) from silent
    if answer.status_code in (200, 201):
        try:
            said = answer.json()
        except ValueError as nonsense:
            raise NotNowError("the answer is not JSON") from nonsense
        if isinstance(said, dict):
            return said
        raise NotNowError("the answer is not an object")
    if answer.status_code in (400, 422):
        raise RefusedError(f"{answer.status_code}: {answer.text[:200]}")
    # A wrong key too: somebody will put it right, and the order must not be lost meanwhile.
    raise NotNowError(f"the CRM answers {answer.status_code}")


def keep_carrying(state: ShopState, stopping: threading.Event) -> None:
    """The body of a thread: carries what is due, at once after an order and every second besides, until `stopping` is set."""
    while not stopping.is_set():
        carry_orders(state, now=state.clock())
        state.order_placed.wait(1)
        state.order_placed.clear()
