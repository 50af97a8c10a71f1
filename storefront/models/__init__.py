"""Nouns of the safe door: proofs that a phone is the caller's, doors that staff can close, refusals that staff should see."""

from storefront.models.doors import Door, DoorAction, DoorChange
from storefront.models.proofs import Channel, ConfirmedEmail, FailedTries, Proof, ProofState, WhyNotSent
from storefront.models.refusals import Refusal
from storefront.models.widgets import ThemeChoice, WidgetLook, WidgetSighting

__all__ = [
    "Channel",
    "ConfirmedEmail",
    "Door",
    "DoorAction",
    "DoorChange",
    "FailedTries",
    "Proof",
    "ProofState",
    "Refusal",
    "ThemeChoice",
    "WhyNotSent",
    "WidgetLook",
    "WidgetSighting",
]
