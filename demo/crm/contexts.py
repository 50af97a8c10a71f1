"""What a webhook says of a row."""

from demo.crm import rows
from demo.crm.rows import Row


def context_of(event: str, row: Row) -> Row:
    """The CRM's own row, not the shape of its API: other names, numbers now as number and now as text, no lines, no phone, no custom fields."""
    names: tuple[str, ...]
    if event.startswith("lead."):
        names = (
            "id",
            "contact_id",
            "status_id",
            "manager_id",
            "target_id",
            "target_type",
            "status_changed_at",
            "updated_at",
        )
        return {name: row[name] for name in names} | {"pipeline_id": 1}
    names = (
        "id", "parent_id", "source_id", "source_uuid", "client_id", "status_id", "status_group_id", "promocode", "is_gift", "gift_message",
        "manager_comment", "ordered_at", "created_at", "updated_at", "closed_at", "status_changed_at", "discount_percent",
    )  # fmt: skip
    return {name: row[name] for name in names} | {
        "global_source_uuid": row["source_uuid"],
        "client_comment": row["buyer_comment"],
        "grand_total": float(rows.grand_total(row)),
        "products_total": float(rows.products_total(row)),
        "total_discount": str(rows.total_discount(row)),
        "discount_amount": str(row["discount_amount"]),
        "payments_total": str(rows.paid(row)),
        "payment_status": rows.payment_status(row),
        "shipping_price": row["shipping_price"],
        "deleted_at": None,
        "is_expired": False,
        "has_reserves": False,
    }
