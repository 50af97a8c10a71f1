"""Invented codes, as rows for `PanelState.add_code`: some for an otherwise empty panel, and other people's.

Every row of other people is a trap: a percentage with the number of a certificate, our prefix with another amount, an
amount in the code that is not the amount of the row, a certificate that holds for one brand only.
"""

from typing import Any

from demo.panel.records import BRANDS, KIND_COUPON, KIND_PERCENT

SAMPLE_CODES: tuple[dict[str, Any], ...] = (
    {"code": "BON100H3LVQX2", "amount": 100},
    {"code": "BON1007QWEK4M", "amount": 100},
    {"code": "BON100C9D2FTR", "amount": 100, "active": False},
    {"code": "BON200Z5NNPA8", "amount": 200},
    {"code": "BON200K6RRTD3", "amount": 200},
    {"code": "BON300W8VVHC4", "amount": 300},
)

OTHER_CODES: tuple[dict[str, Any], ...] = (
    {"code": "SPRING10", "amount": 10, "kind": KIND_COUPON, "quantity": 100},
    {"code": "STAFF100", "amount": 100, "kind": KIND_PERCENT, "quantity": 5},
    {"code": "BON50PERCENT", "amount": 50, "kind": KIND_PERCENT, "quantity": 3},
    {"code": "BON100GIFTX7", "amount": 1000},
    {"code": "BON1000MARA5", "amount": 100},
    {"code": "ЗИМА2026", "amount": 300, "date_limit": None},
    {"code": "GIFT-200-AA", "amount": 200, "active": False},
    {"code": "BON200TEAONLY", "amount": 200, "brands": tuple(BRANDS)[:1]},
)
