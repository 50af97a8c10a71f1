"""Query parameters and bodies in the CRM's own form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from keycrm.payloads import write_instant

Span = tuple[dt.datetime, dt.datetime]


def buyer_params(
    *,
    ids: Sequence[int] = (),
    phones: Sequence[str] = (),
    emails: Sequence[str] = (),
    created: Span | None = None,
    updated: Span | None = None,
    parts: Sequence[str] = (),
) -> list[tuple[str, str]]:
    return [
        *filters(
            buyer_id=[str(one) for one in ids],
            buyer_phone=phones,
            buyer_email=emails,
            created_between=between(created),
            updated_between=between(updated),
        ),
        include(parts),
    ]


def filters(**wanted: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"filter[{name}]", ",".join(values)) for name, values in wanted.items() if values]


def include(parts: Sequence[str]) -> tuple[str, str]:
    return ("include", ",".join(parts))


def between(span: Span | None) -> tuple[str, ...]:
    return tuple(write_instant(moment) for moment in span) if span else ()


def filled(**parts: Any) -> dict[str, Any]:
    """Only what was given: a null or an empty list might clear what stands in the CRM."""
    return {name: value for name, value in parts.items() if value is not None and value != []}


def as_fields(values: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"uuid": uuid, "value": value} for uuid, value in (values or {}).items()]


def as_number(amount: Decimal | None) -> float | None:
    # Two places survive the way through a binary fraction and back to text; JSON in Python knows no Decimal.
    return None if amount is None else float(amount.quantize(Decimal("0.01")))
