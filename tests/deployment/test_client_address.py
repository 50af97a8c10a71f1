"""Whose address is written down when a code is handed out: under gunicorn, and behind one proxy that settings name. (On Lambda: test_package.)

Real processes and sockets. The shopper connects from 127.0.0.2, so that she and the proxy (127.0.0.1) can be told apart on one machine.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.deployment.conftest import AMOUNT
from tests.flows.world import wait_for
from tools.children import start_child, stop_child
from tools.places import ROOT
from tools.ports import LOOPBACK, free_port

SHOPPER = "127.0.0.2"
FORGERIES = [{}, {"X-Forwarded-For": "198.51.100.66"}, {"X-Forwarded-For": "198.51.100.66, 198.51.100.67"}, {"Forwarded": "for=198.51.100.66"},
             {"X-Real-IP": "198.51.100.66", "CloudFront-Viewer-Address": "198.51.100.66:80"}]  # fmt: skip
pytestmark = pytest.mark.timeout(600)


class _Proxy(BaseHTTPRequestHandler):
    """What nginx does with `proxy_add_x_forwarded_for`: who connected is added at the end of what was sent."""

    portal_port = 0

    def do_GET(self) -> None:
        sent = self.headers.get("X-Forwarded-For")
        headers = {name: value for name, value in self.headers.items() if name.lower() != "x-forwarded-for"}
        added = ", ".join(filter(None, [sent, self.client_address[0]]))
        status, body = asked(self.portal_port, self.path, {**headers, "X-Forwarded-For": added}, source=LOOPBACK)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


def asked(port: int, path: str, headers: dict[str, str], *, source: str = SHOPPER) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30, source_address=(source, 0))
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def gunicorn(cloud, folder, **variables: str) -> Iterator[int]:
    """A portal on a port of its own, on the packaged function's rows."""
    port = free_port()
    environment = {**os.environ, "PORTAL_STAGE": "test", "DATABASE_URL": cloud.database_url, "REDIS_URL": "", "S3_BUCKET": "", "BROKER_URL": "",
                   "GET_CODE_MODE": "open", "VAR_DIR": str(folder), **variables}  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "bonusportal.wsgi", "--bind", f"{LOOPBACK}:{port}", "--worker-class", "gthread", "--log-level",
               "warning", "--no-control-socket"]  # fmt: skip
    child = start_child(command, log=folder / "gunicorn.log", env=environment, cwd=ROOT)
    try:
        wait_for(lambda: is_alive(port), what="gunicorn")
        yield port
    finally:
        stop_child(child)


def is_alive(port: int) -> bool:
    try:
        return asked(port, "/healthz", {})[0] == 200
    except OSError:
        return False


@contextmanager
def proxied(port: int) -> Iterator[int]:
    handler = type("Proxy", (_Proxy,), {"portal_port": port})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def written_addresses(cloud, port: int) -> set[str]:
    """Take a code under every forgery; the addresses that were written down for them."""
    codes = []
    for forgery in FORGERIES:
        status, body = asked(port, f"/get-code?amount={AMOUNT}", forgery)
        assert status == 200, body
        codes.append(json.loads(body)["promo_code"])
    listed = ", ".join(f"'{code}'" for code in codes)
    found = cloud.rows(
        f"SELECT caller_address FROM promo_issue i JOIN promo_code c ON c.id = i.code_id WHERE c.code IN ({listed})"
    )
    assert len(found) == len(FORGERIES)
    return {address for (address,) in found}


def test_under_gunicorn_it_is_who_connected(web, cloud, tmp_path):
    with gunicorn(cloud, tmp_path) as port:
        assert written_addresses(cloud, port) == {SHOPPER}


def test_behind_one_trusted_proxy_it_is_who_connected_to_the_proxy(web, cloud, tmp_path):
    with gunicorn(cloud, tmp_path, TRUSTED_PROXIES=f"{LOOPBACK}/32") as port, proxied(port) as door:
        assert written_addresses(cloud, door) == {SHOPPER}


def test_a_proxy_that_nobody_named_is_taken_for_the_shopper(web, cloud, tmp_path):
    """The negative control: it is the setting that makes the difference, and forgetting it is safe."""
    with gunicorn(cloud, tmp_path) as port, proxied(port) as door:
        assert written_addresses(cloud, door) == {LOOPBACK}
