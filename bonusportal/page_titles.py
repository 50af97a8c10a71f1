"""What a staff page is called in the browser's tab: the thing itself, "Codes" or "Code".

Django would say "Select code to view", and puts the nominative where Ukrainian wants another case. A page that names itself keeps its name.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst


class PlainTitles:
    """Goes before ModelAdmin among the bases."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        named = {"title": capfirst(self.opts.verbose_name_plural)}  # type: ignore[attr-defined]
        response: HttpResponse = super().changelist_view(request, named | (extra_context or {}))  # type: ignore[misc]
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        named = {"title": capfirst(self.opts.verbose_name)} if object_id else {}  # type: ignore[attr-defined]
        context = named | (extra_context or {})
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)  # type: ignore[misc]
        return response
