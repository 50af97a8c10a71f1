"""Creating and deleting with a real browser: exactly what was asked, once, and the truth about what is not known."""

import datetime as dt

import pytest

from promo.errors import CodeRefused, OutcomeUnknown, PanelReason, PanelTemporary
from promo.ports import GridRow, NewCode, RowStatus
from tests.panel.odd_pages import serve_pages
from tests.panel.visiting import DAY, PROFILE, impatient, new, put_codes, signed_in, strings, visit

pytestmark = pytest.mark.xdist_group("panel-writing")

GRID = """<a class="button add plus" href="/new">+</a><button id="reset_datagrid" onclick="location.reload()">Скинути</button>
<table id="datagrid"><thead><tr><th></th><th>Активний</th><th>Код</th><th id="header_id_4778">Розмір знижки</th></tr></thead>
<tbody><tr><td><input type="checkbox" class="datagrid-check-control" value="5"></td><td>Так</td><td>BON100ODD1</td><td>100</td></tr></tbody></table>"""
FORM = """<form method="post"><input name="names[code]"><select name="names[type]"><option>0<option>1</select><input name="names[amount]">
<input name="names[date_limit]"><input type="hidden" name="names[active]" value="0"><input type="checkbox" name="names[active]" value="1">
<select multiple name="names[brands][]"><option value="0">—<option value="3">Б</select>
<select multiple name="names[categories][]"><option value="0">—<option value="7">К</select>
<input type="submit" class="save-exit-button"></form>"""


def refusal_of(here, code: NewCode) -> PanelTemporary:
    with pytest.raises(PanelTemporary) as refused:
        here.panel.create_code(code)
    return refused.value


def test_a_code_is_stored_as_it_was_asked_for(panel, browser_thread, live_session):
    with signed_in(panel, browser_thread, live_session, with_pictures=True) as here:
        here.panel.create_code(new("BON100H3LVQX", 100))
        reading = here.panel.read_codes(amount_uah=100)
    stored = panel.state.find("BON100H3LVQX")
    assert (stored.kind, int(stored.amount), stored.date_limit, stored.active) == ("1", 100, DAY, True)
    assert stored.covers_whole_store
    assert [(row.code, row.status, row.valid_until) for row in reading.rows] == [
        ("BON100H3LVQX", RowStatus.ACTIVE, DAY)
    ]
    assert here.names()[:2] == ["code_typed", "code_saved"]
    assert here.detail("code_saved") == {"code": "BON100••••", "amount_uah": 100}
    assert "H3LVQX" not in repr([dict(step.detail) for step in here.steps])
    # Reading changes nothing on the screen: the picture of the step before shows it.
    assert {step.name for step in here.steps if not step.picture} == {"page_read"}
    assert here.steps[1].picture
    assert here.steps[-1].picture is None


def test_a_duplicate_is_refused_by_name_and_the_next_code_is_made(panel, browser_thread, live_session):
    panel.state.add_code("BON100TWICE", 100, active=False)
    with signed_in(panel, browser_thread, live_session) as here:
        error = refusal_of(here, new("BON100TWICE"))
        here.panel.create_code(new("BON100NEXT1"))
    assert isinstance(error, CodeRefused)
    assert error.reason is PanelReason.DUPLICATE
    assert panel.state.find("BON100TWICE").active is False
    assert panel.state.find("BON100NEXT1") is not None


def test_a_refusal_says_what_the_panel_said(panel, browser_thread, live_session):
    with signed_in(panel, browser_thread, live_session) as here:
        error = refusal_of(here, NewCode("BON100PAST1", 100, dt.date(2020, 1, 1)))
    assert isinstance(error, CodeRefused)
    assert error.reason is PanelReason.REFUSED
    assert "Дата вже минула" in error.detail
    assert panel.state.codes() == []


def test_a_save_without_an_answer_is_unknown_and_never_repeated(panel, browser_thread, live_session):
    panel.state.set_switches(save_outcome="stored_then_hang", hang_seconds=600)
    with signed_in(panel, browser_thread, live_session, profile=impatient(save_seconds=1)) as here:
        error = refusal_of(here, new("BON100HANG1"))
        assert isinstance(error, OutcomeUnknown)
        assert error.reason is PanelReason.SLOW
        assert strings(here.panel.read_codes(amount_uah=100)) == ["BON100HANG1"]
    assert panel.state.counters["save"] == 1


def test_a_save_answered_with_an_error_is_unknown_too(panel, browser_thread, live_session):
    panel.state.set_switches(save_outcome="stored_then_500")
    with signed_in(panel, browser_thread, live_session) as here:
        error = refusal_of(here, new("BON100BROKE"))
        assert isinstance(error, OutcomeUnknown)
        assert error.reason is PanelReason.UNREACHABLE
        assert strings(here.panel.read_codes(amount_uah=100)) == ["BON100BROKE"]
    assert panel.state.counters["save"] == 1


