"""Each way in which the simulated panel can misbehave, one by one: what it does, and what it leaves alone."""

from datetime import timedelta

import pytest

from demo.panel.samples import OTHER_CODES
from demo.panel.state import DEMO_TOTP_SECRET, PanelState
from demo.panel.totp import totp_code
from tests.demo.visitor import NOON, Clock, Visitor, logged_in, visitor

NBSP, NARROW = "\u00a0", "\u202f"


def stocked(count: int = 3, amount: int = 100) -> PanelState:
    state = PanelState(clock=Clock())
    for number in range(count):
        state.add_code(f"BON{amount}N{number:04d}", amount)
    return state


def pass_second_factor(guest: Visitor, otp: str):
    return guest.client.post(
        "/edit/second-factor", data={"otp": otp, "back_to": "/edit/discounts/codes"}, follow_redirects=True
    ).get_data(as_text=True)


def all_codes_by_pages(guest: Visitor, size: int) -> list[str]:
    page = guest.act("perpage", size=size)
    pages = int(page.texts["pages"].split(" / ")[1])
    return [code for number in range(1, pages + 1) for code in guest.act("page", page=number).column(3)]


# -- speed and availability --------------------------------------------------------------------------------------------


def test_slow_holds_up_every_request():
    guest = logged_in(slow_seconds=0.4)
    guest.get("/edit/")
    guest.grid()
    assert guest.waits.seconds == [0.4, 0.4]


def test_slow_grid_holds_up_the_grid_and_nothing_else():
    guest = logged_in(slow_grid_seconds=2)
    guest.get("/edit/discounts/codes")
    assert guest.waits.seconds == []
    guest.grid()
    guest.act("load")
    assert guest.waits.seconds == [2, 2]


def test_maintenance_answers_503_everywhere_and_stores_nothing():
    guest = logged_in(maintenance=True)
    for page in (guest.get("/edit/"), guest.grid(), guest.act("load"), guest.save()):
        assert page.status == 503
        assert "Технічні роботи" in page.text
    assert guest.state.codes() == []
    guest.state.set_switches(maintenance=False)
    assert guest.grid().status == 200


def test_maintenance_can_begin_in_the_middle():
    guest = logged_in(maintenance_after_requests=2)
    assert [guest.grid().status for _ in range(4)] == [200, 200, 503, 503]
    assert guest.log_in().status == 503


def test_the_anti_bot_page_is_a_tiny_200_until_its_cookie_is_there():
    guest = visitor(challenge=True)
    page = guest.get("/edit/")
    assert (page.status, page.is_login) == (200, False)
    assert len(page.text) < 200
    assert 'document.cookie="challenge_passed=1' in page.text
    guest.client.set_cookie("challenge_passed", "1")
    assert guest.get("/edit/").is_login


# -- login and session -------------------------------------------------------------------------------------------------


def test_a_refused_password_is_refused_even_when_it_is_right():
    guest = visitor(password_refused=True)
    assert "Невірна ел. пошта або пароль" in guest.log_in().text
    assert guest.grid().is_login


def test_with_a_captcha_the_right_password_is_not_enough():
    guest = visitor(captcha=True)
    page = guest.get("/edit/")
    assert page.has("input", name="captcha", placeholder="Символи з картинки")
    assert "Невірно введено символи" in guest.log_in().text
    assert guest.grid().is_login


def test_a_person_who_reads_the_captcha_gets_in_once_with_it():
    guest = visitor(captcha=True)
    page = guest.get("/edit/")
    name = next(found["value"] for _, found in page.elements if found.get("name") == "captcha_name")
    answer = guest.state.sessions.answer(name)
    assert answer is not None
    assert guest.log_in(captcha_name=name, captcha=answer.lower()).has("iframe")
    assert "Невірно введено символи" in guest.log_in(captcha_name=name, captcha=answer).text


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_one_time_codes_agree_with_the_vectors_of_rfc_6238(seconds, code):
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # base32 of 12345678901234567890
    moment = NOON.fromtimestamp(seconds, tz=NOON.tzinfo)
    assert totp_code(secret, now=moment) == code


