"""Reading the grid with a real browser: every page, the right columns, and a filter that is believed only by its rows."""

import dataclasses

import pytest

from promo.errors import PanelReason, PanelTemporary
from promo.ports import RowStatus
from tests.panel.visiting import DAY, PROFILE, impatient, new, put_codes, signed_in, strings

pytestmark = pytest.mark.xdist_group("panel-reading")

WITHOUT_PAGE_SIZES = dataclasses.replace(PROFILE, grid=dataclasses.replace(PROFILE.grid, page_size=""))


def test_the_rows_of_an_amount_are_read_with_all_they_say(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=3, thousands=2, inactive_every=2)
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=100)
    assert [(row.code, row.amount_uah, row.status, row.valid_until) for row in reading.rows] == [
        ("BON100Q0002", 100, RowStatus.INACTIVE, DAY),
        ("BON100Q0001", 100, RowStatus.ACTIVE, DAY),
        ("BON100Q0000", 100, RowStatus.INACTIVE, DAY),
    ]
    assert (reading.total, reading.pages) == (3, 1)
    assert [panel.state.find(row.code).id for row in reading.rows] == [int(row.row_id) for row in reading.rows]
    assert here.names() == ["grid_opened", "filter_set", "page_read"]


def test_two_thousand_rows_are_thirteen_pages(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=1000, thousands=1000)
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=None)
    assert (len(reading.rows), reading.total, reading.pages) == (2000, 2000, 13)
    assert strings(reading) == sorted(code.code for code in panel.state.codes())
    assert here.names().count("page_read") == 13
    assert panel.state.view(panel.state.username).page_size == 160


def test_no_disguise_of_the_grid_changes_what_is_read(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=4, thousands=3)
    panel.state.set_switches(
        columns_swapped=True,
        columns_inserted=True,
        changed_header_ids=True,
        changed_table_id=True,
        changed_iframe_path=True,
        grid_empty_at_first=True,
        codes_padded=True,
        amount_format="grouped_nbsp",
        date_format="iso",
        status_words="ru",
    )
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=1000)
        everything = here.panel.read_codes(amount_uah=None)
    assert strings(reading) == ["BON1000Q0000", "BON1000Q0001", "BON1000Q0002"]
    assert {(row.amount_uah, row.status, row.valid_until) for row in reading.rows} == {(1000, RowStatus.ACTIVE, DAY)}
    assert len(everything.rows) == 7


def test_other_peoples_codes_are_read_for_what_they_are(panel, browser_thread, live_session):
    panel.state.set_switches(other_codes=True)
    with signed_in(panel, browser_thread, live_session) as here:
        rows = {row.code: row.amount_uah for row in here.panel.read_codes(amount_uah=100).rows}
    assert rows["STAFF100"] is None, "a per cent is no amount"
    assert rows["BON1000MARA5"] == 100, "the amount is the row's, not the one that the code seems to name"
    assert "BON100GIFTX7" not in rows, "it is worth 1000"


def test_status_words_are_matched_whole_or_not_at_all(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=4, inactive_every=2)
    with signed_in(panel, browser_thread, live_session) as here:
        for words, statuses in {
            "unknown": {RowStatus.UNKNOWN},
            "sentences": {
                RowStatus.ACTIVE,
                RowStatus.UNKNOWN,
            },  # "Неактивний (…)" is no word of ours, and is not guessed
            "en": {RowStatus.ACTIVE, RowStatus.INACTIVE},
        }.items():
            panel.state.set_switches(status_words=words)
            assert {row.status for row in here.panel.read_codes(amount_uah=100).rows} == statuses


def test_a_filter_left_by_a_person_hides_nothing(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=45)
    panel.state.change_view(panel.state.username, search="BON9", amount_from="900", page=3, page_size=20)
    with signed_in(panel, browser_thread, live_session) as here:
        assert len(here.panel.read_codes(amount_uah=100).rows) == 45


def test_an_amount_without_codes_is_read_as_empty(panel, browser_thread, live_session):
    put_codes(panel.state, thousands=3)
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=100)
    assert (reading.rows, reading.total) == ((), 0)
    assert "rows_selected" not in here.names()


