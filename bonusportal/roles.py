"""Who may do what by default: the groups that `manage.py seed_groups` makes. Names of permissions only; what they guard is said where they are declared."""

from __future__ import annotations

_LOOK_AROUND = (
    "promo.view_pool",
    "promo.view_code",
    "promo.view_lot",
    "promo.view_issue",
    "promo.view_replenishrun",
    "promo.view_demand",
    "promo.view_publication",
    "bonuses.view_customer",
    "bonuses.view_order",
    "bonuses.view_orderreport",
    "bonuses.view_hold",
    "bonuses.view_ledgerentry",
    "bonuses.view_earningrule",
    "bonuses.view_verification",
    "bonuses.view_importbatch",
    "storefront.view_refusal",
    "storefront.view_proof",
    "storefront.view_door",
    "storefront.view_doorchange",
    "keycrm.view_inboundevent",
    "keycrm.view_crmorder",
    "keycrm.view_crmcard",
    "keycrm.view_buyerlink",
    "keycrm.view_difference",
    "storefront.view_widgetlook",
)

ROLES: dict[str, tuple[str, ...]] = {
    # With a shopper on the phone: find a code, see what became of it, read it out. Every code shown in full is recorded.
    "support": (*_LOOK_AROUND, "promo.reveal_code", "bonuses.adjust_points"),
    # Keeps the pools filled: settings, refills, withdrawals, and the evidence of runs (which shows live codes).
    "manager": (
        *_LOOK_AROUND,
        "promo.add_pool",
        "promo.change_pool",
        "promo.manage_pools",
        "promo.view_profileversion",
        "promo.reveal_code",
        "promo.view_export",
        "promo.make_export",
        "bonuses.adjust_points",
        "bonuses.merge_customers",
        "bonuses.export_customer",
        "bonuses.erase_customer",
        "bonuses.verify_ledger",
        "bonuses.make_rules",
        "bonuses.import_balances",
        "bonuses.decide_order",
        "bonuses.resolve_hold",
        "storefront.switch_storefront",
        "keycrm.replay_events",
        "storefront.dress_shop",
        "promo.view_evidence",
    ),
}
