"""The widgets' configuration, for the short way: the composition root may know the storefront, the short way may not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def show_configuration(request: HttpRequest) -> HttpResponse:
    """Imported with the first page that asks: a cold start of the drop-in paths does not pay for it."""
    from storefront import pages

    return pages.show_configuration(request)
