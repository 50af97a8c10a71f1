"""Find a customer by phone, or make one. Phones in every form Ukrainians type are one customer; e-mail and name are hints that fill what is empty."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.db.models import Case, CharField, F, Value, When

from bonuses.dialect import stamp
from bonuses.models import Customer, Order
from bonuses.models.customers import OF_A_CUSTOMER
from bonuses.services.ledger import survivor_of
from bonusportal.phones import normalise_phone


def find_customer(phone: str) -> int | None:
    """Id of the customer with this phone, merged ones resolved; None for an unknown person. Raises PhoneInvalid."""
    return _find(normalise_phone(phone))


MOST_FOUND = 20


def find_people(what: str) -> list[int]:
    """Ids of the customers that somebody means by a phone in any form, an e-mail, an order's number or the customer's own (№ 12); merged ones resolved.

    Raises PhoneInvalid where it can only have been meant as a phone.
    """
    typed = what.strip()
    found: list[int | None]
    if "@" in typed:
        found = list(Customer.objects.filter(email__iexact=typed).values_list("pk", flat=True)[:MOST_FOUND])
    elif typed.startswith(("№", "#")):
        number = typed[1:].strip()
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        found = list(Customer.objects.filter(pk=int(number)).values_list("pk", flat=True)) if is_number else []
    else:
        owners = Order.objects.filter(number=typed, customer__isnull=False).values_list("customer_id", flat=True)
        found = list(owners[:MOST_FOUND]) or [find_customer(typed)]
    return sorted({survivor_of(pk) for pk in found if pk is not None})


def find_by_email(email: str) -> int | None:
    """Id of the only living customer with this e-mail address; None where nobody or several have it."""
    found = (
        list(Customer.objects.living().filter(email__iexact=email).values_list("pk", flat=True)[:2]) if email else []
    )
    return found[0] if len(found) == 1 else None


def _find(canonical: str) -> int | None:
    pk = Customer.objects.filter(phone=canonical).values_list("pk", flat=True).first()
    return None if pk is None else survivor_of(pk)


def find_or_create(*, phone: str, now: dt.datetime, email: str = "", name: str = "") -> int:
    """Id of the customer with this phone, made with three empty accounts where there was none. Raises PhoneInvalid."""
    canonical = normalise_phone(phone)
    found = _find(canonical)
    if found is None:
        found = _create(canonical, now=now, email=email, name=name)
    elif email or name:
        _take_hints(found, email=email, name=name)
    return found


def _create(canonical: str, *, now: dt.datetime, email: str, name: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bonuses_customer (phone, email, name, created_at) VALUES (%s, %s, %s, %s) ON CONFLICT (phone) DO NOTHING RETURNING id",
            [canonical, email[:254], name[:200], stamp(now)],
        )
        row = cursor.fetchone()
        if row is not None:
            # In this order, so that primary keys lock them in this order.
            cursor.execute(
                "INSERT INTO bonuses_account (customer_id, kind, balance, is_closed) VALUES (%s, %s, 0, %s), (%s, %s, 0, %s), (%s, %s, 0, %s)",
                [value for kind in OF_A_CUSTOMER for value in (row[0], kind.value, False)],
            )
            return int(row[0])
    found = _find(canonical)  # somebody made it in between
    assert found is not None
    return found


def _take_hints(customer_id: int, *, email: str, name: str) -> None:
    """Only what is empty is filled: a hint never overwrites what we know."""
    hints = {"email": email[:254], "name": name[:200]}
    Customer.objects.filter(pk=customer_id, erased_at=None).update(
        **{
            column: Case(When(**{column: "", "then": Value(hint)}), default=F(column), output_field=CharField())
            for column, hint in hints.items()
            if hint
        }
    )