@pytest.mark.parametrize("mode", ["ignored", "prefix"])
def test_a_filter_that_lies_is_seen_through_and_not_tried_again(panel, browser_thread, live_session, mode):
    put_codes(panel.state, hundreds=3, thousands=200)
    panel.state.set_switches(filter_mode=mode, other_codes=True)
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=100)
        tried = here.names().count("filter_set")
        again = here.panel.read_codes(amount_uah=100)
    assert {row.amount_uah for row in reading.rows} == {100, None}
    assert {"BON100Q0000", "BON100Q0001", "BON100Q0002"} <= set(strings(reading))
    assert "BON100GIFTX7" not in strings(reading)
    assert reading.total is None
    assert here.detail("rows_selected")["filter_ignored"] is True
    assert (tried, here.names().count("filter_set")) == (2, 2)
    assert again.rows == reading.rows


def test_a_lie_that_begins_on_the_second_page_is_seen_through_too(panel, browser_thread, live_session):
    put_codes(panel.state, thousands=20)
    put_codes(panel.state, hundreds=165)  # newest first: the first page holds nothing but hundreds
    panel.state.set_switches(filter_mode="ignored")
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=100)
    assert len(reading.rows) == 165
    assert {row.amount_uah for row in reading.rows} == {100}
    assert here.steps[1].detail["obeyed"] is True


def test_pages_that_drift_are_read_until_they_add_up(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=200)
    panel.state.set_switches(drifting_pages=True)
    with signed_in(panel, browser_thread, live_session) as here:
        reading = here.panel.read_codes(amount_uah=None)
    assert strings(reading) == sorted(code.code for code in panel.state.codes())
    assert reading.total == 200
    assert "page_size_changed" in here.names()


def test_pages_that_drift_and_cannot_be_read_otherwise_stop_the_run(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=60)
    panel.state.set_switches(drifting_pages=True)
    with signed_in(panel, browser_thread, live_session, profile=WITHOUT_PAGE_SIZES) as here:
        with pytest.raises(PanelTemporary) as stopped:
            here.panel.read_codes(amount_uah=None)
        assert stopped.value.reason is PanelReason.DRIFTING

        panel.state.set_switches(filter_mode="ignored")
        put_codes(panel.state, thousands=10)
        with pytest.raises(PanelTemporary) as stopped:
            here.panel.read_codes(amount_uah=100)
        assert stopped.value.reason is PanelReason.FILTER_IGNORED


def test_a_grid_that_loads_too_long_is_slow(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=1)
    with signed_in(panel, browser_thread, live_session, profile=impatient(filter_seconds=0.5)) as here:
        panel.state.set_switches(slow_grid_seconds=600)
        with pytest.raises(PanelTemporary) as stopped:
            here.panel.read_codes(amount_uah=100)
    assert stopped.value.reason is PanelReason.SLOW
    assert here.names(ok=False) == ["grid_opened"]


def test_a_session_that_ends_in_the_middle_is_renewed(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=3)
    with signed_in(panel, browser_thread, live_session) as here:
        panel.state.expire_sessions()
        assert len(here.panel.read_codes(amount_uah=100).rows) == 3
        assert here.names()[0] == "grid_opened"
        assert here.steps[0].detail["reason"] == "session_lost"
    assert panel.state.counters == {"login": 1}


def test_after_a_save_the_grid_is_read_without_setting_the_filter_again(panel, browser_thread, live_session):
    put_codes(panel.state, hundreds=2, thousands=2)
    with signed_in(panel, browser_thread, live_session) as here:
        here.panel.read_codes(amount_uah=100)
        here.panel.create_code(new("BON100NEW42"))
        here.steps.clear()
        assert strings(here.panel.read_codes(amount_uah=100)) == ["BON100NEW42", "BON100Q0000", "BON100Q0001"]
        assert here.names() == ["page_read"]
        # Nothing was loaded since: what is on the screen may be old by now.
        panel.state.add_code("BON100LATE", 100)
        assert "BON100LATE" in strings(here.panel.read_codes(amount_uah=100))