def test_totp_lets_in_with_the_code_of_now_or_of_a_neighbouring_step():
    for away in (-30, 0, 30):
        guest = visitor(second_factor="totp")
        asked = guest.log_in()
        assert asked.has("input", name="otp", autocomplete="one-time-code")
        assert "iframe" not in asked.text
        code = totp_code(DEMO_TOTP_SECRET, now=NOON + timedelta(seconds=away))
        assert "<iframe" in pass_second_factor(guest, code)


@pytest.mark.parametrize("away", [-60, 60])
def test_totp_refuses_a_code_from_another_minute_and_the_pages_stay_shut(away):
    guest = visitor(second_factor="totp")
    guest.log_in()
    code = totp_code(DEMO_TOTP_SECRET, now=NOON + timedelta(seconds=away))
    assert "Невірний код підтвердження" in pass_second_factor(guest, code)
    assert guest.grid().has("main", class_="second-factor")
    assert guest.state.counters == {"login_refused": 1}


def test_an_sms_code_is_not_the_totp_and_only_the_demonstration_page_knows_it():
    guest = visitor(second_factor="sms")
    page = guest.log_in()
    assert page.has("input", placeholder="Код із SMS")
    assert guest.state.counters == {"sms": 1}
    sms = guest.state.sessions.answer("sms")
    assert sms is not None
    assert sms not in page.text
    assert sms in guest.get("/_demo/").text
    assert "Невірний код" in pass_second_factor(guest, "")
    assert "Невірний код" in pass_second_factor(guest, str((int(sms) + 1) % 10**6).zfill(6))
    assert "<iframe" in pass_second_factor(guest, sms)


def test_a_session_dies_after_so_many_requests_and_a_new_one_lives_as_long():
    guest = logged_in(session_requests=5)  # the login itself ended on one page
    assert [guest.grid().is_login for _ in range(5)] == [False, False, False, False, True]
    guest.log_in()
    assert not guest.grid().is_login


def test_the_session_dies_at_the_nth_save_once_and_that_save_is_lost():
    guest = logged_in(session_ends_at_save=2)
    guest.save("BON100A")
    assert guest.save("BON100B").is_login
    guest.log_in()
    guest.save("BON100C")
    assert [row.code for row in guest.state.codes()] == ["BON100A", "BON100C"]


# -- layout ------------------------------------------------------------------------------------------------------------


def test_changed_header_ids_move_headers_and_filters_together():
    page = logged_in(stocked(), changed_header_ids=True).grid()
    assert page.header_ids == [f"header_id_{n + 3350}" for n in (10005, 4700, 4777, 4776, 4778, 4779)] + [""]
    assert page.has("div", id="sortingBlock_8128")
    assert not page.has("div", id="sortingBlock_4778")
    assert page.has("table", id="datagrid")


def test_a_changed_table_id_leaves_no_datagrid():
    page = logged_in(stocked(), changed_table_id=True).grid()
    assert page.has("table", id="couponsGrid")
    assert not page.has("table", id="datagrid")


def test_a_changed_iframe_path_leaves_nothing_at_the_old_one():
    guest = logged_in(stocked(), changed_iframe_path=True)
    assert guest.get("/edit/discounts/codes").has("iframe", src="/adminNext/data.php?handler=263")
    assert guest.get("/adminLegacy/data.php?handler=263").status == 404
    assert len(guest.grid().rows) == 3
    guest.save("BON100NEW")
    assert guest.state.find("BON100NEW") is not None


def test_the_new_iframe_path_does_not_exist_before_it_is_changed():
    assert logged_in(stocked()).get("/adminNext/data.php?handler=263").status == 404


def test_changed_form_fields_work_under_their_new_names_only():
    guest = logged_in(changed_form_fields=True)
    page = guest.get(guest.layout.form_path("addnew"))
    assert page.has("input", name="coupon[code]")
    assert not page.has("input", name="names[code]")
    guest.save("BON100NEW")
    assert guest.state.find("BON100NEW") is not None


def test_swapped_columns_take_their_headers_with_them():
    page = logged_in(stocked(1), columns_swapped=True).grid()
    assert page.rows == [["", "701", "BON100N0000", "Так", "04.05.2027", "100 грн", "✎"]]
    assert page.header_ids[2:6] == ["header_id_4776", "header_id_4777", "header_id_4779", "header_id_4778"]


