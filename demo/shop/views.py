"""The pages that a customer sees, in every language: home, product, cart, checkout, placing the order, thank-you.

What the pages call behind the customer's back is in `widget.py`.
"""

import secrets
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.shop.checkout import OrderForm, faults, read_order_form
from demo.shop.coupons import CouponsUnreachableError
from demo.shop.gate import LAYOUT_COOKIE, is_mobile, language, shop_state, visitor
from demo.shop.goods import BY_SLUG, CITIES, DELIVERIES, GOODS, PAYMENTS, warehouses
from demo.shop.pricing import CouponRefusedError
from demo.shop.state import EmptyCartError
from demo.shop.tags import CONTAINER, container
from demo.shop.wording import minus, money, text

LIBRARY = Path(__file__).resolve().parent / "static" / "gtm.js"
# What may stand before a path: nothing in the default language.
FRONTS = ("", "/<any(ua,ru,en):prefix>")
PHONE_MASK = "+38 (999) 999-99-99"

pages = Blueprint("pages", __name__)


@pages.app_url_value_preprocessor
def take_prefix(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    g.prefix = (values or {}).pop("prefix", "")


def in_every_language(path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Serve a page at its address and behind each language's prefix."""

    def register(view: Callable[..., Any]) -> Callable[..., Any]:
        for front in FRONTS:
            pages.add_url_rule(front + path, endpoint=view.__name__, view_func=view, **options)
        return view

    return register


def link(path: str) -> str:
    """An address of ours in the language of this page."""
    return f"/{g.prefix}{path}" if g.get("prefix") else path


@pages.app_context_processor
def for_every_template() -> dict[str, Any]:
    if request.path.startswith("/_demo/"):
        return {}
    state, lang = shop_state(), language()
    style = state.switches.money_format

    def hryvnias(amount: Decimal) -> str:
        return money(amount, style)

    def off(amount: Decimal) -> str:
        return minus(amount, style)

    return {
        "t": lambda key: text(key, lang),
        "lang": lang,
        "link": link,
        "here": request.path.removeprefix(f"/{g.prefix}") if g.get("prefix") else request.path,
        "money": hryvnias,
        "minus": off,
        "switches": state.switches,
        "links": state.links,
        "mobile": is_mobile(),
        "visitor": visitor(),
        "lines": visitor().lines,
        "totals": state.totals(visitor()),
        "container_id": CONTAINER,
    }


def page(template: str, **context: Any) -> str:
    """A whole page, with a CSRF token of its own as every page of the store has."""
    state = shop_state()
    state.count("page")
    started = {
        "GLOBAL_CSRF_TOKEN": state.new_token(visitor()),
        "phone_mask": PHONE_MASK,
        "lang": language(),
        "currency": "UAH",
        "prefix": link("/").rstrip("/"),
        "skin": "mobile" if is_mobile() else "desktop",
        "ajax_cart": state.switches.ajax_cart,
        "whole_rerender": state.switches.whole_rerender,
        "coupon_resets_delivery": state.switches.coupon_resets_delivery,
        "data_layer": state.switches.data_layer,
        "data_layer_ms": round(state.switches.data_layer_seconds * 1000),
    }
    return render_template(template, started=started, **context)


@in_every_language("/")
def home() -> str | AnyResponse:
    if (chosen := request.args.get("layout")) in ("mobile", "desktop"):
        answer = redirect(link("/"), 303)
        answer.set_cookie(LAYOUT_COOKIE, chosen, samesite="Lax", path="/")
        return answer
    return page("home.html", goods=GOODS)


@in_every_language("/product/<slug>/")
def product(slug: str) -> str:
    good = BY_SLUG.get(slug)
    if good is None:
        abort(404)
    others = sorted((one for one in GOODS if one is not good), key=lambda one: one.category != good.category)
    return page("product.html", good=good, others=others[:4])


@in_every_language("/cart/")
def cart() -> str:
    return page("cart_page.html")


@in_every_language("/checkout/")
def checkout() -> str | AnyResponse:
    if not visitor().quantities:
        return redirect(link("/"), 302)
    return checkout_page(OrderForm(), {})


def checkout_page(form: OrderForm, found: dict[str, str]) -> str:
    return page("checkout.html", form=form, faults=found, form_token=secrets.token_hex(8), **sections_context(form))


def sections_context(form: OrderForm) -> dict[str, Any]:
    """What the form's sections need, on the page and when they are rendered alone."""
    return {
        "deliveries": DELIVERIES,
        "cities": CITIES,
        "payments": PAYMENTS,
        "warehouses": warehouses(form.city_id),
        "chosen_delivery": visitor().delivery,
    }


@in_every_language("/order/submit/", methods=["POST"])
def place_order() -> str | AnyResponse:
    state, form = shop_state(), read_order_form(request.form)
    state.choose_delivery(visitor(), form.delivery)
    found = faults(form)
    if found and visitor().quantities:
        state.count("order_refused")
        return checkout_page(form, found)
    try:
        state.place(
            visitor(),
            form_token=form.token,
            buyer=form.buyer,
            delivery=form.delivery,
            city_id=form.city_id,
            place=form.place,
            payment=form.payment,
            comment=form.comment,
            language=language(),
        )
    except EmptyCartError:
        return redirect(link("/"), 303)
    except CouponRefusedError:
        return checkout_page(form, {"coupon": "fault_coupon"})
    except CouponsUnreachableError:
        return checkout_page(form, {"coupon": "fault_unreachable"})
    return redirect(link("/checkout/complete/"), 303)


@in_every_language("/checkout/complete/")
def complete() -> str | AnyResponse:
    order = shop_state().order(visitor().last_order)
    if order is None:
        return redirect(link("/"), 302)
    purchase = {
        "transaction_id": str(order.number),
        "value": float(order.totals.with_delivery),
        "coupon": order.promocode,
        "items": [
            {
                "item_id": line.good.article,
                "item_name": line.good.title[language()],
                "price": float(line.good.price),
                "quantity": line.quantity,
            }
            for line in order.lines
        ],
    }
    return page("complete.html", order=order, payments=PAYMENTS, purchase=purchase)


@pages.get("/_gtm/gtm.js")
def tag_manager() -> AnyResponse:
    """The library with the container inside, as Google serves it."""
    script = LIBRARY.read_text(encoding="utf-8")
    packed = current_app.json.dumps(container(shop_state()))
    answer = make_response(f"window.__container = {packed};\n{script}")
    answer.headers["Content-Type"] = "text/javascript; charset=utf-8"
    answer.headers["Cache-Control"] = "no-store"
    return answer
