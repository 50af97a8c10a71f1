"""What the CRM sends, as typed values. Pure: dictionaries in, frozen dataclasses out; what cannot be understood raises PayloadInvalid naming the field.

    Buyer                       a card of a buyer; one phone may own several
    Order ─ OrderBuyer          an order as GET /order shows it; its buyer's phone and e-mail are plain texts there
          ├ OrderLine, Payment
          └ OrderStatus         also an entry of the dictionary of statuses
    Source, Tag, CustomField    dictionaries
    Card ─ CardClient           a card of a sales pipeline (the manager's way)
    Webhook                     {event, context}: only a hint, its context has no lines, no phone and no custom fields
Absent is not empty: `custom_fields` is None where they were not asked for, and `{}` where none is filled.
"""

from keycrm.payloads.buyers import Buyer, OrderBuyer, canonical_phones
from keycrm.payloads.cards import Card, CardClient
from keycrm.payloads.dictionaries import CustomField, OrderStatus, Source, Tag
from keycrm.payloads.orders import GROUP_CANCELLED, GROUP_COMPLETED, Order, OrderLine, Payment, order_number
from keycrm.payloads.pages import Page
from keycrm.payloads.values import digits_of, read_instant, read_money, write_instant
from keycrm.payloads.webhooks import CARD_STATUS_EVENT, ORDER_STATUS_EVENT, PAYMENT_STATUS_EVENT, Webhook

__all__ = [
    "CARD_STATUS_EVENT",
    "GROUP_CANCELLED",
    "GROUP_COMPLETED",
    "ORDER_STATUS_EVENT",
    "PAYMENT_STATUS_EVENT",
    "Buyer",
    "Card",
    "CardClient",
    "CustomField",
    "Order",
    "OrderBuyer",
    "OrderLine",
    "OrderStatus",
    "Page",
    "Payment",
    "Source",
    "Tag",
    "Webhook",
    "canonical_phones",
    "digits_of",
    "order_number",
    "read_instant",
    "read_money",
    "write_instant",
]
