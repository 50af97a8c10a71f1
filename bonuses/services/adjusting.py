"""Staff correct a balance: with a reason, within limits, never their own. The correction is an entry like any other."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from bonuses.errors import AdjustingForbidden, AdjustLimitReached, InsufficientPoints, KeyReused, PointsInvalid
from bonuses.models import Customer, EntryKind, LedgerEntry, StaffPhone
from bonuses.policy import draw, kyiv_midnight, lot_end
from bonuses.services import expiring, ledger
from bonuses.services.ruling import as_rule, rule_in_force
from bonusportal.counting import kyiv_day


class Reason(models.TextChoices):
    """Why a balance is corrected. Sealed with the entry, so a word of ours; what a person adds is the erasable note."""

    GOODWILL = "goodwill", _("goodwill")
    COMPLAINT = "complaint", _("complaint settled")
    CORRECTION = "correction", _("correction of a mistake")
    MISSED = "missed", _("purchase that was missed")
    ABUSE = "abuse", _("abuse")


@ledger.following_merges
def adjust_points(
    *, customer_id: int, points: int, reason: str, key: str, user_id: int, now: dt.datetime, note: str = ""
) -> int:
    """Add `points` (or take, when negative) and return the entry's id. `key` makes it once.

    Added points live as long as an order's would and repay debt first. Raises AdjustingForbidden, AdjustLimitReached, InsufficientPoints, KeyReused,
    PointsInvalid; then nothing changed.
    """
    if type(points) is not int or points == 0 or abs(points) > settings.ADJUST_MAX_POINTS:
        if type(points) is int and points:
            raise AdjustLimitReached(
                _("At most %(points)d points in one action.") % {"points": settings.ADJUST_MAX_POINTS},
                details={"limit": settings.ADJUST_MAX_POINTS},
            )
        raise PointsInvalid
    if reason not in Reason.values:
        raise AdjustingForbidden(_("An adjustment needs a reason."))
    source = f"adjust:{key}"
    if (found := _replay(source, customer_id, points, reason)) is not None:
        return found
    with transaction.atomic():
        user = _allowed(user_id, customer_id)
        # The day's limit is counted under the lock of this person's own row, which `_allowed` took: two tabs are one person.
        if (found := _replay(source, customer_id, points, reason)) is not None:
            return found
        _check_day(user.get_username(), abs(points), now=now)
        return _write(customer_id, points, source=source, reason=reason, actor=user.get_username(), note=note, now=now)


def _replay(source: str, customer_id: int, points: int, reason: str) -> int | None:
    entry = LedgerEntry.objects.select_related("debit", "credit").filter(kind=EntryKind.ADJUST, source=source).first()
    if entry is None:
        return None
    account, signed = (entry.credit, entry.points) if entry.credit.customer_id else (entry.debit, -entry.points)
    if account.customer_id is None or signed != points or entry.reason_code != reason:
        raise KeyReused
    if ledger.survivor_of(account.customer_id) != ledger.survivor_of(customer_id):
        raise KeyReused
    return entry.pk


def _allowed(user_id: int, customer_id: int) -> AbstractUser:
    user = get_user_model().objects.get(pk=user_id)
    assert isinstance(user, AbstractUser)
    if not user.is_active or not user.has_perm("bonuses.adjust_points"):
        raise AdjustingForbidden(_("You may not adjust points."))
    own = StaffPhone.objects.select_for_update(no_key=True).filter(user=user).first()
    if own is None:
        raise AdjustingForbidden(
            _("Your own phone is not on record: nobody adjusts their own account, so it has to be known.")
        )
    customer = Customer.objects.filter(pk=ledger.survivor_of(customer_id)).first()
    family = Customer.objects.filter(phone=own.phone).values_list("pk", flat=True)
    is_own = customer is not None and (
        customer.pk in {ledger.survivor_of(pk) for pk in family}
        or (customer.email and customer.email.lower() == user.email.lower())
    )
    if is_own:
        raise AdjustingForbidden(_("This is your own account."))
    return user


def _check_day(actor: str, points: int, *, now: dt.datetime) -> None:
    since = kyiv_midnight(kyiv_day(now))
    today = (
        LedgerEntry.objects.filter(kind=EntryKind.ADJUST, actor=actor, recorded_at__gte=since).aggregate(
            points=Sum("points")
        )["points"]
        or 0
    )
    if today + points > settings.ADJUST_DAY_POINTS:
        left = max(0, settings.ADJUST_DAY_POINTS - today)
        raise AdjustLimitReached(
            _("You may adjust %(left)d more points today.") % {"left": left}, details={"left": left}
        )


def _write(customer_id: int, points: int, *, source: str, reason: str, actor: str, note: str, now: dt.datetime) -> int:
    book = expiring.open_settled([customer_id], now=now)[customer_id]
    if points > 0:
        rule = rule_in_force(now)
        entry_id = ledger.post(EntryKind.ADJUST, debit=ledger.ADJUSTMENT, credit=book.available, points=points, source=source, actor=actor,
                               effective_at=now, now=now, reason_code=reason, note=note, rule_id=rule.pk)  # fmt: skip
        until = lot_end(as_rule(rule), activated_at=now, known_at=now)
        ledger.make_lot(book, entry_id=entry_id, points=points, activates_at=now, expires_at=until, rule_id=rule.pk)
        ledger.repay(book, source=source, actor=actor, effective_at=now, now=now)
        return entry_id
    if book.points < -points:
        raise InsufficientPoints(book.points)
    ledger.need_all_lots(book)
    drawn, _short = draw(book.lots.values(), -points)
    return ledger.post(EntryKind.ADJUST, debit=book.available, credit=ledger.ADJUSTMENT, points=-points, source=source, actor=actor,
                       effective_at=now, now=now, reason_code=reason, note=note, draws=drawn, drawn_from=book)  # fmt: skip
