"""Open and close the storefront, for everybody or for one customer; end sessions; lift lockouts. Each with who, when and why."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bonuses.errors import CustomerUnknown
from bonuses.models import Customer
from bonusportal import counting, limits
from bonusportal.errors import BadInput
from bonusportal.masking import mask_phone
from storefront.digests import digest_of_phone
from storefront.errors import StorefrontOff
from storefront.models import Door, DoorAction, DoorChange, FailedTries

# Every limit that a person or an address can run into, by what its key is.
LIMITS_OF_A_PHONE = ("session_phone", "get_code_person")
LIMITS_OF_AN_ADDRESS = ("session_address", "verify_address", "get_code_address", "balance", "report")


class ReasonMissing(BadInput):
    code = "reason_missing"

    def __init__(self) -> None:
        super().__init__(_("Please say why."))


def require_open(*, now: dt.datetime) -> None:
    """Raises StorefrontOff while staff keep the whole storefront closed."""
    if Door.objects.filter(customer=None, is_open=False).exists():
        raise StorefrontOff


def is_open_for(customer_id: int) -> bool:
    return not Door.objects.filter(Q(customer=None) | Q(customer_id=customer_id), is_open=False).exists()


@transaction.atomic
def switch(*, customer_id: int | None, is_open: bool, actor: str, reason: str, now: dt.datetime) -> bool:
    """Open or close the door of a customer, or of the whole storefront (None). Closing ends running sessions as well.

    Returns False where it was so already. Raises CustomerUnknown, ReasonMissing.
    """
    door = _door_of(customer_id)
    if door.is_open == is_open:
        return False
    door.is_open = is_open
    if not is_open:
        door.revoked_at = now  # or a token of before would live again when the door is opened
    door.save(update_fields=["is_open", "revoked_at"])
    _note(door, DoorAction.OPENED if is_open else DoorAction.CLOSED, actor=actor, reason=reason, now=now)
    return True


@transaction.atomic
def sign_out(*, customer_id: int, actor: str, reason: str, now: dt.datetime) -> None:
    """Every token of the customer that was made until now is worth nothing. Raises CustomerUnknown, ReasonMissing."""
    door = _door_of(customer_id)
    door.revoked_at = now
    door.save(update_fields=["revoked_at"])
    _note(door, DoorAction.SIGNED_OUT, actor=actor, reason=reason, now=now)


def lift_lockout(*, phone: str, address: str, actor: str, reason: str, now: dt.datetime) -> None:
    """Forget how often a phone (E.164) or an address was refused: both may try again at once. Raises ReasonMissing."""
    with transaction.atomic():
        customer_id = Customer.objects.filter(phone=phone).values_list("pk", flat=True).first() if phone else None
        about = mask_phone(phone) if phone else address
        _note(_door_of(customer_id), DoorAction.LIFTED, actor=actor, reason=reason, now=now, about=about)
        if phone:
            FailedTries.objects.filter(phone=digest_of_phone(phone)).delete()
    for name in LIMITS_OF_A_PHONE if phone else ():
        limits.lift(name, phone)
    for name in LIMITS_OF_AN_ADDRESS if address else ():
        limits.lift(name, address)
    counting.count("storefront.lockout_lifted", now=now)


def _door_of(customer_id: int | None) -> Door:
    """Locked; made where there was none."""
    if customer_id is not None and not Customer.objects.filter(pk=customer_id).exists():
        raise CustomerUnknown
    Door.objects.bulk_create([Door(customer_id=customer_id)], ignore_conflicts=True)
    whose = Q(customer=None) if customer_id is None else Q(customer_id=customer_id)
    return Door.objects.select_for_update().get(whose)


def _note(door: Door, action: DoorAction, *, actor: str, reason: str, now: dt.datetime, about: str = "") -> None:
    if not reason.strip():
        raise ReasonMissing
    DoorChange.objects.create(
        door=door, action=action, actor=actor[:150], reason=reason.strip()[:300], about=about[:45], at=now
    )