def test_a_session_that_ends_at_the_save_leaves_the_outcome_unknown(panel, browser_thread, live_session):
    panel.state.set_switches(session_ends_at_save=1)
    with signed_in(panel, browser_thread, live_session) as here:
        error = refusal_of(here, new("BON100LOST1"))
        assert isinstance(error, OutcomeUnknown)
        assert error.reason is PanelReason.SESSION_LOST
        here.panel.create_code(new("BON100LOST1"))  # it was read back meanwhile, and was not there
    assert panel.state.counters == {"login": 1, "save": 1}


def test_a_session_that_ends_before_the_save_is_renewed_and_the_code_made_once(panel, browser_thread, live_session):
    with signed_in(panel, browser_thread, live_session) as here:
        panel.state.expire_sessions()
        here.panel.create_code(new("BON100ONCE1"))
    assert panel.state.counters == {"login": 1, "save": 1}


def test_a_save_that_silently_fails_claims_nothing_that_reading_would_not_show(panel, browser_thread, live_session):
    panel.state.set_switches(save_outcome="silent_failure")
    with signed_in(panel, browser_thread, live_session) as here:
        here.panel.create_code(new("BON100GHOST"))
        assert here.panel.read_codes(amount_uah=100).rows == ()


def test_unknown_fields_stop_before_anything_is_sent(panel, browser_thread, live_session):
    panel.state.set_switches(changed_form_fields=True)
    with signed_in(panel, browser_thread, live_session, profile=impatient(settled_seconds=0.5)) as here:
        error = refusal_of(here, new("BON100FIELD"))
    assert not isinstance(error, CodeRefused | OutcomeUnknown)
    assert error.reason is PanelReason.LAYOUT
    assert panel.state.counters == {}
    told = here.detail("code_typed")
    assert told["expected"] == {"screen": "form", "http_status": 200}
    assert (told["seen"]["screen"], told["seen"]["http_status"]) == ("elsewhere", 200)
    assert told["seen"]["text"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        # A mask that spoils what was typed: as it stands it would be another code.
        (FORM.replace('"names[amount]"', '"names[amount]" oninput="this.value=this.value+0"'), "does not hold what was typed: amount"),
        (FORM.replace("<option>1", ""), "the form has no kind '1'"),
        (FORM.replace("names[brands][]", "names[marks][]"), 'the form has no select[name="names[brands][]"]'),
        (FORM.replace('type="checkbox"', 'type="hidden"'), "the form has no active"),
        (FORM.replace("save-exit-button", "save"), "the form has no save"),
    ],
)  # fmt: skip
def test_a_form_that_does_not_hold_what_is_wanted_is_never_sent(panel, browser_thread, form, words):
    with (
        serve_pages({"GET /": GRID, "GET /new": form}) as (address, asked),
        visit(panel, browser_thread, url=f"{address}/") as here,
    ):
        here.panel.sign_in()
        error = refusal_of(here, new("BON100MASK1"))
    assert error.reason is PanelReason.LAYOUT
    assert words in error.detail
    assert "POST /new" not in asked
    told = here.detail("code_typed")
    differing = [name for name, value in told["expected"].items() if told["seen"][name] != value]
    assert differing == [words.split(" no ")[-1].split(": ")[-1].split(" '")[0]]


@pytest.mark.parametrize(
    ("answer", "expected", "reason", "profile"),
    [
        (FORM, CodeRefused, PanelReason.REFUSED, PROFILE),  # the form again, without a word
        (FORM + '<p class="error">Код already exists</p>', CodeRefused, PanelReason.DUPLICATE, PROFILE),
        ("<h1>Дякуємо</h1>", OutcomeUnknown, PanelReason.LAYOUT, impatient(settled_seconds=1)),
    ],
)  # fmt: skip
def test_what_comes_after_a_save_decides(panel, browser_thread, answer, expected, reason, profile):
    pages = {"GET /": GRID, "GET /new": FORM, "POST /new": answer}
    with (
        serve_pages(pages) as (address, asked),
        visit(panel, browser_thread, url=f"{address}/", profile=profile) as here,
    ):
        here.panel.sign_in()
        error = refusal_of(here, new("BON100AFTER"))
    assert type(error) is expected
    assert error.reason is reason
    assert asked.count("POST /new") == 1


