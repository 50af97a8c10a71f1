"""Forget what was only needed for a while: phones of proofs, addresses of refusals, confirmed addresses of people who were erased."""

from __future__ import annotations

import datetime as dt

from storefront.models import ConfirmedEmail, FailedTries, Proof, Refusal
from storefront.policy import PROOF_FORGOTTEN_AFTER, REFUSALS_FORGOTTEN_AFTER


def forget_old(*, now: dt.datetime) -> None:
    Proof.objects.filter(asked_at__lt=now - PROOF_FORGOTTEN_AFTER).delete()
    FailedTries.objects.filter(day__lt=(now - PROOF_FORGOTTEN_AFTER).date()).delete()
    Refusal.objects.filter(day__lt=(now - REFUSALS_FORGOTTEN_AFTER).date()).delete()
    ConfirmedEmail.objects.exclude(customer__erased_at=None).delete()
