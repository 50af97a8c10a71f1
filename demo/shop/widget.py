"""The store's private calls, as its scripts make them: the cart's actions, its HTML again, delivery. POST with the CSRF header.

Every answer is `{status, response}` with HTTP 200, also a refusal; only the `ajax_fails` switch answers 500.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.shop.checkout import read_order_form
from demo.shop.coupons import CouponsUnreachableError
from demo.shop.gate import language, shop_state, visitor, wait
from demo.shop.goods import BY_ARTICLE, warehouses
from demo.shop.pricing import CouponRefusedError, Line
from demo.shop.state import OutOfStockError
from demo.shop.views import FRONTS, sections_context
from demo.shop.wording import text

View = TypeVar("View", bound=Callable[..., Any])

TOKEN_HEADER = "X-CSRF-Token"

widget = Blueprint("widget", __name__)


@widget.before_request
def check_token() -> AnyResponse | tuple[str, int] | None:
    """The token in a form field instead of the header is not taken."""
    state = shop_state()
    wait(state.switches.ajax_seconds)
    state.count("ajax")
    if request.headers.get("X-Requested-With") != "XMLHttpRequest" or not state.take_token(
        visitor(), request.headers.get(TOKEN_HEADER, "")
    ):
        return _refused("BAD_CSRF")
    if state.switches.ajax_fails:
        return "Internal Server Error", 500
    return None


@widget.after_request
def next_token(answer: AnyResponse) -> AnyResponse:
    if shop_state().switches.csrf_every_call:
        answer.headers[TOKEN_HEADER] = shop_state().new_token(visitor())
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _call(path: str) -> Callable[[View], View]:
    def register(view: View) -> View:
        for front in FRONTS:
            widget.add_url_rule(f"{front}/_widget/{path}/", endpoint=view.__name__, view_func=view, methods=["POST"])
        return view

    return register


@_call("ajax_cart/<action>")
def cart_action(action: str) -> AnyResponse:
    state, form = shop_state(), request.form
    try:
        match action:
            case "init":
                pass
            case "appendProduct":
                _append(form.get("id", ""), form.get("quantity", "1"))
            case "appendProducts":
                for good_id in form.getlist("ids[]"):
                    _append(good_id, "1")
            case "setProductQuantityByHash":
                line = _line(form.get("hash", ""))
                state.put(visitor(), line.good.id, int(form.get("quantity", "")))
            case "removeProductByHash":
                state.put(visitor(), _line(form.get("hash", "")).good.id, 0)
            case "setCouponCode":
                return _set_coupon(form.get("code", ""))
            case _:
                return _refused("UNDEFINED_FUNCTION")
    except OutOfStockError as short:
        return _refused("CART_EXCEPTION", left=short.left, message=f"{text('only_left', language())} {short.left}")
    except (KeyError, ValueError):
        return _refused("CART_EXCEPTION")
    return _cart()


def _append(good_id: str, quantity: str) -> None:
    article = BY_ARTICLE.get(good_id)
    number = article.id if article else int(good_id)
    state = shop_state()
    state.put(visitor(), number, visitor().quantities.get(number, 0) + max(1, int(quantity)))


def _line(wanted: str) -> Line:
    """Raises KeyError."""
    for line in visitor().lines:
        if line.hash == wanted:
            return line
    raise KeyError(wanted)


def _set_coupon(code: str) -> AnyResponse:
    state = shop_state()
    try:
        state.apply_coupon(visitor(), code)
    except CouponRefusedError as refused:
        state.count("coupon_refused")
        return _refused("ERROR", reason=refused.reason, message=text(f"refused_{refused.reason}", language()))
    except CouponsUnreachableError:
        return _refused("ERROR", reason="unreachable", message=text("fault_unreachable", language()))
    return _cart()


@_call("ajax_cart/render/<skin>")
def render(skin: str) -> AnyResponse:
    """The HTML of a part of the page, as it is now: cart, order (the checkout's summary) or sections (its form)."""
    if skin == "sections":
        form = read_order_form(request.form)
        html = render_template("parts/sections.html", form=form, faults={}, **sections_context(form))
    elif skin in ("cart", "order"):
        html = render_template(f"parts/{skin}.html")
    else:
        return _refused("UNDEFINED_FUNCTION")
    return jsonify(status="OK", response={"html": html})


@_call("delivery/choose")
def choose_delivery() -> AnyResponse:
    shop_state().choose_delivery(visitor(), request.form.get("type", ""))
    return _cart()


@_call("delivery/warehouses")
def list_warehouses() -> AnyResponse:
    found = warehouses(request.form.get("city_id", ""))
    return jsonify(status="OK", response={"warehouses": {key: names[language()] for key, names in found.items()}})


def _refused(status: str, **said: Any) -> AnyResponse:
    return jsonify(status=status, response=said)


def _cart() -> AnyResponse:
    """Totals one level deeper than one would look for them, as the store has it."""
    state, coupon = shop_state(), visitor().coupon
    now = state.totals(visitor())
    response = {
        "total": {
            "total": {
                "default": _number(now.products),
                "sum": _number(now.sum),
                "quantity": now.quantity,
                "complete_price": _number(now.with_delivery),
            },
            "coupon_data": {
                "code": coupon.code if coupon else "",
                "type": coupon.kind if coupon else "",
                "discount_value": _number(now.coupon_discount),
            },
        },
        "products": {line.hash: _product(line) for line in visitor().lines},
    }
    return jsonify(status="OK", response=response)


def _product(line: Line) -> dict[str, Any]:
    good = line.good
    before = good.old_price or good.price
    return {
        "id": good.id,
        "hash": line.hash,
        "quantity": line.quantity,
        "price": _number(good.price),
        "title": good.title[language()],
        "article": good.article,
        "type": "product",
        "cprice": {
            "marker": "sale" if good.is_discounted else "",
            "discount_percent": round((1 - good.price / before) * 100),
            "discount_value": _number(before - good.price),
            "discounted_price": _number(good.price),
            "initial_price": _number(before),
        },
    }


def _number(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)
