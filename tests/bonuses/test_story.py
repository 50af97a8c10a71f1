"""A customer's year, told as a story: the balance after every line. Both nights in which the clocks change and 29 February lie in it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from bonuses.errors import HoldNotOpen
from bonuses.models import LedgerEntry
from bonuses.policy import KYIV, last_day_of
from bonuses.services import auditing, explaining, holding, reckoning, ruling
from tests.bonuses.scenes import has, hold, make_customer, say

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def kyiv(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=KYIV).astimezone(dt.UTC)


@pytest.fixture
def year():
    """Olha's year, from December 2027 to November 2028. Yields the customer after checking every line of it."""
    olha = make_customer(phone="067 000 00 01", name="Зразок Тестовий")

    def now_has(text, *expected):
        assert has(olha, now=kyiv(text)) == expected, text

    first = kyiv("2027-12-01T12:00")
    say("1001", "confirmed", "1849.90", customer=olha, placed_at=first, now=first)
    now_has("2027-12-01T12:00", 0, 0, 0)
    say("1001", total="1849.90", customer=olha, placed_at=first, now=first)
    now_has("2027-12-01T12:00", 184, 0, 0)  # 10 % of 1 849.90, floored; usable to 29 February inclusive

    ruling.make_rule(
        actor="olena", reason="birthday of the shop", now=kyiv("2027-12-02T09:00"),
        multipliers=[ruling.double_points("first weekend of January", dt.date(2028, 1, 1), dt.date(2028, 1, 2))],
    )  # fmt: skip
    for number, text, after in (
        ("1002", "2028-01-02T23:59:59", 184 + 200),
        ("1003", "2028-01-03T00:00", 184 + 200 + 100),
    ):
        say(number, customer=olha, placed_at=kyiv(text), now=kyiv(text))
        now_has(text, after, 0, 0)  # double to the last second of the weekend, and not after

    coffee = hold(olha, 84, key="coffee", now=kyiv("2028-02-10T10:00"))
    now_has("2028-02-10T10:00", 400, 84, 0)  # from the points that end first
    now_has("2028-02-10T11:00", 484, 0, 0)  # she changed her mind
    with pytest.raises(HoldNotOpen):
        holding.capture_hold(hold_id=coffee.id, now=kyiv("2028-02-10T11:00"), actor="shop")
    tea = hold(olha, 84, key="tea", now=kyiv("2028-02-10T12:00"))
    say("1004", total="0", customer=olha, placed_at=kyiv("2028-02-10T12:00"), now=kyiv("2028-02-12T12:00"), holds=[])
    now_has("2028-02-12T12:00", 484, 0, 0)
    assert tea.points == 84
    kettle = hold(olha, 150, key="kettle", now=kyiv("2028-02-28T18:00"))
    say(
        "1005",
        "confirmed",
        "850",
        customer=olha,
        placed_at=kyiv("2028-02-28T18:01"),
        now=kyiv("2028-02-28T18:02"),
        holds=[kettle.id],
    )
    now_has("2028-02-28T18:02", 334, 150, 0)

    now_has("2028-02-29T23:59:59.999999", 334, 150, 0)
    now_has("2028-03-01T00:00", 300, 150, 0)  # 34 of the first lot ended with 29 February; what is held did not
    say("1005", total="850", customer=olha, now=kyiv("2028-03-05T10:00"), holds=[kettle.id])
    now_has("2028-03-05T10:00", 300 + 85, 0, 0)

    night = kyiv("2028-03-26T02:59:59")  # a second before the clocks go from three to four
    say("1006", total="500", customer=olha, placed_at=night, now=night)
    assert reckoning.balance(olha, now=night).expiring[-1] == (50, dt.date(2028, 6, 24))
    now_has("2028-03-26T04:00", 435, 0, 0)

    say("1005", "cancelled", "850", customer=olha, now=kyiv("2028-03-27T10:00"), holds=[kettle.id])
    now_has(
        "2028-03-27T10:00", 350, 0, 0
    )  # the 150 came back to a lot that had ended, and were gone; the 85 were taken back

    now_has("2028-04-01T23:59:59.999999", 350, 0, 0)
    now_has("2028-04-02T00:00", 150, 0, 0)  # the doubled points
    now_has("2028-04-03T00:00", 50, 0, 0)
    shoes = hold(olha, 50, key="shoes", now=kyiv("2028-06-24T23:30"))
    say(
        "1007",
        "confirmed",
        "950",
        customer=olha,
        placed_at=kyiv("2028-06-24T23:31"),
        now=kyiv("2028-06-24T23:32"),
        holds=[shoes.id],
    )
    now_has("2028-06-25T00:00", 0, 50, 0)
    say("1007", total="950", customer=olha, now=kyiv("2028-07-27T12:00"), holds=[shoes.id])
    now_has("2028-07-27T12:00", 95, 0, 0)  # usable to 25 October: the clocks go back on the 29th

    last = kyiv("2028-07-31T12:00")
    say("1008", total="1000", customer=olha, placed_at=last, now=last)
    now_has("2028-07-31T12:00", 195, 0, 0)
    assert [day for _, day in reckoning.balance(olha, now=last).expiring] == [
        dt.date(2028, 10, 25),
        dt.date(2028, 10, 29),
    ]
    spent = hold(olha, 180, key="book", now=kyiv("2028-08-01T12:00"))
    holding.capture_hold(hold_id=spent.id, now=kyiv("2028-08-01T12:00"), actor="shop")
    now_has("2028-08-01T12:00", 15, 0, 0)
    say("1008", total="300.50", customer=olha, now=kyiv("2028-08-02T12:00"))
    now_has("2028-08-02T12:00", 0, 0, 55)  # 70 to take back, 15 there: 55 are owed, visibly
    say("1009", total="400", customer=olha, placed_at=kyiv("2028-08-03T12:00"), now=kyiv("2028-08-03T12:00"))
    now_has("2028-08-03T12:00", 0, 0, 15)
    say("1008", total="900", customer=olha, now=kyiv("2028-08-04T12:00"))
    now_has(
        "2028-08-04T12:00", 45, 0, 0
    )  # edited upwards: 60 back to the order's own lot, 15 of them paid what was owed

    # The night in which the clocks go back has twenty-five hours; the last day of the points is all of them.
    now_has("2028-10-29T23:59:59.999999", 45, 0, 0)
    now_has("2028-10-30T00:00", 0, 0, 0)
    return olha


