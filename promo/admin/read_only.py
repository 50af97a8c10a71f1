"""What all pages have in common that only show rows: nobody adds, changes or deletes, and a million rows are never counted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from bonusportal.page_titles import PlainTitles

# Pages far behind cost what all pages before them cost: whoever wants those rows filters instead.
LAST_PAGE = 200


class ReadOnlyAdmin(PlainTitles, ModelAdmin):  # type: ignore[misc]
    """Rows to look at. Those who may view them may do no more, superusers included: services change rows."""

    actions = None
    list_per_page = 50
    list_fullwidth = False
    list_filter_sheet = True
    compressed_fields = False
    empty_value_display = "—"
    show_facets = ShowFacets.NEVER  # counts beside filters would count the whole table

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By its own filters a list may be narrowed from its address, and by nothing else. Django allows any lookup on any column: with
        `code__startswith` or `phone__startswith` a masked list would spell out, letter by letter, what it hides.
        """
        return lookup in {_parameter_of(one) for one in self.get_list_filter(request)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Nobody edits these rows, so Django's log of edits has nothing to tell.
        context = {**(extra_context or {}), "show_history": False}
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return response


def _parameter_of(list_filter: Any) -> str:
    """What a filter stands for in an address: its own word, or the column that it compares."""
    if isinstance(list_filter, tuple | list):
        return f"{list_filter[0]}__exact"
    return str(getattr(list_filter, "parameter_name", None) or f"{list_filter}__exact")


class ListOnly:
    """Rows that have no page of their own. With `list_display_links = None` the theme would call the first cell "Select record" on a phone."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        usual = super().get_changelist(request, **options)  # type: ignore[misc] # before a ModelAdmin
        return type("ListOnlyChangeList", (usual,), {"url_for_result": _nowhere})


def _nowhere(_changelist: Any, _row: Model) -> str:
    raise NoReverseMatch


class EndlessAdmin(ReadOnlyAdmin):
    """A list of a table that may hold millions: previous and next, no totals."""

    paginator = InfinitePaginator
    show_full_result_count = False
    list_max_show_all = 0
    # Fetched for the rows of the page only. Joined in, as `list_select_related` does it, they can make the planner begin at the other table and sort
    # a million rows to show fifty.
    fetched_after: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related(*self.fetched_after)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page = request.GET.get("p", "1")
        if page.isascii() and page.isdigit() and int(page[:9]) > LAST_PAGE:
            messages.info(request, _("Only the newest rows are paged through. Use the filters to find older ones."))
            query = request.GET.copy()
            query["p"] = str(LAST_PAGE)
            return HttpResponseRedirect(f"?{query.urlencode()}")
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response
