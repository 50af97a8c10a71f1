"""Whose card it is: the customers whose phones stand on it.

Usually one. Whoever joins cards in the CRM may make it two, and only a person can say what that means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import connection

from bonuses.models import Customer, ImportLine
from bonuses.services.ledger import survivor_of
from keycrm.payloads import Buyer

_NEWEST = """
SELECT MAX(newest) FROM (
    SELECT (SELECT MAX(e.id) FROM bonuses_ledgerentry e WHERE e.debit_id = a.id) AS newest FROM bonuses_account a WHERE a.customer_id = %s UNION ALL
    SELECT (SELECT MAX(e.id) FROM bonuses_ledgerentry e WHERE e.credit_id = a.id) AS newest FROM bonuses_account a WHERE a.customer_id = %s
) sides
"""


def newest_entry(customer_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [customer_id, customer_id])
        (newest,) = cursor.fetchone()
    return int(newest or 0)


def was_brought_along(customer_id: int) -> bool:
    """Their balance was migrated, even if it was nothing."""
    return ImportLine.objects.filter(customer_id__in=family_of(customer_id)).exists()


def family_of(customer_id: int) -> list[int]:
    """The customer, and whoever was merged into them."""
    return [customer_id, *Customer.objects.filter(merged_into_id=customer_id).values_list("pk", flat=True)]


def phones_of(customer: Customer) -> list[str]:
    """Their own, and those of whoever was merged into them: cards with a former phone are theirs as well."""
    former = Customer.objects.filter(merged_into=customer, erased_at=None).order_by("pk")
    return [phone for phone in (customer.phone, *former.values_list("phone", flat=True)) if phone]


def owners_of(buyer: Buyer) -> list[int]:
    """Customers with a phone of this card, each once, as it stands after merges; in the order of the phones."""
    known = dict(Customer.objects.filter(phone__in=buyer.canonical_phones, erased_at=None).values_list("phone", "pk"))
    found = [survivor_of(known[phone]) for phone in buyer.canonical_phones if phone in known]
    return list(dict.fromkeys(found))


def sharers_of(buyer: Buyer) -> list[int]:
    """Those of its owners who ever had points."""
    owners = owners_of(buyer)
    return owners if len(owners) < 2 else [pk for pk in owners if newest_entry(pk)]


def tell(customers: Sequence[int]) -> str:
    return ", ".join(f"№{pk}" for pk in sorted(customers))


def read_told(told: str) -> list[int]:
    """The customers of a sentence of `tell`."""
    return [int(pk) for pk in re.findall(r"[0-9]+", told)]


def are_one_by_now(told: str) -> bool:
    """Whether some of them were merged since."""
    customers = read_told(told)
    return len({survivor_of(pk) for pk in customers}) < len(customers)
