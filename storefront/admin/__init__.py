"""Staff pages of the storefront: how the widgets look in the shop, and how they get there."""

from storefront.admin import installing

__all__ = ["installing"]
