"""The token of a session: who proved a phone carries it for half an hour. Signed, bound to this purpose, stored nowhere.

What is stored is how it ends early: a door that staff closed, or a moment up to which all tokens of a customer are worth nothing.
"""

from __future__ import annotations

import datetime as dt

from django.core import signing
from django.db.models import Q

from bonuses.models import Customer
from storefront.models.doors import Door

LIVES = dt.timedelta(minutes=30)
# Another purpose signs with another salt, so no other signed text of the portal is a token, and no token anything else.
_PURPOSE = "storefront.session.v1"
_MAX_LENGTH = 300


def _signer() -> signing.Signer:
    """Made anew each time: settings name the key, and the former keys that still open (SECRET_KEY_FALLBACKS)."""
    return signing.Signer(salt=_PURPOSE, sep=".")


def make_token(*, customer_id: int, now: dt.datetime) -> str:
    return _signer().sign_object({"c": customer_id, "t": int(now.timestamp() * 1000)})


def read_token(token: str, *, now: dt.datetime) -> int | None:
    """The customer who carries this token; None for a forged, expired or revoked one, and while the customer or the whole storefront is switched off.

    A customer merged in the meantime is answered as the survivor.
    """
    if len(token) > _MAX_LENGTH or not token.isascii():
        return None
    try:
        carried = _signer().unsign_object(token)
    except signing.BadSignature:
        return None
    customer_id, made_at = carried["c"], dt.datetime.fromtimestamp(carried["t"] / 1000, tz=dt.UTC)
    # A host whose clock is behind the one that made the token is no reason to refuse; hours ahead would be.
    if not now - LIVES < made_at <= now + dt.timedelta(minutes=1):
        return None
    return _whom_it_opens_for(customer_id, made_at)


def _whom_it_opens_for(customer_id: int, made_at: dt.datetime) -> int | None:
    found = Customer.objects.filter(pk=customer_id).values_list("merged_into_id", "erased_at").first()
    if found is None or found[1] is not None:
        return None
    living_id = found[0] or customer_id
    for is_open, revoked_at in Door.objects.filter(
        Q(customer=None) | Q(customer_id__in={customer_id, living_id})
    ).values_list("is_open", "revoked_at"):
        if not is_open or (revoked_at is not None and made_at <= revoked_at):
            return None
    return living_id
