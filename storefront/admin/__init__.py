"""Staff pages of the door: who was refused, who proved a phone, and switching off, on and lifting lockouts with a reason."""

from storefront.admin import doors, proofs, refusals

__all__ = ["doors", "proofs", "refusals"]