def test_inserted_columns_hold_a_second_amount_that_is_none():
    page = logged_in(stocked(1), columns_inserted=True).grid()
    assert page.rows == [["", "701", "Сертифікат", "Так", "BON100N0000", "200 грн", "100 грн", "04.05.2027", "1", "✎"]]
    assert len(page.header_ids) == 10


# -- texts in the grid -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "active", "inactive"),
    [
        ("uk", "Так", "Ні"),
        ("ru", "Да", "Нет"),
        ("en", "Yes", "No"),
        ("sentences", "Активний", "Неактивний (використано)"),
        ("unknown", "На перевірці", "На перевірці"),
    ],
)
def test_status_words(words, active, inactive):
    state = stocked(1)
    state.add_code("BON100OFF", 100, active=False)
    assert logged_in(state, status_words=words).grid().column(2) == [inactive, active]


def test_some_unknown_words_stand_between_known_ones():
    page = logged_in(stocked(6), status_words="some_unknown").grid()
    assert page.column(1) == ["706", "705", "704", "703", "702", "701"]
    assert page.column(2) == ["Так", "На перевірці", "Так", "Так", "На перевірці", "Так"]


@pytest.mark.parametrize(
    ("look", "hundred", "thousand"),
    [
        ("plain", "100 грн", "1000 грн"),
        ("decimal", "100,00 ₴", "1000,00 ₴"),
        ("nbsp", f"100{NBSP}грн", f"1000{NBSP}грн"),
        ("grouped", "100 грн", "1 000 грн"),
        ("grouped_nbsp", f"100,00{NBSP}грн", f"1{NARROW}000,00{NBSP}грн"),
    ],
)
def test_amount_formats(look, hundred, thousand):
    state = stocked(1, 100)
    state.add_code("BON1000A", 1000)
    assert logged_in(state, amount_format=look).grid().column(4) == [thousand, hundred]


@pytest.mark.parametrize(("look", "shown"), [("dotted", "04.05.2027"), ("iso", "2027-05-04"), ("empty", "")])
def test_date_formats(look, shown):
    assert logged_in(stocked(1), date_format=look).grid().column(5) == [shown]


def test_padded_codes_have_spaces_that_a_browser_does_not_trim():
    page = logged_in(stocked(1), codes_padded=True).grid()
    assert page.column(3) == [f" BON100N0000{NBSP} "]


# -- filters and pages -------------------------------------------------------------------------------------------------


def test_other_peoples_codes_appear_when_turned_on_and_vanish_from_the_grid_when_off():
    guest = logged_in(stocked(), other_codes=True)
    page = guest.grid()
    assert page.texts["total"] == f"Всього: {3 + len(OTHER_CODES)}"
    assert {"SPRING10", "STAFF100", "BON100GIFTX7", "ЗИМА2026"} <= set(page.column(3))
    assert "10 %" in page.column(4)
    guest.state.set_switches(other_codes=False)
    assert guest.grid().texts["total"] == "Всього: 3"
    guest.state.set_switches(other_codes=True)
    assert guest.grid().texts["total"] == f"Всього: {3 + len(OTHER_CODES)}"


def test_other_peoples_codes_are_traps_for_the_amount():
    state = PanelState(clock=Clock())
    state.set_switches(other_codes=True)
    shown = {row[3]: row[4] for row in logged_in(state).grid().rows}
    assert (shown["BON100GIFTX7"], shown["BON1000MARA5"], shown["STAFF100"]) == ("1000 грн", "100 грн", "100 %")


def test_an_ignored_filter_shows_everything_while_pretending_to_be_set():
    state = stocked(2, 100)
    state.add_code("BON200A", 200)
    page = logged_in(state, filter_mode="ignored").act("filter", text1="200", text2="200")
    assert page.texts["total"] == "Всього: 3"
    assert page.has("div", id="sortingBlock_4778", class_="is-set")


