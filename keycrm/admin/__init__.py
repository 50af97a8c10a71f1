"""Staff pages of the CRM's edge: what came in, which orders wait, which cards are behind, what does not agree, and whether the connection is right."""

from keycrm.admin import alarms, connection, differences, events, links, orders

__all__ = ["alarms", "connection", "differences", "events", "links", "orders"]
