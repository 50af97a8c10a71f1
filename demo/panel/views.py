"""The pages of the panel: home, the codes page with its iframe, the grid and its reloads, the form, deletion.

Reloads answer with a fragment (table and pager) that the script in the iframe puts in place; everything else is a page.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from flask import Blueprint, current_app, g, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from demo.panel.forms import CODE_TAKEN, CodeForm, faults, form_of, read_form
from demo.panel.gate import login_page, needs_login, panel_state, wait
from demo.panel.grid import GridPage, read_page
from demo.panel.layout import CODES_HANDLER, LEGACY_PREFIX, MOVED_PREFIX, layout_for
from demo.panel.records import BRANDS, CATEGORIES, KIND_LABELS, PAGE_SIZES, GridView
from demo.panel.state import DuplicateCodeError
from demo.panel.switches import Switches
from demo.panel.wording import cell_texts

View = TypeVar("View", bound=Callable[..., Any])

SAVED = "Зміни збережено"

pages = Blueprint("pages", __name__)


@pages.get("/")
def store_home() -> str:
    return render_template("store.html")


@pages.get("/edit/")
@needs_login
def home() -> str:
    return render_template("home.html", session=g.panel_session)


@pages.get("/edit/discounts/codes")
@needs_login
def codes_page() -> str:
    return render_template(
        "codes.html", grid_path=layout_for(panel_state().switches).grid_path, session=g.panel_session
    )


def _legacy(path: str, **options: Any) -> Callable[[View], View]:
    """Serve a legacy screen under its usual prefix and the moved one; the gate decides which of them exists now."""

    def register(view: View) -> View:
        for prefix in (LEGACY_PREFIX, MOVED_PREFIX):
            pages.add_url_rule(prefix + path, endpoint=view.__name__, view_func=view, **options)
        return view

    return register


@_legacy("/data.php", methods=["GET"])
@needs_login
def grid_page() -> str | tuple[str, int]:
    if request.args.get("handler") != CODES_HANDLER:
        return render_template("gone.html"), 404
    state, session = panel_state(), g.panel_session
    wait(state.switches.slow_grid_seconds)
    if session.message:
        state.sessions.change(session.sid, message="")
    return render_template(
        "grid.html",
        message=session.message,
        page_sizes=PAGE_SIZES,
        starts_empty=state.switches.grid_empty_at_first,
        **_grid_context(session.account),
    )


@_legacy("/data.php", methods=["POST"])
@needs_login
def reload_grid() -> str | tuple[str, int]:
    state, account = panel_state(), g.panel_session.account
    switches = state.switches
    wait(switches.slow_grid_seconds)
    change = _asked_change(state.view(account))
    if change is None:
        return "Невідома дія", 400
    state.change_view(account, **change)
    message = ""
    if request.form.get("action") == "delete":
        ids = [int(one) for one in request.form.getlist("ids[]") if one.isascii() and one.isdigit()]
        if switches.delete_outcome == "normal":
            state.delete(ids)
        message = f"Видалено: {len(ids)}"
    return render_template("fragment.html", message=message, starts_empty=False, **_grid_context(account))


def _asked_change(view: GridView) -> dict[str, Any] | None:
    """The change of the account's view that the posted action asks for; None for an action that does not exist."""
    form = request.form
    match form.get("action"):
        case "load" | "delete":
            return {}
        case "filter":
            return {
                "search": form.get("search", view.search),
                "amount_from": form.get("text1", view.amount_from),
                "amount_to": form.get("text2", view.amount_to),
                "page": 1,
            }
        case "reset":
            return {"search": "", "amount_from": "", "amount_to": "", "page": 1}
        case "sort" if form.get("column") in ("number", "active", "code", "amount", "date"):
            # One click after another: ascending, descending, unsorted again.
            column = form["column"]
            following = {"": "asc", "asc": "desc", "desc": ""}[view.direction if view.sort == column else ""]
            return {"sort": column if following else "", "direction": following, "page": 1}
        case "perpage" if form.get("size") in {str(size) for size in PAGE_SIZES}:
            return {"page_size": int(form["size"]), "page": 1}
        case "page" if form.get("page", "").isdecimal():
            return {"page": max(1, int(form["page"]))}
    return None


