"""Codes: masked in lists, one page each with its whole life, and what a person may do to one: reveal, withdraw, void, adopt. Each asks why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, TextFilter

from bonusportal.nudges import nudge
from promo.admin.asking import ReasonForm, ask, require, say_outcome
from promo.admin.drawing import draw_badge
from promo.admin.finding import find
from promo.admin.life import tell_life
from promo.admin.read_only import EndlessAdmin
from promo.admin.wording import CODE_COLOURS, say_why
from promo.models import Code, CodeState, Pool
from promo.services import moving

VIEW, MANAGE, REVEAL = "promo.view_code", "promo.manage_pools", "promo.reveal_code"


class AmountFilter(TextFilter):  # type: ignore[misc]
    """Codes of one amount, typed: a list of two thousand amounts helps nobody."""

    title = _("amount")
    parameter_name = "amount"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        typed = (self.value() or "").strip()
        if not typed:
            return queryset
        if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
            return queryset.none()
        # The pool first: with its key the planner goes by an index, with a join it walks the whole table backwards.
        pool_id = Pool.objects.filter(amount_uah=int(typed)).values_list("pk", flat=True).first()
        return queryset.none() if pool_id is None else queryset.filter(pool_id=pool_id)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person may do to a code: from which states, with which permission, and how it is asked for and told."""

    name: str
    permission: str
    from_states: frozenset[str]
    title: Promise
    sentence: Promise
    button: Promise
    done: Promise
    icon: str
    act: Callable[..., None]
    is_dangerous: bool = False


DEEDS = (
    Deed(
        name="withdraw",
        permission=MANAGE,
        from_states=moving.WITHDRAWN_BY_HAND,
        title=_("Withdraw the code"),
        sentence=_("It is never handed out again. What became of it is unknown until the panel shows it."),
        button=_("Withdraw"),
        done=_("The code is withdrawn."),
        icon="undo",
        act=moving.withdraw_code,
        is_dangerous=True,
    ),
    Deed(
        name="void",
        permission=MANAGE,
        from_states=moving.MOVES[CodeState.VOID],
        title=_("Void the code"),
        sentence=_("It is dead for good. Do this only when you know that nobody can use it."),
        button=_("Void"),
        done=_("The code is void."),
        icon="block",
        act=moving.void_code,
        is_dangerous=True,
    ),
    Deed(
        name="adopt",
        permission=MANAGE,
        from_states=frozenset({CodeState.FOREIGN}),
        title=_("Adopt the code"),
        sentence=_("It joins its pool and will be handed out. Do this only when you know that no customer has it."),
        button=_("Adopt"),
        done=_("The code has joined its pool."),
        icon="add_home",
        act=moving.adopt_code,
    ),
)


