"""A requests session that talks to a simulated CRM in this process: no socket, so thousands of calls are cheap and a test's clock is the only clock."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import Client

from demo.crm.app import create_crm
from demo.crm.state import CrmState

BASE_URL = "http://crm.example/v1"


class InProcess(BaseAdapter):
    """`on_call` sees each prepared request and its answer: a test checks both against the description, or raises a lost connection."""

    def __init__(
        self,
        state: CrmState,
        *,
        on_call: Callable[[requests.PreparedRequest, requests.Response], None] | None = None,
        on_send: Callable[[requests.PreparedRequest], None] | None = None,
    ) -> None:
        super().__init__()
        self._client = Client(create_crm(state))
        self._on_call, self._on_send = on_call, on_send
        self._builder = HTTPAdapter()
        self._lock = threading.Lock()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._on_send:
            self._on_send(request)
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        with self._lock:
            answer = self._client.open(
                str(request.path_url),
                base_url="http://crm.example",
                method=request.method,
                headers=list(request.headers.items()),
                data=body,
                environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
            )
        raw = HTTPResponse(
            body=io.BytesIO(answer.get_data()),
            headers=HTTPHeaderDict(answer.headers.items()),
            status=answer.status_code,
            preload_content=False,
        )
        response = self._builder.build_response(request, raw)
        if self._on_call:
            self._on_call(request, response)
        return response

    def close(self) -> None:
        self._builder.close()


def session_to(state: CrmState, **watching: Any) -> requests.Session:
    """Use with `BASE_URL`."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://crm.example", InProcess(state, **watching))
    return session
