"""The profile as an editable value, and which column it finds where."""

import dataclasses
import json
from typing import Any

import pytest
from django.utils.translation import override

from promo.adapters.bon_admin.columns import locate_columns, to_page
from promo.adapters.bon_admin.profile import Column, GridPage, PanelProfile, Words
from promo.adapters.bon_admin.profile_json import ProfileInvalid
from promo.errors import PanelReason, PanelTemporary
from promo.ports import RowStatus

OBSERVED = [
    ("header_id_10005", ""),
    ("header_id_4700", "№"),
    ("header_id_4777", "Активний"),
    ("header_id_4776", "Код"),
    ("header_id_4778", "Розмір знижки"),
    ("header_id_4779", "Дійсні до"),
    ("", ""),
]


def headers(*pairs: tuple[str, str], spans: dict[int, int] | None = None) -> list[dict[str, Any]]:
    found, at = [], 0
    for number, (header_id, text) in enumerate(pairs):
        span = (spans or {}).get(number, 1)
        found.append({"id": header_id, "text": text, "at": at, "span": span})
        at += span
    return found


def report(*rows: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "headers": headers(*OBSERVED),
        "rows": [{"id": str(800 + number), "cells": cells} for number, cells in enumerate(rows)],
        "pager": "1 / 1",
        "total": f"Всього: {len(rows)}",
        "size": "160",
        "hasNext": False,
    } | changes


def problems_of(text: str, *, language: str = "en") -> tuple[str, ...]:
    with override(language), pytest.raises(ProfileInvalid) as invalid:
        PanelProfile.from_json(text)
    return invalid.value.problems


# -- the value ------------------------------------------------------------------------------------------------------


def test_the_default_profile_holds_what_was_observed():
    profile = PanelProfile()
    assert profile.grid.table == "table#datagrid"
    assert profile.grid.code.header_id == "header_id_4776"
    assert profile.grid.amount.header_id == "header_id_4778"
    assert profile.form.kind_value == "1"
    assert profile.removal.function == "removeSelectedGrids"
    assert "так" in profile.words.active


def test_what_is_wrong_is_said_in_the_readers_language():
    assert problems_of('{"grid": {"table": 4}}', language="uk") == ("grid.table: очікується текст, а тут число",)
    assert problems_of('{"waits": {"save_seconds": 900}}', language="uk") == (
        "waits.save_seconds: від 0 до 300 секунд, а не 900.0",
    )


def test_a_profile_survives_json_unchanged():
    profile = PanelProfile(version="spring", words=Words(active=("Працює",), inactive=("Стоїть",)))
    assert PanelProfile.from_json(profile.to_json()) == profile
    assert PanelProfile.from_json(json.loads(profile.to_json())) == profile


