"""The life of the simulated panel as it was observed: login, grid, form, deletion. Its misbehaviour is tested beside."""

from datetime import date
from decimal import Decimal

import pytest

from demo.panel.records import KIND_COUPON
from demo.panel.state import PanelState
from tests.demo.visitor import Clock, Visitor, logged_in, visitor


def stocked(count: int, amount: int = 100, state: PanelState | None = None) -> PanelState:
    state = state or PanelState(clock=Clock())
    for number in range(count):
        state.add_code(f"BON{amount}N{number:04d}", amount)
    return state


def saved_codes(guest: Visitor) -> list[str]:
    return [row.code for row in guest.state.codes()]


# -- login and session -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/edit/", "/edit/discounts/codes", "/adminLegacy/data.php?handler=263"])
def test_without_a_session_the_answer_is_the_login_form_with_status_200(path):
    page = visitor(stocked(1)).get(path)
    assert page.status == 200
    assert page.is_login
    assert "BON100" not in page.text


def test_after_the_login_the_codes_page_holds_the_iframe():
    page = visitor().log_in()
    assert page.has("iframe", src="/adminLegacy/data.php?handler=263")
    assert not page.is_login


def test_the_login_leads_to_the_admin_home_when_no_page_was_asked_for():
    assert visitor().log_in(back_to="").has("a", href="/edit/discounts/codes", class_="tile")


def test_a_wrong_password_opens_nothing():
    guest = visitor()
    page = guest.log_in(password="guess")
    assert "Невірна ел. пошта або пароль" in page.text
    assert guest.get("/edit/discounts/codes").is_login
    assert guest.state.counters == {"login_refused": 1}


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/edit/", "/_demo/state", "/"])
def test_the_login_never_redirects_to_an_address_that_is_not_the_panels(address):
    guest = visitor()
    form = {"email": guest.state.username, "password": guest.state.password, "back_to": address}
    assert guest.client.post("/edit/", data=form).headers["Location"] == "/edit/"


def test_a_session_ends_an_hour_after_the_login_whatever_the_cookie_says():
    clock = Clock()
    guest = logged_in(PanelState(clock=clock))
    clock.forward(minutes=59)
    assert not guest.grid().is_login
    clock.forward(minutes=1)
    assert guest.grid().is_login


def test_ending_the_sessions_on_the_server_brings_the_login_back():
    guest = logged_in()
    assert guest.state.expire_sessions() == 1
    assert guest.grid().is_login


def test_logging_out_ends_the_session():
    guest = logged_in()
    assert guest.get("/edit/logout").is_login
    assert guest.grid().is_login


# -- grid --------------------------------------------------------------------------------------------------------------


def test_the_grid_has_the_observed_ids_in_the_observed_order():
    page = logged_in(stocked(1)).grid()
    assert page.has("table", id="datagrid")
    assert page.header_ids == [
        "header_id_10005",
        "header_id_4700",
        "header_id_4777",
        "header_id_4776",
        "header_id_4778",
        "header_id_4779",
        "",
    ]
    assert sum(found.get("id") == "datagridMasterCheckBox" for _, found in page.elements) == 2
    for tag, element_id in (
        ("div", "datagrid-loader"),
        ("button", "reset_datagrid"),
        ("select", "datagrid-perpage-select"),
        ("div", "sortingBlock_4776"),
        ("div", "sortingBlock_4778"),
        ("div", "dialog-window"),
    ):
        assert page.has(tag, id=element_id)
    assert page.has("input", name="text1", placeholder="від")
    assert page.has("input", name="text2", placeholder="до")
    assert page.has("input", placeholder="пошук...")
    assert page.has("button", class_="confirm-modal__button--ok")
    assert page.has("a", class_="add")
    assert page.has("a", class_="settings")
    assert page.has("input", class_="datagrid-check-control", value="701")


def test_a_row_shows_number_status_code_amount_and_date():
    state = PanelState(clock=Clock())
    state.add_code("BON100H3LV", 100, date_limit=date(2027, 3, 14))
    state.add_code("BON100P0X8", "100.50", active=False, date_limit=None)
    state.add_code("SALE15", 15, kind=KIND_COUPON)
    assert logged_in(state).grid().rows == [
        ["", "703", "Так", "SALE15", "15 %", "04.05.2027", "✎"],
        ["", "702", "Ні", "BON100P0X8", "100.5 грн", "", "✎"],
        ["", "701", "Так", "BON100H3LV", "100 грн", "14.03.2027", "✎"],
    ]


