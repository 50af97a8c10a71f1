"""`POST /bonus-accrual`: an order with the points it earned and spent, in the predecessor's shapes.

What a page says is a claim: it is recorded, moves nothing and is told nothing. A customer's own session is told its balance. Only a signed call posts.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonuses.errors import CustomerUnknown
from bonuses.policy import Totals, points_of_order
from bonuses.policy_orders import SHOP
from bonuses.services import customers, posting, reckoning, reporting
from bonuses.services.ruling import as_rule, rule_in_force
from bonusportal import counting, idempotency
from bonusportal.dropin import drop_in
from bonusportal.dropin_callers import Caller, find_caller
from bonusportal.errors import BadInput
from bonusportal.jsonbody import read_json_object
from bonusportal.limits import check_limit
from bonusportal.middleware import client_address
from bonusportal.money import MAX_AMOUNT_UAH, parse_money
from bonusportal.phones import normalise_phone
from storefront.services import refusing

TOLERANCE = 1  # the predecessor's pages round in their own way


@dataclass(frozen=True, slots=True)
class Order:
    """What was sent, checked. `number_sent` is echoed as it came; 0 points: not asked for."""

    number: str
    number_sent: Any
    total: Decimal
    earned: int
    used: int
    phone: str
    email: str
    name: str


@dataclass(slots=True)
class Outcome:
    """What there is to answer. `balances` are available points before, in between and after; zeros where nothing is told."""

    status: str
    earned: int = 0
    used: int = 0
    balances: tuple[int, int, int] = (0, 0, 0)
    is_told: bool = False
    is_duplicate: bool = False
    doubts: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@drop_in("POST")
def bonus_accrual(request: HttpRequest) -> HttpResponse:
    document = read_json_object(request)
    now = timezone.now()
    caller = find_caller(request, session=document.get("session"), now=now)
    order = read_order(document, now=now)
    key = idempotency.read_key(request.headers.get("Idempotency-Key"), may_be_short=caller.kind != "page")
    record = None
    if key:
        body = {name: value for name, value in document.items() if name != "session"}
        record = idempotency.ask(
            method="POST", path=request.path_info.rstrip("/"), caller=caller.scope, key=key, body=body
        )
        if answer := idempotency.find_answer(record):
            return _replayed(answer)
    if not caller.is_signed:
        check_limit("report", client_address(request) or "unknown")

    doubts: list[str] = []

    def effect() -> dict[str, Any]:
        outcome = _post(order, caller, now=now) if caller.is_signed else _claim(order, caller, now=now)
        doubts[:] = outcome.doubts
        return _answer(order, outcome)

    if record is None:
        payload = effect()
    else:
        answer = idempotency.do_once(record, effect, now=now)
        if answer.replayed:
            return _replayed(answer)
        payload = answer.payload
    for doubt in doubts:
        refusing.note_refusal(reason=doubt, address=client_address(request), now=now)
    if payload.get("duplicate"):
        counting.count("accrual.duplicate", now=now)
    elif order.used and caller.kind == "page":
        counting.count("accrual.spend_not_believed", now=now)
    return JsonResponse(payload, json_dumps_params={"ensure_ascii": False})


def _replayed(answer: idempotency.Answer) -> JsonResponse:
    response = JsonResponse(answer.payload, json_dumps_params={"ensure_ascii": False})
    response["Idempotent-Replayed"] = "true"
    return response


# --- what was sent


def read_order(document: dict[str, Any], *, now: dt.datetime) -> Order:
    """Raises BadInput naming the first field that is missing or wrong."""
    for name in ("orderId", "orderTotal", "customer"):
        if document.get(name) in (None, "", {}):
            raise BadInput(_("%(name)s is missing.") % {"name": name}, code="field_missing", details={"field": name})
    sent = document["orderId"]
    number = str(sent).strip() if isinstance(sent, (str, int)) and not isinstance(sent, bool) else ""
    if not 1 <= len(number) <= 64 or not number.isprintable():
        raise _wrong("orderId")
    total = parse_money(document["orderTotal"], name="orderTotal")
    if total <= 0:
        raise _wrong("orderTotal")
    phone, email, name = _read_customer(document["customer"])
    earned, used = _read_bonus(document, "bonusAmount"), _read_bonus(document, "usedBonusAmount")
    if not earned and not used:
        raise BadInput(_("bonusAmount or usedBonusAmount must be more than 0."), code="amounts_missing")
    if used != int(used):
        raise _wrong("usedBonusAmount")
    expected = points_of_order(as_rule(rule_in_force(now)), Totals(grand=total, goods=total), placed_at=now)
    if earned and abs(earned - expected) > TOLERANCE:
        raise BadInput(_("bonusAmount is not what this order earns."), code="bonus_mismatch")
    return Order(number, sent, total, expected if earned else 0, int(used), phone, email, name)


def _wrong(name: str) -> BadInput:
    return BadInput(_("%(name)s is not valid.") % {"name": name}, code="field_invalid", details={"field": name})


def _read_customer(value: Any) -> tuple[str, str, str]:
    if not isinstance(value, dict):
        raise _wrong("customer")
    texts = {}
    for name in ("phone", "email", "name"):
        found = value.get(name)
        if name == "phone" and isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        if found is not None and not isinstance(found, str):
            raise _wrong(f"customer.{name}")
        texts[name] = (found or "").strip()
    if not texts["phone"] and not texts["email"]:
        raise BadInput(_("The customer needs a phone or an e-mail address."), code="customer_missing")
    if texts["email"] and ("@" not in texts["email"] or len(texts["email"]) > 254):
        raise _wrong("customer.email")
    return normalise_phone(texts["phone"]) if texts["phone"] else "", texts["email"], texts["name"][:200]


def _read_bonus(document: dict[str, Any], name: str) -> Decimal:
    value = document.get(name)
    if value in (None, "", 0, "0"):
        return Decimal(0)
    points = parse_money(value, name=name)
    if not 0 < points <= MAX_AMOUNT_UAH:
        raise _wrong(name)
    return points


# --- what it does


def _claim(order: Order, caller: Caller, *, now: dt.datetime) -> Outcome:
    """A page or a session. Whatever is claimed of points to spend is neither checked nor refused: a refusal would tell the balance."""
    outcome = Outcome("expected", order.earned, order.used)
    owner = _claimant(order, now=now)
    if owner is None:
        return outcome
    is_own = caller.customer_id == owner
    claim = reporting.claim_order(
        source=SHOP, number=order.number, customer_id=owner, total=order.total, now=now, trust="session" if is_own else "page"
    )  # fmt: skip
    outcome.is_duplicate = claim.is_duplicate
    outcome.doubts = claim.doubts
    if is_own or settings.GET_CODE_MODE == "open":
        available = reckoning.balance(owner, now=now).available
        outcome.balances, outcome.is_told = (available, available, available), True
    return outcome


def _claimant(order: Order, *, now: dt.datetime) -> int | None:
    """Whom a claim concerns: the phone's customer. With an e-mail address alone it concerns nobody: to say whom would tell that the address is known.

    What a page says of name and e-mail is not taken over: it could be anybody's, and the e-mail is a way to prove a phone.
    """
    return customers.find_or_create(phone=order.phone, now=now) if order.phone else None


def _post(order: Order, caller: Caller, *, now: dt.datetime) -> Outcome:
    if order.phone:
        owner: int | None = customers.find_or_create(phone=order.phone, now=now, email=order.email, name=order.name)
    else:
        owner = customers.find_by_email(order.email)
    if owner is None:
        raise CustomerUnknown
    posted = posting.post_order(
        number=order.number, customer_id=owner, total=order.total, spends=order.used, earns=bool(order.earned), now=now, actor=caller.scope
    )  # fmt: skip
    return Outcome(
        "posted", posted.earned if order.earned else 0, posted.spent, (posted.before, posted.between, posted.after),
        is_told=True, is_duplicate=posted.is_duplicate,
    )  # fmt: skip


# --- what is answered


def _answer(order: Order, outcome: Outcome) -> dict[str, Any]:
    if outcome.is_duplicate:
        note = _("This order was recorded before; nothing changed.")
        return {
            "success": True, "duplicate": True, "message": note, "orderId": order.number_sent,
            "duplicate_details": {"success": True, "is_duplicate": True, "note": note},
        }  # fmt: skip
    posted = outcome.status == "posted"
    answer: dict[str, Any] = {
        "success": True,
        "message": _("Bonuses are posted.")
        if posted
        else _("The order is recorded; bonuses follow once it is completed."),
        "orderId": order.number_sent,
    }
    before, between, after = outcome.balances
    operations = []
    if order.earned:
        answer["bonusAmount"] = outcome.earned
    if order.used:
        answer["deductedAmount"] = outcome.used
        operations.append(
            {"type": "deduction", "amount": outcome.used, "balance_before": before, "balance_after": between}
        )
    if order.earned:
        operations.append(
            {"type": "accrual", "amount": outcome.earned, "balance_before": between, "balance_after": after}
        )
    return answer | {
        "status": outcome.status,
        "operations": operations,
        "keycrm_updated": False,
        "keycrm_details": _details(order, outcome) if outcome.is_told else {},
    }


def _details(order: Order, outcome: Outcome) -> dict[str, Any]:
    before, _between, after = outcome.balances
    if order.earned and order.used:
        return {
            "success": True, "initial_bonus": before, "used_bonus": outcome.used, "added_bonus": outcome.earned, "final_bonus": after,
        }  # fmt: skip
    moved = {"added_bonus": outcome.earned} if order.earned else {"deducted_bonus": outcome.used}
    return {"success": True, "previous_bonus": before, **moved, "new_bonus": after}
