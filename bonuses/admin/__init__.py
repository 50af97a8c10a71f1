"""Staff pages of the ledger. Entries are looked at; what changes points are services, asked for on pages that want a reason."""

from bonuses.admin import alarms, customers, importing, journal, orders, redemptions, reports, rules, verifying

__all__ = ["alarms", "customers", "importing", "journal", "orders", "redemptions", "reports", "rules", "verifying"]
