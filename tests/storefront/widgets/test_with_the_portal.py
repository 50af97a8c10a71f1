"""The same journey with nothing played: the portal's own server, its rows, CORS and scripts, and the shop on another origin."""

import datetime as dt
import re
import threading
from contextlib import contextmanager

import pytest
import responses
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from bonuses.models import Hold, HoldState, OrderReport
from demo.shop.server import serve
from demo.shop.state import Links, ShopState
from storefront.configuration import versions
from storefront.models import WidgetLook, WidgetSighting
from storefront.tasks import send_digits
from tests.factories import make_codes, make_pool
from tests.staff import sign_in
from tests.storefront.street import make_shopper, open_gateway
from tests.storefront.widgets.shopper import DESKTOP, MOBILE, Shopper

PHONE = "+380000000001"


class Handler(WSGIRequestHandler):
    """Says nothing, and gives its thread's connection back: a test's database has to be empty of guests when it is swept."""

    def log_message(self, *_arguments):
        pass

    def finish(self):
        connections.close_all()
        super().finish()


class Server(ThreadedWSGIServer):
    daemon_threads = False


@contextmanager
def running_portal():
    server = Server(("127.0.0.1", 0), Handler, connections_override={})
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("device", [DESKTOP, MOBILE], ids=["desktop", "mobile"])
@pytest.mark.django_db(transaction=True)
def test_points_pay_for_an_order_through_the_real_portal(browser, settings, certificates, device):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    for code in make_codes(make_pool(100), 2) + make_codes(make_pool(200), 2):
        certificates.codes[code.code] = code.pool.amount_uah
    customer_id = make_shopper(timezone.now(), PHONE, points=250)
    context = browser.new_context(**device)
    with (
        running_portal() as portal,
        serve(ShopState(coupons=certificates, links=Links(portal=portal))) as shop,
        responses.mock,
    ):
        settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [shop.url]
        gateway = open_gateway(settings)
        shopper = Shopper(context, shop, None)
        shopper.go_to_checkout()
        shopper.open()
        shopper.widget.locator("#phone").fill(PHONE)
        with shopper.page.expect_response(re.compile("/api/v1/sessions$")):
            shopper.widget.locator("button.main").click()
        send_digits()
        shopper.widget.locator("#code").fill(gateway.digits())
        expect(shopper.widget).to_contain_text("У вас 250 бонусів")
        expect(shopper.widget).to_contain_text("Можна використати до 200")
        shopper.choose(100)
        shopper.widget.locator("button.main").click()
        shopper.expect_applied(100)
        shopper.page.reload()
        shopper.wake()
        shopper.expect_applied(100)
        shopper.fill_in()
        shopper.order()
        expect(shopper.page.locator("bonus-thankyou")).to_contain_text("+180 бонусів за це замовлення")
        context.close()
        assert shopper.trouble == []
        assert [row.origin for row in WidgetSighting.objects.all()] == [shop.url]
        number = str(shop.state.orders()[-1].number)
    hold = Hold.objects.get(customer_id=customer_id)
    report = OrderReport.objects.get(hold=hold)
    assert (hold.points, hold.state) == (100, HoldState.OPEN)
    assert report.order_number == number
    assert hold.expires_at > timezone.now() + dt.timedelta(hours=24), "a reported order keeps its hold"


@pytest.mark.django_db(transaction=True)
def test_staff_go_back_to_the_scripts_before_and_forward_again(browser, settings, certificates, client):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    *_, before, newest = versions()
    sign_in(client, "storefront.view_widgetlook", "storefront.dress_shop")

    def scripts_shown():
        """Those of ours that the shop's page has, once the widget is there."""
        shopper.go_to_checkout()
        return shopper.page.locator("script[integrity]").evaluate_all("all => all.map(one => [new URL(one.src).pathname, one.integrity])")  # fmt: skip

    with running_portal() as portal, serve(ShopState(coupons=certificates, links=Links(portal=portal))) as shop:
        settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [shop.url]
        shopper = Shopper(browser.new_context(**DESKTOP), shop, None)
        for version in (newest, before):
            chosen = {"save": "", "version": version, "accent": "#b45309", "theme": "auto", "reason": "trying"}
            client.post("/admin/storefront/widgetlook/install/", chosen)
        assert scripts_shown() == [[f"/static/gtm/{before}/checkout.js", versions()[before]["checkout"]]]
        first = WidgetLook.objects.earliest("id")
        client.post(f"/admin/storefront/widgetlook/{first.pk}/back/", {"reason": "it was not that"})
        assert scripts_shown() == [[f"/static/gtm/{newest}/checkout.js", versions()[newest]["checkout"]]]
        shopper.context.close()
    assert shopper.trouble == []