def test_a_prefix_filter_lets_amounts_in_that_only_begin_alike():
    state = PanelState(clock=Clock())
    for amount in (10, 100, 1000, 1005, 200):
        state.add_code(f"BON{amount}A", amount)
    guest = logged_in(state, filter_mode="prefix")
    assert sorted(guest.act("filter", text1="100", text2="100").column(3)) == ["BON1000A", "BON1005A", "BON100A"]
    guest.act("reset")
    # Five letters of the search still count: BON10.
    assert sorted(guest.act("filter", search="BON1005A").column(3)) == ["BON1000A", "BON1005A", "BON100A", "BON10A"]


def test_drifting_pages_repeat_and_lose_rows_while_the_total_stays_right():
    guest = logged_in(stocked(70), drifting_pages=True)
    readings = [all_codes_by_pages(guest, 20) for _ in range(6)]
    assert guest.grid().texts["total"] == "Всього: 70"
    assert all(len(codes) == 70 for codes in readings)
    assert any(len(set(codes)) < 70 for codes in readings)
    assert len(set().union(*readings)) == 70


def test_a_grid_on_one_page_does_not_drift():
    guest = logged_in(stocked(70), drifting_pages=True)
    assert sorted(all_codes_by_pages(guest, 80)) == [row.code for row in guest.state.codes()]


def test_the_grid_can_be_empty_until_its_first_reload():
    guest = logged_in(stocked(), grid_empty_at_first=True)
    page = guest.grid()
    assert page.rows == []
    assert page.has("tr", class_="no-data")
    assert page.has("div", id="datagrid-root", **{"data-load-first": "yes"})
    assert "total" not in page.texts
    assert len(guest.act("load").rows) == 3


# -- saving and deleting -----------------------------------------------------------------------------------------------


def test_a_claimed_duplicate_is_nowhere_in_the_panel():
    guest = logged_in(save_outcome="claims_duplicate")
    assert guest.save("BON100NEW").texts["form-error"] == "Такий код вже існує"
    assert guest.state.codes() == []


def test_a_silent_failure_says_saved_and_stores_nothing():
    guest = logged_in(save_outcome="silent_failure")
    page = guest.save("BON100NEW")
    assert page.texts["flash"] == "Зміни збережено"
    assert page.has("table", id="datagrid")
    assert guest.state.codes() == []
    assert guest.state.counters["save"] == 0


def test_a_save_can_succeed_behind_an_error_500():
    guest = logged_in(save_outcome="stored_then_500")
    assert guest.save("BON100NEW").status == 500
    assert guest.grid().column(3) == ["BON100NEW"]
    guest.state.set_switches(save_outcome="normal")
    assert guest.save("BON100NEW").texts["form-error"] == "Такий код вже існує"


def test_a_save_can_succeed_behind_a_time_out():
    guest = logged_in(save_outcome="stored_then_hang", hang_seconds=90)
    assert guest.save("BON100NEW").status == 504
    assert guest.waits.seconds == [90]
    assert guest.state.find("BON100NEW") is not None


def test_a_save_outcome_can_strike_at_every_nth_save_only():
    guest = logged_in(save_outcome="silent_failure", save_outcome_every=3)
    for number in range(6):
        guest.save(f"BON100X{number}")
    assert [row.code for row in guest.state.codes()] == ["BON100X0", "BON100X1", "BON100X3", "BON100X4"]


def test_a_silent_deletion_says_deleted_and_deletes_nothing():
    guest = logged_in(stocked(), delete_outcome="silent_failure")
    page = guest.delete(701)
    assert "Видалено: 1" in page.text
    assert len(page.rows) == 3
    assert guest.state.deleted == []


@pytest.mark.parametrize("dialog", ["native", "modal"])
def test_the_page_asks_by_a_native_dialog_or_a_modal_one(dialog):
    page = logged_in(dialog=dialog).grid()
    assert page.has("div", id="datagrid-root", **{"data-dialog": dialog})


def test_changed_dialog_texts_keep_the_button_class():
    page = logged_in(dialog="modal", dialog_texts_changed=True).grid()
    assert "Підтвердити" not in page.text
    assert "Видалити вибрані записи?" not in page.text
    assert page.has("button", class_="confirm-modal__button--ok")
