"""Which e-mail address the CRM confirms for a customer: a code that opens their points may go there, so every doubt means none.

Whoever places an order writes any phone and any address, and the CRM makes a card of it. An address counts where the phone stands on one card only and that
card has one address: a second card for the phone, or a second address, may be a stranger's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bonusportal.errors import BadInput
from keycrm.payloads import Buyer
from storefront.services import confirming


def confirm_address(customer_id: int, buyers: Sequence[Buyer], *, now: dt.datetime) -> None:
    """`buyers` are all cards that the CRM shows for the customer's phone. What was confirmed before and is doubtful now is taken back."""
    found = {email.strip().lower() for buyer in buyers for email in buyer.emails if email.strip()}
    address = found.pop() if len(buyers) == 1 and len(found) == 1 else ""
    try:
        confirming.confirm_email(customer_id=customer_id, email=address, now=now)
    except BadInput:  # what a person typed into the card is no address
        confirming.confirm_email(customer_id=customer_id, email="", now=now)
