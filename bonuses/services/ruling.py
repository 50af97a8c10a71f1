"""Versions of the earning rule: which one counts for an order, and how a new one is made. A version never changes; a change is a new version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from bonuses.errors import RuleInvalid
from bonuses.models import EarningRule
from bonuses.policy import Multiplier, Rule

FIGURES = (
    "rate_percent",
    "base",
    "rounding",
    "minimum_order",
    "share_percent",
    "lifetime_days",
    "least_days",
    "multipliers",
)


def as_rule(row: EarningRule) -> Rule:
    """The same as a value for bonuses.policy."""
    return Rule(
        version=row.version,
        rate_percent=row.rate_percent,
        base=row.base,
        rounding=row.rounding,
        minimum_order=row.minimum_order,
        share_percent=row.share_percent,
        lifetime_days=row.lifetime_days,
        least_days=row.least_days,
        multipliers=tuple(Multiplier.from_json(value) for value in row.multipliers),
    )


def rule_in_force(moment: dt.datetime) -> EarningRule:
    """The version for orders placed at `moment`."""
    return EarningRule.objects.filter(valid_from__lte=moment).order_by("-valid_from", "-version")[0]


def make_rule(
    *, actor: str, reason: str, now: dt.datetime, valid_from: dt.datetime | None = None, **fields: Any
) -> EarningRule:
    """A new version, from now on or from a later moment; what is not given stays as in the newest version.

    Orders placed before it keep theirs. Raises RuleInvalid.
    """
    begins = valid_from or now
    if begins < now:
        raise RuleInvalid(_("A rule cannot begin in the past: orders placed since would change their points."))
    try:
        with transaction.atomic():
            return _write(begins, actor=actor, reason=reason, now=now, fields=fields)
    except ValidationError as error:
        raise RuleInvalid(" ".join(error.messages)) from error
    except IntegrityError as error:
        raise RuleInvalid(_("A figure of the rule is out of its range.")) from error


def _write(begins: dt.datetime, *, actor: str, reason: str, now: dt.datetime, fields: dict[str, Any]) -> EarningRule:
    newest = EarningRule.objects.order_by("-version").select_for_update(no_key=True)[0]
    values = {name: fields.pop(name, getattr(newest, name)) for name in FIGURES}
    if fields:
        raise TypeError(f"a rule has no {', '.join(fields)}")
    _check_multipliers(values["multipliers"])
    row = EarningRule(
        version=newest.version + 1, valid_from=begins, actor=actor, reason=reason[:300], created_at=now, **values
    )
    # The schema's own constraints speak for themselves: asking it first would be another statement, and another answer.
    row.clean_fields()
    row.save(force_insert=True)
    return row


def _check_multipliers(values: list[Mapping[str, Any]]) -> None:
    try:
        for value in values:
            Multiplier.from_json(value)
    except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
        raise RuleInvalid(
            _("A multiplier needs a name, a first and a last day, and a factor from 0 to 100.")
        ) from error


def double_points(name: str, first_day: dt.date, last_day: dt.date, factor: Decimal = Decimal(2)) -> dict[str, str]:
    """A multiplier as the rule stores it: `factor` times the points for orders placed on these Kyiv days."""
    return {"name": name, "first_day": first_day.isoformat(), "last_day": last_day.isoformat(), "factor": str(factor)}
