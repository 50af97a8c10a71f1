"""Staff pages of the door: who was refused, who proved a phone, switching off, on and lifting lockouts with a reason; and how the widgets look in the shop."""

from storefront.admin import alarms, doors, installing, proofs, refusals

__all__ = ["alarms", "doors", "installing", "proofs", "refusals"]
