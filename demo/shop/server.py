"""Running the shop: `serve(state)` in threads for tests, and the command line for `make run`."""

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from demo.serving import serve_in_a_thread, serve_until_stopped
from demo.shop.app import create_shop
from demo.shop.coupons import NoCoupons, PanelDoor
from demo.shop.crm import keep_carrying
from demo.shop.state import Links, ShopState


@dataclass(frozen=True)
class RunningShop:
    """A shop that answers at `url` (no slash at the end) until its `serve` block is left."""

    url: str
    port: int
    state: ShopState

    def page(self, path: str = "/", *, prefix: str = "") -> str:
        """An address in a language: prefix "ru", "ua" or "en"."""
        return f"{self.url}/{prefix}{path}" if prefix else f"{self.url}{path}"

    def checkout(self, goods: str = "LK-501:1", *, prefix: str = "") -> str:
        """An address that fills the browser's cart with exactly these goods and goes on to the checkout."""
        return f"{self.url}/_demo/fill?goods={goods}&to={f'/{prefix}' if prefix else ''}/checkout/"


@contextmanager
def serve(state: ShopState, port: int = 0, *, host: str = "127.0.0.1") -> Iterator[RunningShop]:
    """Serve the shop, and carry its orders to the CRM when it knows one, from threads of this process.

    Port 0 takes a free one. Raises OSError when the port is taken.
    """

    def build(stopping: threading.Event) -> Flask:
        return create_shop(state, stopping=stopping)

    with carried_orders(state), serve_in_a_thread(build, host=host, port=port, name="shop") as taken:
        yield RunningShop(f"http://{host}:{taken}", taken, state)


@contextmanager
def carried_orders(state: ShopState) -> Iterator[None]:
    """Orders go to the CRM while the block runs."""
    stopping = threading.Event()
    thread = threading.Thread(target=keep_carrying, args=(state, stopping), name="shop-crm", daemon=True)
    if state.crm_url:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        state.order_placed.set()
        if state.crm_url:
            thread.join(timeout=15)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo.shop", description="The simulated shop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8802)
    parser.add_argument("--state", type=Path, help="JSON file that keeps the orders between runs")
    parser.add_argument("--panel", default="", help="address of the simulated panel, whose codes the checkout takes")
    parser.add_argument("--portal", default="", help="address of the portal, filled into the tags")
    parser.add_argument("--crm", default="", help="address of the simulated CRM, for the link on the home page")
    parser.add_argument("--crm-api", default="", help="its API, where orders are posted to (…/order)")
    parser.add_argument("--crm-key", default="", help="its API key")
    parser.add_argument("--hint", action="store_true", help="a new shop starts with the hint's tag on every page")
    parser.add_argument("--sms", default="", help="address of the simulated SMS phone, for the link")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit status: 2 when the port is taken or the state file is not ours."""
    chosen = _parser().parse_args(arguments)
    if chosen.state is not None:
        chosen.state.parent.mkdir(parents=True, exist_ok=True)
    try:
        state = ShopState(
            chosen.state,
            coupons=PanelDoor(chosen.panel.rstrip("/")) if chosen.panel else NoCoupons(),
            links=Links(portal=chosen.portal, panel=chosen.panel, crm=chosen.crm, sms=chosen.sms),
            crm_url=chosen.crm_api,
            crm_key=chosen.crm_key,
        )
        if chosen.hint and not (chosen.state is not None and chosen.state.exists()):
            state.set_switches(gtm_hint=True)
    except (ValueError, KeyError, TypeError) as broken:
        sys.stderr.write(f"{chosen.state} is not a state file of this shop ({broken}): remove it to start afresh\n")
        return 2

    def greeting(port: int) -> str:
        return f"shop: http://{chosen.host}:{port}/  switches: /_demo/"

    with carried_orders(state):
        return serve_until_stopped(
            lambda stopping: create_shop(state, stopping=stopping),
            host=chosen.host,
            port=chosen.port,
            greeting=greeting,
        )