def test_what_a_profile_leaves_out_keeps_its_default():
    profile = PanelProfile.from_json('{"version": "other-table", "grid": {"table": "#couponsGrid"}}')
    assert profile.grid == dataclasses.replace(GridPage(), table="#couponsGrid")
    assert profile.words == Words()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON: "),
        ("[]", "profile: an object is expected, found a list"),
        ("[" * 100_000, "not JSON: "),
        ('{"grid": {"tabel": "x"}}', "grid.tabel: unknown; is table meant?"),
        ('{"grid": {"table": 4}}', "grid.table: a text is expected, found a number"),
        ('{"grid": {"table": null}}', "grid.table: a text is expected, found nothing"),
        ('{"grid": {"table": "  "}}', "grid.table: must not be blank"),
        ('{"grid": {"table": "text=Додати"}}', "grid.table: plain CSS is expected, found 'text=Додати'"),
        ('{"grid": {"table": "div >> table"}}', "grid.table: plain CSS is expected, found 'div >> table'"),
        ('{"grid": {"code": "Код"}}', "grid.code: an object is expected, found a text"),
        ('{"grid": {"code": {"header_texts": "Код"}}}', "grid.code.header_texts: a list of texts is expected, found a text"),
        ('{"grid": {"status": {"header_texts": []}}}', "grid.status: a header id or a header text is needed"),
        ('{"waits": {"save_seconds": 0}}', "waits.save_seconds: between 0 and 300 seconds, not 0.0"),
        ('{"waits": {"save_seconds": NaN}}', "waits.save_seconds: between 0 and 300 seconds, not nan"),
        ('{"waits": {"save_seconds": true}}', "waits.save_seconds: a number of seconds is expected, found true or false"),
        ('{"words": {"active": ["Ні"]}}', "words: ні cannot mean both active and inactive"),
        ('{"words": {"inactive": []}}', "words.inactive: at least one word is needed"),
        ('{"removal": {"function": "alert(1);x"}}', "removal.function: the name of one function of the page is expected"),
        ('{"version": ""}', "version: must not be blank"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_work_is_refused_by_name(text, problem):
    assert problems_of(text)[0].startswith(problem)


def test_every_problem_is_named_at_once():
    assert len(problems_of('{"grid": {"tabel": "x", "table": 4}, "form": {"code": []}}')) == 3


def test_an_optional_selector_may_be_empty():
    assert PanelProfile.from_json('{"grid": {"total": "", "loader": ""}}').grid.total == ""


# -- columns --------------------------------------------------------------------------------------------------------


def test_the_observed_headers_are_found():
    columns = locate_columns(headers(*OBSERVED), PanelProfile())
    assert (columns.number, columns.status, columns.code, columns.amount, columns.valid_until) == (1, 2, 3, 4, 5)


def test_columns_that_changed_places_are_found_where_they_are():
    swapped = headers(*(OBSERVED[number] for number in (0, 1, 3, 2, 5, 4, 6)))
    columns = locate_columns(swapped, PanelProfile())
    assert (columns.code, columns.status, columns.valid_until, columns.amount) == (2, 3, 4, 5)


def test_columns_are_found_by_their_texts_when_the_ids_changed():
    renamed = headers(*((header_id.replace("47", "81"), text) for header_id, text in OBSERVED))
    assert locate_columns(renamed, PanelProfile()).amount == 4


def test_columns_are_found_by_their_ids_when_the_texts_are_in_another_language():
    foreign = headers(("a", ""), ("b", "Nr"), ("c", "Активний"), ("header_id_4776", "Kod"), ("header_id_4778", "Rabat"))
    columns = locate_columns(foreign, PanelProfile())
    assert (columns.code, columns.amount) == (3, 4)


def test_a_span_moves_the_columns_after_it():
    assert locate_columns(headers(*OBSERVED, spans={1: 3}), PanelProfile()).code == 5


def test_an_id_under_another_columns_text_is_not_believed():
    """In another store the number of the amount may stand at the code."""
    other_store = headers(("x", ""), ("header_id_4778", "Код"), ("header_id_4776", "Розмір знижки"), ("y", "Активний"))
    columns = locate_columns(other_store, PanelProfile())
    assert (columns.code, columns.amount) == (1, 2)


@pytest.mark.parametrize(
    "pairs",
    [
        [*OBSERVED[:3], *OBSERVED[4:]],  # no code
        [*OBSERVED[:2], *OBSERVED[3:]],  # no status
        [*OBSERVED, ("header_id_9", "Активний")],  # two statuses
        [*OBSERVED[:4], ("header_id_4778", "Мін. замовлення"), ("header_id_9", "Розмір знижки")],  # id here, text there
        [],
    ],
)  # fmt: skip
def test_unclear_columns_are_a_changed_layout_and_no_guess(pairs):
    with pytest.raises(PanelTemporary) as error:
        locate_columns(headers(*pairs), PanelProfile())
    assert error.value.reason is PanelReason.LAYOUT


def test_of_a_missing_column_only_itself_differs_from_what_was_expected():
    with pytest.raises(PanelTemporary) as error:
        locate_columns(headers(*OBSERVED[:2], *OBSERVED[3:]), PanelProfile())
    expected, seen = error.value.expected, error.value.seen
    assert [name for name, title in expected.items() if seen[name] != title] == ["status"]
    assert "Активний" in str(expected["status"])
    assert (seen["status"], seen["code"]) == ("not there", "Код")


def test_two_columns_never_share_a_header():
    grid = GridPage(code=Column("", ("Значення",)), amount=Column("", ("Значення",)))
    with pytest.raises(PanelTemporary):
        locate_columns(headers(("", "Значення"), ("", "Активний")), PanelProfile(grid=grid))


def test_a_panel_without_dates_is_read_without_dates():
    page = to_page(
        report(["", "811", "Так", "BON100H3LV", "100 грн"], headers=headers(*OBSERVED[:5])),
        PanelProfile(),
    )
    assert page.rows[0].valid_until is None
    assert page.rows[0].amount_uah == 100


# -- rows -----------------------------------------------------------------------------------------------------------


def test_a_row_is_read_cell_by_cell():
    row = to_page(report(["", "811", "Ні", " BON100H3LV\u00a0", "100,00 ₴", "14.03.2027", "…"]), PanelProfile()).rows[0]
    assert (row.code, row.amount_uah, row.status, str(row.valid_until)) == (
        "BON100H3LV",
        100,
        RowStatus.INACTIVE,
        "2027-03-14",
    )
    assert row.row_id == "800"
    assert row.cells == ("", "811", "Ні", "BON100H3LV", "100,00 ₴", "14.03.2027", "…")


def test_what_cannot_be_understood_is_handed_on_as_it_is():
    row = to_page(report(["", "811", "На перевірці", "STAFF100", "100 %", "", "…"]), PanelProfile()).rows[0]
    assert (row.code, row.amount_uah, row.status, row.valid_until) == ("STAFF100", None, RowStatus.UNKNOWN, None)


def test_a_row_that_does_not_fit_under_the_headers_stops_the_reading():
    with pytest.raises(PanelTemporary) as error:
        to_page(report(["811", "Так", "BON100H3LV", "100 грн"]), PanelProfile())
    assert error.value.reason is PanelReason.LAYOUT


def test_a_row_without_a_code_is_counted_and_left_out():
    page = to_page(
        report(
            ["", "811", "Так", "BON100H3LV", "100 грн", "14.03.2027", "…"],
            ["Разом", "", "", "\u00a0", "100 грн", "", ""],
        ),
        PanelProfile(),
    )
    assert [row.code for row in page.rows] == ["BON100H3LV"]
    assert (page.shown, page.skipped, page.places) == (2, 1, (0,))
