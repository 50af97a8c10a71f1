"""A simulated CRM in this process, and the real client at it, with a clock that only sleeping moves."""

import datetime as dt

import requests
import urllib3

from demo.crm.state import CrmState
from demo.crm.switches import Switches
from demo.crm.transport import BASE_URL, session_to
from keycrm.client import KeyCrm
from keycrm.line import SharedLine

NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
OLENA = "+380000000001"


class Clock:
    """Time for client and CRM alike. What slept is written down."""

    def __init__(self):
        self.seconds, self.slept = 0.0, []

    def now(self):
        return NOW + dt.timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds


class World:
    """`state` is the CRM; `seen` are the calls that went out, as (method, path). Faults are raised instead of sending, or instead of the answer.

    `on_send` sees every request before it goes out; with it none is kept.
    """

    def __init__(self, *, on_call=None, on_send=None, **switches):
        self.clock = Clock()
        self.state = CrmState(switches=Switches(**switches), clock=self.clock.now)
        self.requests, self.faults_before, self.faults_after = [], [], []
        self.on_call, self.on_send = on_call, on_send
        self.session = session_to(self.state, on_send=self._before, on_call=self._after)

    @property
    def seen(self):
        return [(one.method, one.path_url.split("?")[0].removeprefix("/v1")) for one in self.requests]

    def _before(self, request):
        if self.on_send:
            self.on_send(request)
        else:
            self.requests.append(request)
        if self.faults_before:
            raise self.faults_before.pop(0)

    def _after(self, request, response):
        if self.on_call:
            self.on_call(request, response)
        if self.faults_after:
            raise self.faults_after.pop(0)

    def line(self, *, account="one", calls_per_minute=50, redis_url=""):
        """The real line, by this world's clock."""
        return SharedLine(
            account=account,
            calls_per_minute=calls_per_minute,
            redis_url=redis_url,
            sleep=self.clock.sleep,
            clock=self.clock.monotonic,
            now=lambda: self.clock.now().timestamp(),
        )

    def client(self, **options):
        return KeyCrm(
            **{
                "base_url": BASE_URL,
                "token": self.state.token,
                "session": self.session,
                "sleep": self.clock.sleep,
                "clock": self.clock.monotonic,
            }
            | options
        )

    def olena(self, **more):
        return self.state.create_buyer("Олена Приклад", phones=[OLENA], emails=["olena@customer.example"], **more)

    def order(self, number="70415", *, price=249, quantity=2, phone=OLENA, name="Олена Приклад", **more):
        body = {
            "source_id": 1,
            "source_uuid": number,
            "buyer": {"full_name": name, "phone": phone},
            "products": [{"sku": "TEA-100", "name": "Чай", "price": price, "quantity": quantity}],
        }
        return self.state.create_order(body | more)


def not_connected():
    """As requests raises it when nothing was sent."""
    pool = urllib3.HTTPConnectionPool("crm.example")
    return requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(
            pool,
            "/",
            urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("crm.example"), "refused"),
        )
    )
