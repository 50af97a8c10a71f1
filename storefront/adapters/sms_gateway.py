"""An SMS gateway that speaks JSON: `POST {"to", "text", "sender"}` with a bearer key, 202 `{"id"}`.

Many gateways of the country can be put behind these few lines; another one is another small file like this.
"""

from __future__ import annotations

import requests

from storefront.errors import MessagePermanent, MessageTemporary, MessengerRefusesUs

TIMEOUT_SECONDS = (3.05, 10)
_TRY_LATER = {408, 425, 429}
# Our key, our account's money, our address of the gateway: nothing that the phone could help.
_REFUSES_US = {401, 402, 403, 404, 405}


class SmsGateway:
    def __init__(self, *, url: str, key: str, sender: str) -> None:
        self._url, self._key, self._sender = url, key, sender

    def send(self, *, to: str, text: str) -> str:
        try:
            answer = requests.post(
                self._url,
                json={"to": to, "text": text, "sender": self._sender},
                headers={"Authorization": f"Bearer {self._key}"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise MessageTemporary(type(error).__name__) from error
        if answer.status_code in _TRY_LATER or answer.status_code >= 500:
            raise MessageTemporary(f"status {answer.status_code}")
        if answer.status_code in _REFUSES_US or answer.is_redirect:
            raise MessengerRefusesUs(f"status {answer.status_code}")
        if answer.status_code not in {200, 201, 202}:
            raise MessagePermanent(f"status {answer.status_code}")
        return _number_of(answer)


def _number_of(answer: requests.Response) -> str:
    """It was taken, whatever else the answer says: sending again for an unreadable number would only cost."""
    try:
        document = answer.json()
    except ValueError:
        return ""
    return str(document.get("id", ""))[:80] if isinstance(document, dict) else ""
