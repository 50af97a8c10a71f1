"""Nouns of the ledger: customers and their accounts, entries, lots and holds, orders, rules, seals, imports."""

from bonuses.models.customers import Account, AccountKind, Customer, StaffPhone
from bonuses.models.entries import EntryKind, LedgerEntry, LotDraw, Note
from bonuses.models.imports import ImportBatch, ImportLine
from bonuses.models.lots import AskedAgain, Hold, HoldState, Lot
from bonuses.models.notices import Notice, NoticeMark
from bonuses.models.orders import Order, OrderReport, OrderSnapshot
from bonuses.models.rules import EarningRule
from bonuses.models.seals import Anchor, Seal, Verification

__all__ = [
    "Account",
    "AccountKind",
    "Anchor",
    "AskedAgain",
    "Customer",
    "EarningRule",
    "EntryKind",
    "Hold",
    "HoldState",
    "ImportBatch",
    "ImportLine",
    "LedgerEntry",
    "Lot",
    "LotDraw",
    "Note",
    "Notice",
    "NoticeMark",
    "Order",
    "OrderReport",
    "OrderSnapshot",
    "Seal",
    "StaffPhone",
    "Verification",
]
