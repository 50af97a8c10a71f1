"""Whether a page of the shop could talk to us: the calls that its browser would make, sent through our own middleware with its origin.

What lies between (DNS, a proxy, the shop's own policy) only the shop's pages can tell: staff open one with a token, and its tag comes back (storefront.trials).
"""

from __future__ import annotations

import base64
import contextvars
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext

from storefront import trials
from storefront.configuration import read_built, versions
from storefront.services.refusing import TRIAL


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    what: str
    is_good: bool
    about: str = ""


def try_connection(origin: str, *, around: HttpRequest) -> list[Finding]:
    """The preflight of a call that carries a session, the configuration, and the script that it names."""
    ask = _Asking(origin, around)
    preflight = ask.send(
        "OPTIONS",
        "/api/v1/redemptions",
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type,idempotency-key",
    )
    allowed = preflight.headers.get("access-control-allow-headers", "").lower()
    findings = [
        Finding(
            gettext("A page of this origin may call the API"),
            _allows(preflight, origin) and "authorization" in allowed and "idempotency-key" in allowed,
            gettext("Is it in STOREFRONT_ORIGINS, written exactly like this?"),
        )
    ]
    answer = ask.send("GET", "/widgets/config.json?lang=uk")
    document = json.loads(answer.content) if answer.status_code == 200 else {}  # type: ignore[attr-defined]
    findings.append(Finding(gettext("It may read the configuration"), _allows(answer, origin) and bool(document)))
    if document.get("off"):
        findings.append(Finding(gettext("The widgets are switched on"), False, gettext("They are switched off.")))
    findings.append(_try_scripts(str(document.get("version", ""))))
    return findings


def findings_of_trial(failed: str) -> list[Finding]:
    """What a page of the shop found: everything up to the step that failed. Empty where that is no step."""
    policy = gettext(
        "The shop's Content-Security-Policy has to allow the portal in %s; or its name leads elsewhere from there."
    )
    steps = {
        "tag": Finding(gettext("The tag is on the page and runs"), True),
        "config": Finding(gettext("It may read the configuration"), True, policy % "connect-src"),
        "script": Finding(gettext("It may load scripts of the portal"), True, policy % "script-src"),
        "widget": Finding(gettext("The widget's script is what its hash says"), True, gettext("Something on the way changes it.")),
        "api": Finding(gettext("A page of this origin may call the API"), True, policy % "connect-src"),
    }  # fmt: skip
    if failed and failed not in trials.STEPS:
        return []
    found: list[Finding] = []
    for name in trials.STEPS:
        if name == failed:
            return [*found, replace(steps[name], is_good=False)]
        found.append(steps[name])
    return found


class _Asking:
    """Requests as the shop's browser sends them: to this host, with that origin."""

    def __init__(self, origin: str, around: HttpRequest) -> None:
        self._handler = BaseHandler()
        self._handler.load_middleware()
        self._factory = RequestFactory(
            SERVER_NAME=urlsplit(f"//{around.get_host()}").hostname or "localhost",
            HTTP_HOST=around.get_host(),
            HTTP_ORIGIN=origin,
        )
        self._scheme = around.scheme or "http"

    def send(self, method: str, path: str, **headers: Any) -> HttpResponseBase:
        request = self._factory.generic(method, path, secure=self._scheme == "https", **headers)
        request.META[TRIAL] = True
        # What a request leaves behind in its thread (its language, its id in the log) must not reach the page around us.
        with translation.override(translation.get_language()):
            return contextvars.copy_context().run(self._handler.get_response, request)


def _allows(answer: HttpResponseBase, origin: str) -> bool:
    return answer.status_code < 400 and answer.headers.get("access-control-allow-origin") == origin


def _try_scripts(version: str) -> Finding:
    """A browser runs a script only if it is byte for byte what the configuration's hash says."""
    wrong = [name for name, wanted in versions().get(version, {}).items() if _hash_of(version, name) != wanted]
    return Finding(
        gettext("The scripts are what their hashes say"), bool(version) and not wrong, ", ".join(f"{name}.js" for name in wrong)
    )  # fmt: skip


def _hash_of(version: str, name: str) -> str:
    try:
        content = read_built(f"{version}/{name}.js")
    except (OSError, ValueError):  # no such file, or none in the manifest
        return ""
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()
