"""Nouns of the CRM's edge."""

from keycrm.models.connection import CallWindow, Connection, Dictionary
from keycrm.models.differences import Difference, DifferenceKind
from keycrm.models.events import Channel, EventState, InboundEvent, Subject
from keycrm.models.links import BuyerLink
from keycrm.models.orders import CrmCard, CrmOrder, ManualReserve
from keycrm.models.polling import PollCursor

__all__ = [
    "BuyerLink",
    "CallWindow",
    "Channel",
    "Connection",
    "CrmCard",
    "CrmOrder",
    "Dictionary",
    "Difference",
    "DifferenceKind",
    "EventState",
    "InboundEvent",
    "ManualReserve",
    "PollCursor",
    "Subject",
]
