"""One browser and one shop for all tests of a worker; each test gets a new visitor, a new portal, and the shop's switches as observed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo.shop.server import RunningShop, serve
from demo.shop.state import Links, ShopState
from demo.shop.switches import Switches
from tests.storefront.widgets.shopper import DESKTOP, Shopper
from tests.storefront.widgets.stand_in import PORTAL, Certificates, Portal

# Only a test that fails waits as long; a busy machine is no failure.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture(scope="session")
def _running_shop(certificates: Certificates) -> Iterator[RunningShop]:
    with serve(ShopState(coupons=certificates, links=Links(portal=PORTAL))) as running:
        yield running


@pytest.fixture
def shop(_running_shop: RunningShop) -> RunningShop:
    _running_shop.state.replace_switches(Switches())
    return _running_shop


@pytest.fixture
def portal(certificates: Certificates) -> Portal:
    certificates.codes.clear()
    return Portal(certificates)


@pytest.fixture
def visit(browser: Browser, shop: RunningShop, portal: Portal) -> Iterator[Callable[..., Shopper]]:
    """`visit()` is a new visitor, `visit(another)` a second tab of the same one. What a page's scripts threw fails the test."""
    contexts, shoppers = [], []

    def begin(beside: Shopper | None = None, **options: Any) -> Shopper:
        if beside is None:
            context = browser.new_context(**{**DESKTOP, **options})
            context.set_default_timeout(15_000)
            portal.attach(context)
            contexts.append(context)
        else:
            context = beside.context
        shoppers.append(Shopper(context, shop, portal))
        return shoppers[-1]

    yield begin
    thrown = [line for shopper in shoppers for line in shopper.trouble]
    for context in contexts:
        context.close()
    assert thrown == []


@pytest.fixture
def shopper(visit: Callable[..., Shopper]) -> Shopper:
    return visit()
