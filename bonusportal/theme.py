"""The admin's look and its menu: names, icons, order. Pages live in the apps."""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Bonus portal"),
    "SITE_HEADER": _("Bonus portal"),
    "SITE_SYMBOL": "redeem",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Promo codes"),
                "items": [
                    {"title": _("Stock board"), "icon": "inventory_2", "link": reverse_lazy("admin:index")},
                    {"title": _("Pools"), "icon": "stacks", "link": reverse_lazy("admin:promo_pool_changelist")},
                    {"title": _("Codes"), "icon": "sell", "link": reverse_lazy("admin:promo_code_changelist")},
                    {"title": _("Runs"), "icon": "robot_2", "link": reverse_lazy("admin:promo_replenishrun_changelist")},
                ],
            },
        ],
    },
}