def test_an_empty_grid_shows_a_placeholder_row():
    page = logged_in().grid()
    assert page.has("tr", class_="no-data")
    assert page.texts["pages"] == "1 / 1"
    assert page.texts["total"] == "Всього: 0"


def test_the_pager_says_where_one_is_and_has_no_next_arrow_on_the_last_page():
    guest = logged_in(stocked(45))
    first = guest.grid()
    assert (len(first.rows), first.texts["pages"], first.texts["total"]) == (20, "1 / 3", "Всього: 45")
    assert first.has("a", class_="r")
    last = guest.act("page", page=3)
    assert (len(last.rows), last.texts["pages"]) == (5, "3 / 3")
    assert not last.has("a", class_="r")
    assert last.has("a", class_="l")


def test_all_pages_together_show_every_row_once():
    guest = logged_in(stocked(45))
    seen = [code for number in (1, 2, 3) for code in guest.act("page", page=number).column(3)]
    assert sorted(seen) == saved_codes(guest)


def test_page_page_size_filter_and_sorting_belong_to_the_account_not_to_the_browser():
    state = stocked(30, 200, stocked(30, 100))
    one = logged_in(state)
    one.act("perpage", size=40)
    one.act("filter", text1="200", text2="200")
    one.act("sort", column="code")
    other = logged_in(state)
    page = other.grid()
    assert page.texts["total"] == "Всього: 30"
    assert page.column(3)[:2] == ["BON200N0000", "BON200N0001"]
    assert page.has("input", name="text1", value="200")
    assert page.has("span", class_="sort-up")
    other.act("reset")
    assert one.grid().texts["total"] == "Всього: 60"


def test_the_page_survives_a_reload_and_is_clamped_when_rows_vanish():
    guest = logged_in(stocked(41))
    guest.act("page", page=3)
    assert guest.grid().texts["pages"] == "3 / 3"
    guest.state.delete([guest.state.codes()[0].id])
    assert guest.grid().texts["pages"] == "2 / 2"


@pytest.mark.parametrize(("size", "accepted"), [(20, True), (160, True), (161, False), (2000, False)])
def test_a_page_holds_at_most_160_rows(size, accepted):
    guest = logged_in(stocked(200))
    page = guest.act("perpage", size=size)
    assert page.status == (200 if accepted else 400)
    assert len(guest.grid().rows) == (size if accepted else 20)


def test_the_amount_filter_takes_both_ends_and_looks_at_the_bare_number():
    state = PanelState(clock=Clock())
    for code, amount in (("A", 99), ("B", 100), ("C", 150), ("D", 151)):
        state.add_code(code, amount)
    state.add_code("PERCENT", 100, kind=KIND_COUPON)
    guest = logged_in(state)
    assert sorted(guest.act("filter", text1="100", text2="150").column(3)) == ["B", "C", "PERCENT"]
    assert sorted(guest.act("filter", text1="151", text2="").column(3)) == ["D"]


def test_the_code_search_finds_a_part_of_the_code_in_any_case_and_keeps_the_amount_filter():
    guest = logged_in(stocked(3, 200, stocked(3, 100)))
    guest.act("filter", text1="200", text2="200")
    assert guest.act("filter", search="n0001").column(3) == ["BON200N0001"]


def test_clicking_a_header_goes_from_ascending_to_descending_to_unsorted():
    guest = logged_in(stocked(3))
    assert guest.act("sort", column="code").column(3)[0] == "BON100N0000"
    descending = guest.act("sort", column="code")
    assert descending.column(3)[0] == "BON100N0002"
    assert descending.has("span", class_="sort-down")
    unsorted = guest.act("sort", column="code")
    assert not unsorted.has("span", class_="sort-down")
    assert not unsorted.has("span", class_="sort-up")


def test_an_unknown_action_changes_nothing():
    guest = logged_in(stocked(1))
    assert guest.act("sort", column="secret").status == 400
    assert guest.act("explode").status == 400
    assert guest.get("/adminLegacy/data.php?handler=1").status == 404


# -- form --------------------------------------------------------------------------------------------------------------


def test_the_form_has_the_observed_fields_and_a_hidden_twin_before_the_active_box():
    page = logged_in().get("/adminLegacy/edit.php?id=addnew&handler=263&handlertable=h_coupon")
    for name in ("names[code]", "names[amount]", "names[quantity]", "names[date_limit]"):
        assert page.has("input", name=name, type="text")
    for name in ("names[type]", "names[brands][]", "names[categories][]"):
        assert page.has("select", name=name)
    twins = [found["type"] for _, found in page.elements if found.get("name") == "names[active]"]
    assert twins == ["hidden", "checkbox"]
    assert page.has("input", type="submit", class_="save-exit-button")
    assert [found["value"] for tag, found in page.elements if tag == "option"][:4] == ["0", "1", "2", "0"]


