"""The admin's look and its menu: names, icons, order. Pages live in the apps.

A section is a call of `_section`, an entry one of `_entry`. An entry is shown to those who have its permission; the page behind it checks again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: bool(request.user.has_perm(permission))


def _entry(title: Promise, icon: str, page: str, permission: str = "") -> dict[str, Any]:
    """A line of the menu. `page` is the name of an address of the admin; `icon` one of Material Symbols."""
    link = reverse_lazy(f"admin:{page}")
    entry: dict[str, Any] = {"title": title, "icon": icon, "link": link, "active": _is_shown(link)}
    return {**entry, "permission": _may(permission)} if permission else entry


def _is_shown(link: Promise) -> Callable[[HttpRequest], bool]:
    """Whether the page being read is this entry's, or below it and below no nearer one: by itself the theme would light up "Pools" for every page of theirs."""

    def is_shown(request: HttpRequest) -> bool:
        home = str(reverse_lazy("admin:index"))
        links = [str(entry["link"]) for section in NAVIGATION for entry in section["items"]]
        above = [
            other for other in links if request.path == other or (other != home and request.path.startswith(other))
        ]
        return bool(above) and max(above, key=len) == str(link)

    return is_shown


def _section(title: Promise, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "items": list(entries)}


NAVIGATION: list[dict[str, Any]] = [
    _section(
        _("Promo codes"),
        _entry(_("Stock board"), "inventory_2", "index", "promo.view_pool"),
        _entry(_("Pools"), "stacks", "promo_pool_changelist", "promo.view_pool"),
        _entry(_("Codes"), "sell", "promo_code_changelist", "promo.view_code"),
        _entry(_("Issued codes"), "receipt_long", "promo_issue_changelist", "promo.view_issue"),
        _entry(_("Runs"), "smart_toy", "promo_replenishrun_changelist", "promo.view_replenishrun"),
    ),
    _section(
        _("Bonus points"),
        _entry(_("Customers"), "groups", "bonuses_customer_changelist", "bonuses.view_customer"),
        _entry(_("Orders"), "shopping_bag", "bonuses_order_changelist", "bonuses.view_order"),
        _entry(_("Order reports"), "inbox", "bonuses_orderreport_changelist", "bonuses.view_orderreport"),
        _entry(_("Redemptions"), "redeem", "bonuses_hold_changelist", "bonuses.view_hold"),
        _entry(_("Entries"), "menu_book", "bonuses_ledgerentry_changelist", "bonuses.view_ledgerentry"),
        _entry(_("Earning rules"), "percent", "bonuses_earningrule_changelist", "bonuses.view_earningrule"),
        _entry(_("Verifications"), "verified", "bonuses_verification_changelist", "bonuses.view_verification"),
        _entry(_("Opening balances"), "move_to_inbox", "bonuses_importbatch_changelist", "bonuses.view_importbatch"),
    ),
    _section(
        _("Storefront"),
        _entry(_("Refusals"), "gpp_bad", "storefront_refusal_changelist", "storefront.view_refusal"),
        _entry(_("Proofs of phones"), "sms", "storefront_proof_changelist", "storefront.view_proof"),
        _entry(_("Doors"), "door_front", "storefront_door_changelist", "storefront.view_door"),
        _entry(_("Changes of doors"), "history", "storefront_doorchange_changelist", "storefront.view_doorchange"),
        _entry(_("Install on the store"), "storefront", "storefront_install", "storefront.view_widgetlook"),
        _entry(_("Looks of the widgets"), "palette", "storefront_widgetlook_changelist", "storefront.view_widgetlook"),
    ),
    _section(
        _("CRM"),
        _entry(_("Events"), "inbox", "keycrm_inboundevent_changelist", "keycrm.view_inboundevent"),
        _entry(_("Differences"), "rule", "keycrm_difference_changelist", "keycrm.view_difference"),
        _entry(_("Orders in the CRM"), "shopping_cart_checkout", "keycrm_crmorder_changelist", "keycrm.view_crmorder"),
        _entry(_("Cards of managers"), "view_kanban", "keycrm_crmcard_changelist", "keycrm.view_crmcard"),
        _entry(_("Buyers in the CRM"), "contacts", "keycrm_buyerlink_changelist", "keycrm.view_buyerlink"),
        _entry(_("Connection"), "lan", "keycrm_connection", "keycrm.view_inboundevent"),
    ),
    _section(
        _("Behind the pools"),
        _entry(_("Lots"), "package_2", "promo_lot_changelist", "promo.view_lot"),
        _entry(_("Unmet demand"), "production_quantity_limits", "promo_demand_changelist", "promo.view_demand"),
        _entry(_("Publications"), "cloud_upload", "promo_publication_changelist", "promo.view_publication"),
        _entry(_("Mirror"), "compare_arrows", "promo_mirror", "promo.manage_pools"),
        _entry(_("Exports"), "download", "promo_export_changelist", "promo.view_export"),
        _entry(_("Range of amounts"), "format_list_numbered", "promo_bulk", "promo.manage_pools"),
        _entry(_("Panel profiles"), "web_asset", "promo_profileversion_changelist", "promo.view_profileversion"),
    ),
    _section(
        _("Staff"),
        _entry(_("People"), "group", "auth_user_changelist", "auth.view_user"),
        _entry(_("Groups"), "shield_person", "auth_group_changelist", "auth.view_group"),
        _entry(_("Own phones"), "contact_phone", "bonuses_staffphone_changelist", "bonuses.view_staffphone"),
        _entry(_("Second factor"), "phonelink_lock", "second_factor"),
    ),
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Bonus portal"),
    "SITE_HEADER": _("Bonus portal"),
    "SITE_SYMBOL": "redeem",
    "SITE_URL": None,  # there is no page for visitors to go back to
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("portal/favicon.svg")}],
    "STYLES": [lambda request: static("portal/admin.css")],
    "LOGIN": {"form": "bonusportal.signing_in.SignInForm"},
    "DASHBOARD_CALLBACK": "promo.admin.board.show_board",
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Second factor"), "link": reverse_lazy("admin:second_factor")},
        ]
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .014 175)",
            "100": "oklch(94.5% .035 175)",
            "200": "oklch(89.5% .065 176)",
            "300": "oklch(82.5% .1 177)",
            "400": "oklch(74% .115 179)",
            "500": "oklch(65% .11 181)",
            "600": "oklch(53% .093 183)",
            "700": "oklch(45.5% .08 184)",
            "800": "oklch(39% .067 185)",
            "900": "oklch(34% .056 186)",
            "950": "oklch(24% .042 188)",
        }
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
