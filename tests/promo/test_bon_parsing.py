"""What the panel's cells mean, and what they are not allowed to mean."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promo.adapters.bon_admin.parsing import (
    clean_code,
    parse_amount,
    parse_date,
    parse_pager,
    parse_status,
    parse_total,
)
from promo.adapters.bon_admin.profile import Words
from promo.adapters.bon_admin.totp import SecretInvalid, one_time_code
from promo.ports import RowStatus

WORDS = Words()


def status(text: str) -> RowStatus:
    return parse_status(text, active=WORDS.active, inactive=WORDS.inactive)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100", 100),
        ("100 грн", 100),
        ("100 грн.", 100),
        ("100,00 ₴", 100),
        ("100.0", 100),
        ("₴ 100", 100),
        ("100ГРН", 100),
        ("\u00a0100\u00a0грн ", 100),
        ("1 000 грн", 1000),
        ("1\u00a0000\u00a0грн", 1000),
        ("1\u202f000,00\u00a0грн", 1000),
        ("1 234 567", 1234567),
        ("0", 0),
    ],
)
def test_an_amount_is_read_however_it_is_written(text, amount):
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "грн",
        "99,50 грн",
        "100,001",
        "1,000",  # a thousand, or one and no thousandths
        "1.000 грн",
        "10 %",
        "100 $",
        "100 грн 200 грн",
        "від 100",
        "100–200",
        "-100",
        "+100",
        "1 00 грн",
        "10 0000",
        "0100",
        "1e3",
        "1_000",
        "100 грн %",
        "12345678",
        "１００",
        "١٠٠ грн",
    ],
)
def test_what_is_not_plainly_one_amount_is_none(text):
    assert parse_amount(text) is None


@given(st.integers(min_value=0, max_value=9_999_999), st.sampled_from(["", " ", "\u00a0", "\u202f"]), st.booleans())
def test_every_whole_amount_survives_any_grouping(amount, separator, kopecks):
    text = f"{amount:,}".replace(",", separator) + (",00" if kopecks else "") + "\u00a0грн"
    assert parse_amount(text) == amount


@given(st.text(max_size=20))
def test_no_text_makes_an_amount_out_of_nothing(text):
    amount = parse_amount(text)
    assert amount is None or str(amount) == "".join(
        one for one in text.split(",")[0].split(".")[0] if one in "0123456789"
    )


@pytest.mark.parametrize("word", ["Так", "так", " ТАК\u00a0", "Yes", "Активний", "активен", "Да"])
def test_a_known_word_is_active(word):
    assert status(word) is RowStatus.ACTIVE


@pytest.mark.parametrize("word", ["Ні", "ні ", "No", "Неактивний", "вимкнено", "Нет"])
def test_a_known_word_is_inactive(word):
    assert status(word) is RowStatus.INACTIVE


@pytest.mark.parametrize(
    "word", ["", "Неактивний (використано)", "не так", "На перевірці", "активний!", "1", "0", "Так Ні"]
)
def test_any_other_word_is_unknown_and_never_inactive(word):
    assert status(word) is RowStatus.UNKNOWN


def test_a_word_that_is_in_both_lists_decides_nothing():
    assert parse_status("так", active=["так"], inactive=["Так"]) is RowStatus.UNKNOWN


@pytest.mark.parametrize(
    "text", ["14.03.2027", "2027-03-14", " 14.03.2027 ", "14.03.2027 23:59", "2027-03-14 00:00:00", "2027-03-14T10:00"]
)
def test_a_date_is_read_in_the_panels_formats(text):
    assert parse_date(text) == dt.date(2027, 3, 14)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "—",
        "0000-00-00",
        "31.02.2027",
        "14/03/2027",
        "03-14-2027",
        "14.03.27",
        "безстроково",
        "01.01.1970",
        "14.03.2027 р.",
    ],
)
def test_any_other_date_is_none(text):
    assert parse_date(text) is None


def test_a_date_that_two_formats_read_differently_is_none():
    assert parse_date("03.04.2027", formats=["%d.%m.%Y", "%m.%d.%Y"]) is None
    assert parse_date("13.04.2027", formats=["%d.%m.%Y", "%m.%d.%Y"]) == dt.date(2027, 4, 13)


@pytest.mark.parametrize(
    "text", ["BON100H3LV", " BON100H3LV ", "\u00a0BON100H3LV\u00a0 ", "\n\tBON100H3LV\u200b", "\ufeffBON100H3LV"]
)
def test_a_code_loses_what_surrounds_it(text):
    assert clean_code(text) == "BON100H3LV"


def test_a_code_keeps_its_case_and_what_stands_inside():
    assert clean_code(" bon100 h3lv ") == "bon100 h3lv"


@pytest.mark.parametrize(
    ("text", "pager"),
    [("1 / 2", (1, 2)), ("3/13", (3, 13)), ("2 з 5", (2, 5)), ("Сторінка 2 із 5", (2, 5)), ("2 of 5", (2, 5))],
)
def test_a_pager_says_which_page_of_how_many(text, pager):
    assert parse_pager(text) == pager


@pytest.mark.parametrize("text", ["", "2", "0 / 0", "3 / 2", "а / б", "1 - 2"])
def test_a_pager_that_makes_no_sense_says_nothing(text):
    assert parse_pager(text) is None


@pytest.mark.parametrize(
    ("text", "total"),
    [("Всього: 253", 253), ("Всього: 2 000", 2000), ("1–20 із 41", 41), ("Всього: 0", 0), ("", None), ("Всього", None)],
)
def test_a_total_is_the_last_number(text, total):
    assert parse_total(text) == total


# RFC 6238, appendix B, SHA-1, shortened to six digits.
@pytest.mark.parametrize(
    ("at", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_one_time_passwords_are_those_of_the_standard(at, code):
    assert one_time_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now=dt.datetime.fromtimestamp(at, dt.UTC)) == code


def test_a_secret_is_taken_as_people_copy_it():
    now = dt.datetime(2026, 3, 14, 12, tzinfo=dt.UTC)
    assert one_time_code("jbsw y3dp-ehpk 3pxp", now=now) == one_time_code("JBSWY3DPEHPK3PXP", now=now)


@pytest.mark.parametrize("secret", ["", "not base32!", "1890", "===="])
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret):
    with pytest.raises(SecretInvalid) as refused:
        one_time_code(secret, now=dt.datetime(2026, 3, 14, tzinfo=dt.UTC))
    assert not secret or secret not in str(refused.value)