def test_a_saved_certificate_is_in_the_grid_and_can_be_spent_once():
    guest = logged_in()
    page = guest.save("BON100NEW1")
    assert page.rows == [["", "701", "Так", "BON100NEW1", "100 грн", "04.05.2027", "✎"]]
    assert page.texts["flash"] == "Зміни збережено"
    row = guest.state.find("BON100NEW1")
    assert row is not None
    assert (row.amount, row.quantity, row.origin, row.covers_whole_store) == (Decimal(100), 1, "form", True)
    assert guest.grid().texts.get("flash", "") == ""


def test_a_coupon_keeps_its_quantity():
    guest = logged_in()
    guest.save("SALE5", type="2", amount="5", quantity="40")
    row = guest.state.find("SALE5")
    assert row is not None
    assert (row.kind, row.quantity) == ("2", 40)


def test_without_the_box_the_hidden_twin_makes_the_code_inactive():
    guest = logged_in()
    assert guest.save(active=["0"]).column(2) == ["Ні"]


def test_a_code_without_brands_or_categories_is_stored_but_limited():
    guest = logged_in()
    guest.save("BON100A", brands=["0"])
    guest.save("BON100B", categories=[])
    assert [row.covers_whole_store for row in guest.state.codes()] == [False, False]


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("Вкажіть код", {"code": "  "}),
        ("Код має бути не довшим за 50 символів", {"code": "B" * 51}),
        ("Такий код вже існує", {"code": "BON100TAKEN"}),
        ("Оберіть тип", {"type": "9"}),
        ("Розмір знижки має бути числом, більшим за нуль", {"amount": "сто"}),
        ("Розмір знижки має бути числом, більшим за нуль", {"amount": "NaN"}),
        ("Розмір знижки має бути числом, більшим за нуль", {"amount": "0"}),
        ("Відсоток не може перевищувати 100", {"type": "0", "amount": "101"}),
        ("Кількість використань має бути цілим числом", {"quantity": "багато"}),
        ("Дата має бути у форматі РРРР-ММ-ДД", {"date_limit": "04.05.2027"}),
        ("Дата вже минула", {"date_limit": "2026-05-03"}),
    ],
)
def test_a_wrong_field_is_refused_with_a_sentence_and_stores_nothing(fault, changes):
    guest = logged_in()
    guest.state.add_code("BON100TAKEN", 100)
    page = guest.save(**{"code": "BON100NEW1", **changes})
    assert page.texts["form-error"] == fault
    assert page.has("input", class_="save-exit-button")
    assert saved_codes(guest) == ["BON100TAKEN"]
    assert guest.state.counters["save_refused"] == 1


def test_the_last_valid_day_is_today():
    guest = logged_in()
    guest.save(date_limit="2026-05-04")
    assert saved_codes(guest) == ["BON100AAAA"]


def test_what_was_typed_is_kept_when_the_form_is_refused():
    page = logged_in().save("BON7", amount="сім")
    assert page.has("input", name="names[code]", value="BON7")
    assert page.has("input", name="names[amount]", value="сім")


def test_an_existing_code_can_be_edited_but_not_into_another_ones_string():
    guest = logged_in(stocked(2))
    guest.save("BON100N0000", code_id="701", amount="120", active=["0"])
    row = guest.state.find("BON100N0000")
    assert row is not None
    assert (row.id, row.amount, row.active, row.origin) == (701, Decimal(120), False, "seed")
    assert guest.save("BON100N0001", code_id="701").texts["form-error"] == "Такий код вже існує"
    assert saved_codes(guest) == ["BON100N0000", "BON100N0001"]


# -- deletion ----------------------------------------------------------------------------------------------------------


def test_deleting_takes_the_ticked_rows_and_no_other():
    guest = logged_in(stocked(4))
    page = guest.delete(702, 704)
    assert page.column(1) == ["703", "701"]
    assert "Видалено: 2" in page.text
    assert [row.id for row in guest.state.deleted] == [702, 704]


def test_deleting_what_is_gone_already_deletes_nothing_else():
    guest = logged_in(stocked(2))
    guest.delete(701)
    guest.delete(701, 9999)
    assert saved_codes(guest) == ["BON100N0001"]
    assert len(guest.state.deleted) == 1


def test_a_deleted_string_may_be_used_again():
    guest = logged_in(stocked(1))
    guest.delete(701)
    guest.save("BON100N0000")
    assert [row.id for row in guest.state.codes()] == [702]
