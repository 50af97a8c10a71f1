"""Say which e-mail address the CRM's card confirms for a customer. Only whoever read the card calls this."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput
from storefront.models import ConfirmedEmail


def confirm_email(*, customer_id: int, email: str, now: dt.datetime) -> None:
    """Codes may go there. An empty address takes the confirmation back. Raises BadInput `email_invalid`."""
    address = email.strip()
    if not address:
        ConfirmedEmail.objects.filter(customer_id=customer_id).delete()
        return
    try:
        validate_email(address)
    except ValidationError as error:
        raise BadInput(_("This is not an e-mail address."), code="email_invalid") from error
    ConfirmedEmail.objects.update_or_create(
        customer_id=customer_id, defaults={"email": address[:254], "confirmed_at": now}
    )