def test_the_year_ends_as_told(year):
    end = kyiv("2028-11-30T12:00")
    assert has(year, now=end) == (0, 0, 0)
    assert list(auditing.fold_differences()) == []


def test_every_month_of_the_year_has_a_statement_that_closes(year):
    closing = 0
    for month in range(12):
        after = kyiv(f"{2027 + (month + 11) // 12}-{(month + 11) % 12 + 1:02d}-01T00:00")
        until = kyiv(f"{2027 + (month + 12) // 12}-{(month + 12) % 12 + 1:02d}-01T00:00")
        found = reckoning.statement(year, after=after, until=until)
        assert found.closes
        assert found.opening == closing
        closing = found.closing


@pytest.mark.parametrize("language", ["uk", "en"])
def test_the_year_is_explained_in_sentences_whose_sum_is_the_balance(year, language):
    moment = kyiv("2028-11-30T12:00")
    with translation.override(language):
        told = explaining.explain(year, now=moment)
    assert sum(sentence.points for sentence in told.available) == 0
    assert sum(sentence.points for sentence in told.held) == 0
    assert sum(sentence.points for sentence in told.owed) == 0
    texts = [sentence.text for sentence in told.available]
    assert len(texts) > 20
    expected = {
        "en": "Order 1001 was completed on 12/01/2027: 184 points by rule 1, 10 % of 1849.90 UAH. They are usable until 02/29/2028.",
        "uk": "Замовлення 1001 виконано 01.12.2027: балів 184 за правилом 1, 10 % від 1849,90 грн. Вони діють до 29.02.2028 включно.",
    }
    assert texts[0] == expected[language]
    cyrillic = [text for text in texts if any("а" <= letter <= "я" for letter in text.lower())]
    assert len(cyrillic) == (len(texts) if language == "uk" else 0)


def test_points_of_the_year_that_are_shown_end_on_the_last_day(year):
    lots = LedgerEntry.objects.filter(kind="accrue").order_by("pk").values_list("lot__expires_at", flat=True)
    assert last_day_of(lots[0]) == dt.date(2028, 2, 29)
    assert Decimal(184) == LedgerEntry.objects.filter(kind="accrue").order_by("pk").values_list("points", flat=True)[0]
