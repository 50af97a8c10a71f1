"""What tests of the widgets say again and again: a shopper at the checkout, with points, with a coupon; a hold; a page that is older than it looks."""

from datetime import UTC, datetime, timedelta

from tests.storefront.widgets.shopper import PHONE

REDRAW = "AjaxCart.getInstance().reloadHtml()"
MORE = "(cart => cart.setProductQuantityByHash(Object.keys(cart.Cart.products)[0], {}))(AjaxCart.getInstance())"
COME_BACK = "document.dispatchEvent(new Event('visibilitychange'))"
END_SESSION = "sessionStorage.clear()"
TOO_OLD = "BonusWidgets.readAt -= 60000"


def arrive(shopper, goods="LK-501:1"):
    """At the checkout, once the shop draws nothing anew by itself."""
    shopper.go_to_checkout(goods)
    until_drawn(shopper)


def until_drawn(shopper):
    shopper.page.wait_for_function("window.AjaxCart && AjaxCart.getInstance().Cart.total.sum > 0")


def see_points(shopper, goods="LK-501:1"):
    arrive(shopper, goods)
    shopper.prove()
    shopper.widget.locator("#number, .back").first.wait_for()


def ask_for_digits(shopper):
    shopper.open()
    shopper.widget.locator("#phone").fill(PHONE)
    shopper.widget.locator("button.main").click()


def paste(shopper, field, text):
    shopper.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shopper.widget.locator(field).fill("")
    shopper.page.evaluate("text => navigator.clipboard.writeText(text)", text)
    shopper.page.keyboard.press("Control+V")


def type_coupon(shopper, code):
    if (closed := shopper.page.locator(".j-coupon-add:visible")).count():
        closed.click()
    shopper.page.locator(".j-coupon-input").fill(code)
    shopper.page.locator(".j-coupon-submit").click()


def hold_of(points, **changes):
    return {
        "id": "hold-9", "promo_code": f"BON{points}TEST009", "points": points, "status": "open",
        "expires_at": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(), **changes,
    }  # fmt: skip


def buy(shopper, goods="LK-501:1", *, prefix=""):
    shopper.page.goto(shopper.shop.checkout(goods, prefix=prefix))
    shopper.fill_in()
    shopper.order()


def card(shopper):
    return shopper.page.locator("bonus-thankyou")


CREDIT = {"kind": "credit", "points": 184, "cursor": "7-7"}


def toasts(shopper):
    return shopper.page.locator("bonus-toasts")


def bring_a_session(shopper):
    """As a page has it that is loaded after the phone was proved."""
    shopper.context.add_init_script(
        "sessionStorage.setItem('bonus_token', JSON.stringify({token: 'an-invented-token', until: Date.now() + 60000}))"
    )


def held_back(page, path):
    """Calls of the shop that are not answered yet."""
    held = []

    def keep(route):  # a built-in `append` is nothing that the browser's driver can call
        held.append(route)

    page.route(f"**/_widget/ajax_cart/{path}/**", keep)
    return held


def wait_for(page, held):
    for _ in range(100):
        if held:
            return held[0]
        page.wait_for_timeout(50)
    raise AssertionError("the shop was not called")