@pytest.mark.parametrize(
    "script",
    [
        "onsubmit=\"alert('Код already exists'); return false\"",
        "onsubmit=\"document.body.insertAdjacentHTML('beforeend', '<p role=alert>Already exists</p>'); return false\"",
    ],
)  # fmt: skip
def test_a_form_that_refuses_without_loading_is_heard(panel, browser_thread, script):
    pages = {"GET /": GRID, "GET /new": FORM.replace("<form", f"<form {script}")}
    with serve_pages(pages) as (address, asked), visit(panel, browser_thread, url=f"{address}/") as here:
        here.panel.sign_in()
        error = refusal_of(here, new("BON100HEARD"))
    assert isinstance(error, CodeRefused)
    assert error.reason is PanelReason.DUPLICATE
    assert "POST /new" not in asked


def test_the_form_can_be_looked_at_without_saving(panel, browser_thread, live_session):
    with signed_in(panel, browser_thread, live_session) as here:
        report = here.panel.check_form()
        assert here.panel.read_codes(amount_uah=None).rows == ()
    assert report["recognised"] == dict.fromkeys(("code", "kind", "amount", "validUntil", "active"), True)
    assert [one["options"] for one in report["lists"]] == [3, 4]
    assert panel.state.counters == {}


# -- deleting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches", [{}, {"dialog": "modal", "dialog_texts_changed": True}, {"dialog_texts_changed": True}]
)
def test_exactly_the_rows_named_are_deleted(panel, browser_thread, live_session, switches):
    put_codes(panel.state, hundreds=5, thousands=5)
    panel.state.set_switches(**switches)
    with signed_in(panel, browser_thread, live_session) as here:
        rows = here.panel.read_codes(amount_uah=100).rows
        here.panel.delete_codes([row for row in rows if row.code in ("BON100Q0001", "BON100Q0003")])
        left = here.panel.read_codes(amount_uah=100)
    assert sorted(code.code for code in panel.state.deleted) == ["BON100Q0001", "BON100Q0003"]
    assert strings(left) == ["BON100Q0000", "BON100Q0002", "BON100Q0004"]


def test_no_row_of_another_amount_is_deleted_whatever_its_string(panel, browser_thread, live_session):
    put_codes(panel.state, thousands=3)
    panel.state.set_switches(filter_mode="ignored")  # so that the row is really on the screen
    with signed_in(panel, browser_thread, live_session) as here:
        here.panel.delete_codes([GridRow("BON1000Q0001", 100, RowStatus.INACTIVE, DAY)])
    assert panel.state.deleted == []
    assert here.detail("rows_not_found") == {"missing": 1}


def test_a_row_of_unknown_amount_is_never_deleted(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=2)
    with signed_in(panel, browser_thread, live_session) as here, pytest.raises(ValueError, match="its amount"):
        here.panel.delete_codes(
            [GridRow("BON100Q0001", 100, RowStatus.ACTIVE, DAY), GridRow("BON100Q0000", None, RowStatus.ACTIVE, DAY)]
        )
    assert panel.state.deleted == []
    assert here.steps == []


def test_rows_on_later_pages_are_found_though_the_filter_is_ignored(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=2, thousands=200)  # newest first: the hundreds are on the second page
    panel.state.set_switches(filter_mode="ignored")
    with signed_in(panel, browser_thread, live_session) as here:
        here.panel.delete_codes([GridRow("BON100Q0001", 100, RowStatus.ACTIVE, DAY)])
    assert [code.code for code in panel.state.deleted] == ["BON100Q0001"]


def test_a_deletion_that_silently_fails_is_seen_by_reading_again(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=2)
    panel.state.set_switches(delete_outcome="silent_failure")
    with signed_in(panel, browser_thread, live_session) as here:
        rows = here.panel.read_codes(amount_uah=100).rows
        here.panel.delete_codes(rows[:1])
        assert here.panel.read_codes(amount_uah=100).rows == rows


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "the page has no function removeSelectedGrids; nothing was deleted"),
        ("<script>function removeSelectedGrids() {}</script>", "the panel asked nothing that could be agreed to; nothing was deleted"),
        # A row outside of the table is ticked: it would go with the others.
        ('<input type="checkbox" class="datagrid-check-control" checked>', "exactly the rows to delete could not be ticked; nothing was deleted"),
    ],
)  # fmt: skip
def test_a_panel_that_does_not_play_along_deletes_nothing(panel, browser_thread, more, words):
    pages = {"GET /": GRID + more}
    with (
        serve_pages(pages) as (address, asked),
        visit(panel, browser_thread, url=f"{address}/", profile=impatient(delete_seconds=0.4)) as here,
    ):
        here.panel.sign_in()
        with pytest.raises(PanelTemporary) as stopped:
            here.panel.delete_codes([GridRow("BON100ODD1", 100, RowStatus.ACTIVE, None)])
    assert stopped.value.reason is PanelReason.LAYOUT
    assert stopped.value.detail == words
    assert not [one for one in asked if one.startswith("POST")]