@admin.register(Code)
class CodeAdmin(EndlessAdmin):
    list_display = ["masked_code", "amount", "state_badge", "lot_shown", "valid_until", "changed_at"]
    list_filter = [("state", ChoicesDropdownFilter), AmountFilter]
    list_filter_submit = True
    fetched_after = ("pool", "lot")
    list_before_template = "promo/find.html"
    ordering = ["-id"]
    sortable_by: list[str] = []
    change_form_outer_before_template = "promo/code_life.html"

    def get_fieldsets(self, request: HttpRequest, obj: Code | None = None) -> list[Any]:
        return []  # the page is its life; the string must not slip into a form field

    @admin.display(description=_("code"))
    def masked_code(self, code: Code) -> str:
        return f"{code.masked} №{code.pk}"

    @admin.display(description=_("amount"))
    def amount(self, code: Code) -> str:
        return str(code.pool)

    @admin.display(description=_("state"))
    def state_badge(self, code: Code) -> SafeString:
        return draw_badge(code.get_state_display(), CODE_COLOURS.get(code.state, ""))

    @admin.display(description=_("lot"))
    def lot_shown(self, code: Code) -> str:
        return str(code.lot.get_source_display()) if code.lot else "—"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("find/", wrap(partial(_find_anything, self)), name="promo_find"),
            path("<int:code_id>/reveal/", wrap(self.reveal), name="promo_code_reveal"),
            *(
                path(f"<int:code_id>/{deed.name}/", wrap(self._ask_for(deed)), name=f"promo_code_{deed.name}")
                for deed in DEEDS
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Found by full string only, wherever the question comes from; a part of a code finds nothing, so the search is no way to guess.
        if (typed := request.GET.get("q")) is not None:
            found = Code.objects.masked_search(typed).first() if request.user.has_perm(VIEW) else None
            address = reverse("admin:promo_code_change", args=[found.pk]) if found else reverse("admin:promo_find")
            return HttpResponseRedirect(address)
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        code = self.get_object(request, object_id)
        context = {**(extra_context or {}), "title": "", "show_close": False}
        if code is not None:
            context |= {
                "life": _describe(request, code),
                "title": gettext("Code %(code)s №%(id)d") % {"code": code.masked, "id": code.pk},
            }
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def reveal(self, request: HttpRequest, code_id: int) -> HttpResponse:
        """The full string, after a reason. Answered to the POST itself: an address that shows a code would be kept by browsers and logs."""
        actor = require(request, VIEW, REVEAL)
        code = self._find(request, code_id)
        back = reverse("admin:promo_code_change", args=[code_id])
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            string = moving.reveal_code(
                code_id=code_id, actor=actor, reason=form.cleaned_data["reason"], now=timezone.now()
            )
            context = {
                **self.admin_site.each_context(request),
                "title": gettext("The full code"),
                "code": code,
                "string": string,
                "back": back,
            }
            response = TemplateResponse(request, "promo/revealed.html", context)
            response["Cache-Control"] = "no-store"
            return response
        return ask(
            request,
            self.admin_site,
            title=_("Show the full code"),
            sentence=_("Whoever knows it can spend it. That you saw it is recorded."),
            button=_("Show"),
            back=back,
            form=form,
        )

    def _ask_for(self, deed: Deed) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, code_id: int) -> HttpResponse:
            actor = require(request, VIEW, deed.permission)
            code = self._find(request, code_id)
            back = reverse("admin:promo_code_change", args=[code_id])
            form = ReasonForm(request.POST or None)
            if request.method == "POST" and form.is_valid():

                def act() -> Promise:
                    deed.act(code_id=code_id, actor=actor, reason=form.cleaned_data["reason"], now=timezone.now())
                    return deed.done

                if say_outcome(request, act):
                    nudge("promo.tasks.publish_mirror", at_most_every_seconds=5.0)
                return HttpResponseRedirect(back)
            return ask(
                request,
                self.admin_site,
                title=deed.title,
                sentence=deed.sentence,
                button=deed.button,
                back=back,
                form=form,
                is_dangerous=deed.is_dangerous,
                extra={"subject": f"{code.masked} №{code.pk} · {code.pool}"},
            )

        return view

    def _find(self, request: HttpRequest, code_id: int) -> Code:
        code: Code | None = self.get_object(request, str(code_id))
        if code is None:
            raise Http404
        return code


def _find_anything(code_admin: CodeAdmin, request: HttpRequest) -> HttpResponse:
    return find(request, code_admin.admin_site)


def _describe(request: HttpRequest, code: Code) -> dict[str, Any]:
    """What the page draws: the state, the life, and the buttons that would do something now."""
    may_see_runs = request.user.has_perm("promo.view_replenishrun")
    return {
        "code": code,
        "badge": draw_badge(code.get_state_display(), CODE_COLOURS.get(code.state, "")),
        "reason": say_why(code.reason),
        "moments": tell_life(code, with_links=may_see_runs),
        "may_reveal": request.user.has_perm(REVEAL),
        "deeds": list(_possible(request, code)),
        "days_left": _days_left(code.valid_until, timezone.localdate()),
    }


def _possible(request: HttpRequest, code: Code) -> Iterator[tuple[Deed, str]]:
    for deed in DEEDS:
        if code.state in deed.from_states and request.user.has_perm(deed.permission):
            yield deed, reverse(f"admin:promo_code_{deed.name}", args=[code.pk])


def _days_left(last_day: dt.date | None, today: dt.date) -> int | None:
    return None if last_day is None else (last_day - today).days
