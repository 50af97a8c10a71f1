"""Staff pages of the CRM's edge: what came in, which orders wait, which cards are behind, what does not agree, and whether the connection is right."""

from keycrm.admin import connection, differences, events, links, orders

__all__ = ["connection", "differences", "events", "links", "orders"]
