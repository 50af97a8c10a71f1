"""A shopper without a browser: sends what the shop's pages would send and reads the answers' markup."""

import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from demo.panel.state import PanelState
from demo.shop.app import create_shop
from demo.shop.coupons import PanelCoupons
from demo.shop.state import Links, ShopState
from tests.demo.visitor import Clock, Page, RecordedWaits

PHONE = "Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36"
PORTAL = "http://portal.example:8000"
_TOKEN = re.compile(r'"GLOBAL_CSRF_TOKEN": "(\w+)"')
_FORM_TOKEN = re.compile(r'name="form_token" value="(\w+)"')


@dataclass
class Shopper:
    """One browser with its own cookies."""

    state: ShopState
    panel: PanelState
    clock: Clock
    client: FlaskClient
    waits: RecordedWaits
    prefix: str = ""
    agent: str = "Mozilla/5.0 (X11; Linux x86_64)"
    token: str = ""
    form_token: str = ""

    def get(self, path: str) -> Page:
        return self._page(self.client.get(self.prefix + path, headers={"User-Agent": self.agent}))

    def post(self, path: str, fields: dict[str, Any], headers: dict[str, str]) -> TestResponse:
        return self.client.post(
            f"{self.prefix}/_widget/{path}/", data=fields, headers={"User-Agent": self.agent, **headers}
        )

    def call(self, path: str, **fields: Any) -> dict[str, Any]:
        """A call of the store's scripts, with the token of the page that is open."""
        if not self.token:
            self.get("/")
        headers = {"X-CSRF-Token": self.token, "X-Requested-With": "XMLHttpRequest"}
        answer = self.post(path, fields, headers)
        self.token = answer.headers.get("X-CSRF-Token", self.token)
        said: dict[str, Any] = answer.get_json()
        return said

    def buy(self, *goods: int) -> dict[str, Any]:
        """Put each of these goods into the cart once."""
        said: dict[str, Any] = {}
        for good in goods:
            said = self.call("ajax_cart/appendProduct", id=good)
        return said

    def coupon(self, code: str) -> dict[str, Any]:
        return self.call("ajax_cart/setCouponCode", code=code, skin="desktop")

    def part(self, skin: str, **fields: Any) -> Page:
        return Page(200, self.call(f"ajax_cart/render/{skin}", **fields)["response"]["html"])

    def order(self, **changes: str) -> Page:
        """Fill the checkout's form as it should be filled, change what is given, press the button, follow."""
        if not self.form_token:
            self.get("/checkout/")
        filled = {
            "form_token": self.form_token,
            "Recipient[delivery_name]": "Олена Вигадана",
            "Recipient[delivery_phone]": "+38 (000) 000-00-01",
            "Recipient[delivery_city_id]": "102",
            "Delivery[delivery_type]": "nova",
            "Delivery[nova][warehouse.id]": "10202",
            "Payment[payment_type]": "cod",
            **changes,
        }
        answer = self.client.post(
            f"{self.prefix}/order/submit/", data=filled, headers={"User-Agent": self.agent}, follow_redirects=True
        )
        return self._page(answer)

    def _page(self, answer: TestResponse) -> Page:
        text = answer.get_data(as_text=True)
        if found := _TOKEN.search(text):
            self.token = found[1]
        if found := _FORM_TOKEN.search(text):
            self.form_token = found[1]
        return Page(answer.status_code, text)


def shopper(state: ShopState | None = None, **switches: Any) -> Shopper:
    """A new browser in front of a shop (a new one, unless given) that takes three codes of its panel."""
    clock = Clock()
    panel = PanelState(clock=clock)
    if state is None:
        for code, amount in (("BON100A", 100), ("BON200B", 200), ("BON2000C", 2000)):
            panel.add_code(code, amount)
        panel.add_code("SALE10", 10, kind="2", quantity=2)
        state = ShopState(coupons=PanelCoupons(panel), links=Links(portal=PORTAL), clock=clock)
    if switches:
        state.set_switches(**switches)
    waits = RecordedWaits()
    return Shopper(state, panel, clock, create_shop(state, stopping=waits).test_client(), waits)
