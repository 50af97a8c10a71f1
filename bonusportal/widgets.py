"""The widgets' configuration, for the short way: the composition root may know the storefront, the short way may not."""

from storefront.pages import show_configuration

__all__ = ["show_configuration"]