def _grid_context(account: str) -> dict[str, Any]:
    state = panel_state()
    switches, view = state.switches, state.view(account)
    page: GridPage = read_page(state.codes(), view, switches, rng=current_app.config["PANEL_RANDOM"])
    return {
        "layout": layout_for(switches),
        "switches": switches,
        "view": view,
        "page": page,
        "rows": [(row, cell_texts(row, switches)) for row in page.rows],
    }


@_legacy("/edit.php", methods=["GET"])
@needs_login
def code_form() -> str | tuple[str, int]:
    code_id = request.args.get("id", "")
    if code_id == "addnew":
        return _form_page(code_id, CodeForm(), {})
    row = panel_state().get(int(code_id)) if code_id.isdecimal() else None
    return (render_template("gone.html"), 404) if row is None else _form_page(code_id, form_of(row), {})


def _form_page(code_id: str, form: CodeForm, found: dict[str, str]) -> str:
    return render_template(
        "form.html",
        layout=layout_for(panel_state().switches),
        code_id=code_id,
        form=form,
        faults=found,
        kinds=KIND_LABELS,
        brands=BRANDS,
        categories=CATEGORIES,
    )


@_legacy("/save.php", methods=["POST"])
@needs_login
def save_code() -> str | AnyResponse | tuple[str, int]:
    state, code_id = panel_state(), request.args.get("id", "")
    switches, attempt = state.switches, state.count_save()
    if attempt == switches.session_ends_at_save:
        state.expire_sessions()
        return login_page(back_to=layout_for(switches).grid_path)
    outcome = switches.save_outcome if attempt % switches.save_outcome_every == 0 else "normal"
    form = read_form(request.form, layout_for(switches))
    found = _faults_of(form, code_id)
    if outcome == "claims_duplicate" and not found:
        found = {"code": CODE_TAKEN}
    if found:
        state.count("save_refused")
        return _form_page(code_id, form, found)
    try:
        if outcome != "silent_failure" and not _store(form, code_id):
            return render_template("gone.html"), 404
    except DuplicateCodeError:  # two browsers saved the same code at the same moment
        state.count("save_refused")
        return _form_page(code_id, form, {"code": CODE_TAKEN})
    if outcome in ("stored_then_500", "stored_then_hang"):
        return _fail_after_storing(outcome, switches)
    state.sessions.change(g.panel_session.sid, message=SAVED)
    return redirect(layout_for(switches).grid_path if "save_exit" in request.form else _form_again(form), 303)


def _faults_of(form: CodeForm, code_id: str) -> dict[str, str]:
    state = panel_state()

    def is_taken(code: str) -> bool:
        row = state.find(code)
        return row is not None and str(row.id) != code_id

    return faults(form, is_taken=is_taken, today=state.clock().date())


def _store(form: CodeForm, code_id: str) -> bool:
    """Write the checked form; False when the row to change is gone."""
    state = panel_state()
    # The form was checked by `faults`: an amount is there.
    amount = form.amount_value() or Decimal(0)
    if code_id == "addnew":
        state.add_code(
            form.code,
            amount,
            kind=form.kind,
            active=form.active,
            date_limit=form.date_value(),
            quantity=int(form.quantity),
            brands=form.brands,
            categories=form.categories,
            origin="form",
        )
        state.count("save")
        return True
    if not code_id.isdecimal() or state.get(int(code_id)) is None:
        return False
    state.change(
        int(code_id),
        code=form.code,
        amount=amount,
        kind=form.kind,
        active=form.active,
        date_limit=form.date_value(),
        brands=form.brands,
        categories=form.categories,
    )
    state.count("save")
    return True


def _fail_after_storing(outcome: str, switches: Switches) -> tuple[str, int]:
    if outcome == "stored_then_hang":
        wait(switches.hang_seconds)
        return render_template("server_error.html", status=504), 504
    return render_template("server_error.html", status=500), 500


def _form_again(form: CodeForm) -> str:
    """Where "save" without "exit" leads: the form of the code just stored, or the grid when it is not there."""
    row = panel_state().find(form.code)
    layout = layout_for(panel_state().switches)
    return layout.form_path(str(row.id)) if row is not None else layout.grid_path
