"""Who may come through `/_demo/`, the demonstration's own door of every simulated service: this machine, called by its own name.

With POSTs taken only as JSON (`get_json` refuses the rest) a form on a foreign page gets nowhere: it can post, but cannot send that content type without being
asked first.
"""

import ipaddress
from urllib.parse import urlsplit

from flask import abort, request


def loopback_only() -> None:
    """Caller and called name must both be this machine: no page reaches in by a foreign name for this address."""
    name = urlsplit(f"//{request.host}").hostname or ""
    if not (_is_loopback(request.remote_addr or "") and (name == "localhost" or _is_loopback(name))):
        abort(403)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
