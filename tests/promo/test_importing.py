"""Files of codes come in whole or not at all, and change nothing that is known. Every file here is invented."""

import datetime as dt
import io
import json
import tracemalloc
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bonusportal.errors import BadInput
from promo import reading
from promo.models import Code, CodeState, Issue, Lot, Pool, ReplenishRun
from promo.reading import Format, read_codes_csv, read_codes_json, sniff_format
from promo.services import issuing
from promo.services.importing import import_file, paste_codes
from tests.factories import make_code, make_codes, make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
SOON = dt.date(2026, 3, 17)

DOCUMENT = {
    "1050": ["BON1050Q7K2M", "BON1050ZT4A9"],
    "1100": ["BON1100H3LV", "BON11007QWE", "BON1100C9D2F"],
    "1500": [],
    "_metadata": {"last_updated": "2026-03-14T21:07:45.120331", "updated_ranges": [1050, 1100, 1500]},
}


@pytest.fixture(autouse=True)
def _english(settings):
    settings.LANGUAGE_CODE = "en"


def load(content, **options):
    """Import bytes, a text, or a document that is made JSON of."""
    if isinstance(content, dict):
        content = json.dumps(content)
    body = content.encode() if isinstance(content, str) else content
    values = {"name": "codes.json", "actor": "olena", "reason": "moving in", "now": NOW}
    return import_file(file=io.BytesIO(body), **{**values, **options})


def rows():
    """Everything an import might touch."""
    models: list[Any] = [Pool, Pool.history.model, Code, Lot, ReplenishRun]
    return [list(model.objects.order_by("pk").values_list()) for model in models]


def codes_of(amount_uah):
    return list(Code.objects.filter(pool__amount_uah=amount_uah).order_by("place").values_list("code", flat=True))


def words(report):
    return [(problem.word, problem.place) for problem in report.problems]


# --- the predecessor's document ----------------------------------------------------------------------------------------


def test_the_predecessors_document_comes_in_whole():
    report = load(DOCUMENT)
    assert (report.added, report.per_amount, report.is_refused) == (5, {1050: 2, 1100: 3}, False)
    assert report.problems == []
    lot = Lot.objects.get()
    assert (lot.source, lot.name, lot.actor, lot.reason) == ("import", "codes.json", "olena", "moving in")
    assert len(lot.digest) == 64
    code = Code.objects.get(code="BON1100H3LV")
    assert (code.state, code.lot_id, code.pool.amount_uah, code.valid_until) == ("available", lot.pk, 1100, None)
    assert (code.changed_at, code.created_at) == (NOW, NOW)


def test_codes_are_handed_out_in_the_order_of_the_file():
    load(DOCUMENT)
    handed = [issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW).code for _ in range(3)]
    assert handed == ["BON1100H3LV", "BON11007QWE", "BON1100C9D2F"]


def test_codes_that_were_there_before_are_handed_out_first():
    pool = make_pool(1100)
    make_code(pool, code="BON1100OLDER", place=5)
    load(DOCUMENT)
    assert issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW).code == "BON1100OLDER"


def test_amounts_without_a_pool_get_one_that_asks_about_foreign_codes(settings):
    settings.TARGET_CODES, settings.LOW_WATER = 12, 4
    make_pool(1100, adopt="trust")
    report = load(DOCUMENT)
    assert report.pools_created == [1050, 1500]
    for amount in (1050, 1500):
        pool = Pool.objects.get(amount_uah=amount)
        assert (pool.adopt, pool.target, pool.low_water, pool.is_active) == ("ask", 12, 4, True)
        assert pool.history.get().history_change_reason == "import codes.json"
    assert Pool.objects.get(amount_uah=1100).adopt == "trust"


def test_a_person_may_say_that_the_panel_is_to_be_trusted():
    load(DOCUMENT, adopt="trust")
    assert Pool.objects.get(amount_uah=1050).adopt == "trust"


def test_a_pool_that_is_not_in_use_takes_codes_and_the_report_says_so():
    make_pool(1100, is_active=False)
    report = load(DOCUMENT)
    assert (report.pools_not_in_use, Pool.objects.get(amount_uah=1100).is_active) == ([1100], False)


def test_every_key_that_begins_with_an_underscore_is_passed_over():
    report = load(
        {"_metadata": {"1100": ["BON1100NOTME"]}, "_test_metadata": None, "_": ["X"], "1100": ["BON1100H3LV"]}
    )
    assert (report.per_amount, report.problems) == ({1100: 1}, [])


def test_the_amount_is_the_lists_and_never_read_out_of_the_code():
    load({"1100": ["BON5001234", "SPRING2026"]})
    assert codes_of(1100) == ["BON5001234", "SPRING2026"]
    assert not Pool.objects.filter(amount_uah=500).exists()


def test_spelling_is_folded_before_codes_are_compared():
    report = load({"1100": [" bon1100h3lv", "BON1100H3LV"]})
    assert words(report) == [("twice", "amount 1100, item 2")]


LONG = "A" * 51
HOSTILE = {
    "a code twice in a list": ({"1100": ["BONAAAA", "BONBBBB", "BONAAAA"]}, [("twice", "amount 1100, item 3")]),
    "a code under two amounts": (
        {"1100": ["BONAAAA"], "1050": ["BONBBBB", "BONAAAA"]},
        [("two_amounts", "amount 1100, item 1"), ("two_amounts", "amount 1050, item 2")],
    ),
    "a key that is no amount": ({"hundred": ["BONAAAA"]}, [("amount_invalid", "key “hundred”")]),
    "a key with a sign": ({"+100": ["BONAAAA"]}, [("amount_invalid", "key “+100”")]),
    "a key with a point": ({"100.0": ["BONAAAA"]}, [("amount_invalid", "key “100.0”")]),
    "a key in other digits": ({"١٠٠": ["BONAAAA"]}, [("amount_invalid", "key “١٠٠”")]),
    "a key of nothing": ({"": ["BONAAAA"]}, [("amount_invalid", "key “”")]),
    "zero": ({"0": ["BONAAAA"]}, [("amount_invalid", "key “0”")]),
    "a key with NUL": ({"1\x0000": ["BONAAAA"]}, [("amount_invalid", "key '1\\x0000'")]),
    "nothing instead of a list": ({"1100": None}, [("not_a_list", "key “1100”")]),
    "a number instead of a list": ({"1100": 5}, [("not_a_list", "key “1100”")]),
    "a text instead of a list": ({"1100": "BONAAAA"}, [("not_a_list", "key “1100”")]),
    "an object instead of a list": ({"1100": {"1": ["BONAAAA"]}}, [("not_a_list", "key “1100”")]),
    "nothing instead of a code": ({"1100": ["BONAAAA", None]}, [("not_a_text", "amount 1100, item 2")]),
    "a number instead of a code": ({"1100": [123456789]}, [("not_a_text", "amount 1100, item 1")]),
    "a list instead of a code": ({"1100": [["BONAAAA", "B"], 1]}, [("not_a_text", "amount 1100, item 1"), ("not_a_text", "amount 1100, item 2")]),
    "an empty code": ({"1100": [""]}, [("code_invalid", "amount 1100, item 1")]),
    "a code with NUL": ({"1100": ["BONAA\x00AA"]}, [("code_invalid", "amount 1100, item 1")]),
    "a code with a space": ({"1100": ["BON AAAA"]}, [("code_invalid", "amount 1100, item 1")]),
    "a code that is too long": ({"1100": [LONG]}, [("code_invalid", "amount 1100, item 1")]),
    "a code that is too short": ({"1100": ["100"]}, [("code_invalid", "amount 1100, item 1")]),
    "half a character": ('{"1100": ["BON\\ud800AAAA"]}', [("code_invalid", "amount 1100, item 1")]),
    "an amount twice": ('{"1100": ["BONAAAA"], "1100": ["BONBBBB"]}', [("amount_twice", "key “1100”")]),
    "a list": ('["BONAAAA"]', [("not_an_object", "at the beginning")]),
    "two documents": ('{"1100": ["BONAAAA"]} {}', [("json_invalid", "amount 1100, item 1")]),
    "a comma too many": ('{"1100": ["BONAAAA", ]}', [("json_invalid", "amount 1100, item 1")]),
    "no number": ('{"1100": ["BONAAAA"], "_x": NaN}', [("json_invalid", "key “_x”")]),
    "a number without end": ('{"_x": ' + "9" * 6000 + "}", [("json_invalid", "key “_x”")]),
    "no UTF-8": (b'{"1100": ["BON\xff\xfeAAA"]}', [("json_invalid", "key “1100”")]),
    "absurd nesting": ('{"1100": ' + "[" * 100_000, [("not_a_text", "amount 1100, item 1"), ("too_deep", "amount 1100, item 1")]),
}  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_wrong_is_reported_at_its_place_and_nothing_comes_in(document, expected):
    make_pool(1100)
    before = rows()
    body = json.dumps(document) if isinstance(document, dict) else document
    report = load(body, file_format=Format.JSON)
    assert words(report) == expected
    assert all(problem.sentence.endswith((".", ")")) for problem in report.problems)
    assert (report.is_refused, report.added, report.lot_id) == (True, 0, None)
    assert rows() == before


def test_skipping_what_is_bad_takes_the_rest():
    report = load({"1100": ["BONAAAA", None, "BONBBBB", "BONAAAA"], "x": ["BONCCCC"]}, skip_bad=True)
    assert (codes_of(1100), report.added, report.is_refused) == (["BONAAAA", "BONBBBB"], 2, False)
    assert [problem.word for problem in report.problems] == ["not_a_text", "amount_invalid", "twice"]


def test_a_code_under_two_amounts_comes_into_neither_pool():
    report = load({"1100": ["BONAAAA", "BONBBBB"], "1050": ["BONAAAA"]}, skip_bad=True)
    assert (report.per_amount, report.pools_created) == ({1100: 1}, [1100])
    assert not Code.objects.filter(code="BONAAAA").exists()


def test_a_file_that_is_cut_anywhere_brings_nothing_in_even_when_bad_parts_are_skipped():
    whole = json.dumps(DOCUMENT).encode()
    for length in range(1, len(whole)):
        report = load(whole[:length], skip_bad=True, file_format=Format.JSON)
        assert (report.is_refused, report.problems[-1].word) == (True, "cut_off"), whole[:length]
    assert not Code.objects.exists()
    assert not Lot.objects.exists()


@pytest.mark.parametrize("state", CodeState.values)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_code_known_in_any_state_is_never_changed(state, skip_bad):
    make_code(make_pool(1200), code="BON1100H3LV", state=state, reason="as it was")
    before = Code.objects.filter(code="BON1100H3LV").values().get()
    report = load({"1100": ["BON1100H3LV", "BON11007QWE"]}, skip_bad=skip_bad)
    assert words(report) == [("known", "amount 1100, item 1")]
    assert Code.objects.filter(code="BON1100H3LV").values().get() == before
    assert codes_of(1100) == (["BON11007QWE"] if skip_bad else [])


def test_the_same_file_twice_is_noticed_and_adds_nothing():
    load(DOCUMENT)
    before = rows()
    again = load(DOCUMENT, name="renamed.json", now=NOW + dt.timedelta(days=1))
    assert (again.imported_at, again.added, again.problems) == (NOW, 0, [])
    assert rows() == before


def test_a_trial_changes_nothing_and_says_what_would_come():
    before = rows()
    report = load(DOCUMENT, is_dry_run=True)
    assert (report.per_amount, report.pools_created) == ({1050: 2, 1100: 3}, [1050, 1100, 1500])
    assert rows() == before
    assert load(DOCUMENT).added == 5


def test_a_reason_is_required():
    with pytest.raises(BadInput) as refused:
        load(DOCUMENT, reason="  ")
    assert refused.value.code == "reason_missing"
    assert not Code.objects.exists()


def test_a_file_name_that_is_no_text_is_no_obstacle():
    load(DOCUMENT, name="\udcff\x00" + "x" * 300)
    assert Lot.objects.get().name == "??" + "x" * 198


def test_an_upload_is_as_good_as_a_file():
    csv = SimpleUploadedFile("codes.csv", b"code,amount\nBONAAAA,1100\n")
    document = SimpleUploadedFile("codes.json", json.dumps({"1100": ["BONBBBB"]}).encode())
    for upload in (csv, document):
        import_file(file=upload, name=str(upload.name), actor="olena", reason="moving in", now=NOW)
    assert codes_of(1100) == ["BONAAAA", "BONBBBB"]


# --- CSV ---------------------------------------------------------------------------------------------------------------

SPELLINGS = {
    "commas": b"code,amount\nBONAAAA,1100\nBONBBBB,1050\n",
    "semicolons": b"code;amount\nBONAAAA;1100\nBONBBBB;1050\n",
    "a mark at the start": b"\xef\xbb\xbfcode,amount\nBONAAAA,1100\nBONBBBB,1050\n",
    "quotes": b'"code","amount"\n"BONAAAA","1100"\n"BONBBBB","1050"\n',
    "Windows line breaks": b"code,amount\r\nBONAAAA,1100\r\nBONBBBB,1050\r\n",
    "columns the other way round": b"Amount; Code\n1100; BONAAAA\n1050; bonbbbb\n",
    "empty lines": b"code,amount\n\nBONAAAA,1100\n,\nBONBBBB,1050\n\n",
}


@pytest.mark.parametrize("body", SPELLINGS.values(), ids=SPELLINGS)
def test_csv_is_understood_as_programs_write_it(body):
    report = load(body, name="codes.csv")
    assert (report.per_amount, report.problems) == ({1050: 1, 1100: 1}, [])
    assert (codes_of(1100), codes_of(1050)) == (["BONAAAA"], ["BONBBBB"])


def test_a_last_day_may_be_written_in_two_ways_or_left_out():
    load(b"code,amount,valid_until\nBONAAAA,1100,2027-03-14\nBONBBBB,1100,15.03.2027\nBONCCCC,1100,\n")
    days = dict(Code.objects.values_list("code", "valid_until"))
    assert days == {"BONAAAA": dt.date(2027, 3, 14), "BONBBBB": dt.date(2027, 3, 15), "BONCCCC": None}


BAD_LINES = {
    "no amount": ("BONAAAA,", "amount_invalid"),
    "an amount with a point": ("BONAAAA,100.00", "amount_invalid"),
    "a negative amount": ("BONAAAA,-100", "amount_invalid"),
    "no code": (",1100", "code_invalid"),
    "a code with NUL": ("BON\x00AAAA,1100", "code_invalid"),
    "a formula": ("=HYPERLINK(1),1100", "code_invalid"),
    "a cell too few": ("BONAAAA", "row_width"),
    "a cell too many": ("BONAAAA,1100,2027-03-14", "row_width"),
}


@pytest.mark.parametrize(("line", "word"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_by_its_number(line, word):
    body = f"code,amount\nBONGOOD,1100\n{line}\nBONALSO,1100\n".encode()
    refused = load(body)
    assert (words(refused), refused.is_refused, Code.objects.count()) == ([(word, "line 3")], True, 0)
    taken = load(body, skip_bad=True)
    assert (words(taken), codes_of(1100)) == ([(word, "line 3")], ["BONGOOD", "BONALSO"])


@pytest.mark.parametrize(
    ("day", "word"),
    [("2027-02-30", "day_invalid"), ("20270314", "day_invalid"), ("soon", "day_invalid"), ("2026-03-16", "day_past")],
)
def test_a_last_day_that_is_unreadable_or_too_near_is_a_problem(day, word):
    report = load(f"code,amount,valid_until\nBONAAAA,1100,{day}\n")
    assert words(report) == [(word, "line 2")]


BROKEN_FILES = {
    "nothing": (b"", ("header_invalid", "line 1")),
    "no header": (b"BONAAAA,1100\n", ("header_invalid", "line 1")),
    "a column that we do not know": (b"code,amount,used\nBONAAAA,1100,yes\n", ("header_invalid", "line 1")),
    "a column twice": (b"code,amount,amount\nBONAAAA,1100,1050\n", ("header_invalid", "line 1")),
    "a quote that is never closed": (b'code,amount\nBONGOOD,1100\n"BONAAAA,1100\n', ("csv_invalid", "line 3")),
    "another encoding": ("code,amount\nBONGOOD,1100\nЗИМА2026,1100\n".encode("cp1251"), ("not_utf8", "line 3")),
    "a line without end": (b"code,amount\n" + b"A" * 9000, ("line_too_long", "line 2")),
    "pictures": (b"\x89PNG\r\n\x1a\n" + bytes(200), ("not_utf8", "line 1")),
}


@pytest.mark.parametrize(("body", "expected"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_broken_csv_brings_nothing_in_even_when_bad_lines_are_skipped(body, expected):
    before = rows()
    report = load(body, file_format=Format.CSV, skip_bad=True)
    assert (words(report)[-1:], report.is_refused) == ([expected], True)
    assert rows() == before


def test_a_csv_that_is_cut_anywhere_never_brings_a_code_under_another_amount():
    whole = b"code,amount\nBONAAAA,1100\nBONBBBB,1050\n"
    for length in range(len(whole)):
        with transaction.atomic():
            load(whole[:length], skip_bad=True, file_format=Format.CSV)
            taken = set(Code.objects.values_list("code", "pool__amount_uah"))
            transaction.set_rollback(True)
        assert taken <= {("BONAAAA", 1100), ("BONBBBB", 1050)}, whole[:length]


def test_a_last_line_without_a_line_break_is_a_problem_because_more_of_it_may_be_missing():
    report = load(b"code,amount\nBONGOOD,1100\nBONAAAA,110")
    assert (words(report), report.is_refused) == ([("last_line_open", "line 3")], True)


# --- a person's paste --------------------------------------------------------------------------------------------------


def paste(text, pool=None, **options):
    values = {"actor": "olena", "reason": "made by hand", "now": NOW}
    return paste_codes(pool=pool or make_pool(1100), text=text, **{**values, **options})


def test_pasted_codes_go_to_the_pool_that_the_person_chose():
    report = paste("BON5001234\r\n\n  bonbbbb \n")
    assert (report.per_amount, codes_of(1100)) == ({1100: 2}, ["BON5001234", "BONBBBB"])
    assert Lot.objects.get().source == "paste"


def test_a_paste_with_a_bad_line_brings_nothing_in():
    report = paste("BONAAAA\nBON BBBB\nBONAAAA")
    assert words(report) == [("code_invalid", "line 2"), ("twice", "line 3")]
    assert (report.is_refused, Code.objects.count()) == (True, 0)


def test_the_same_text_for_another_pool_is_not_taken_for_the_same():
    paste("BONAAAA")
    assert paste("BONAAAA").imported_at == NOW
    other = paste("BONAAAA", pool=make_pool(1200))
    assert (other.imported_at, words(other)) == (None, [("known", "line 1")])


def test_pasted_rubbish_is_reported():
    report = paste("\ud800\x00" * 10)
    assert words(report) == [("code_invalid", "line 1")]


# --- the predecessor's counts ------------------------------------------------------------------------------------------


def counts(document, **options):
    return load(document, file_format=Format.COUNTS, name="used_codes_count.json", **options)


def test_counts_are_shown_and_pools_under_target_get_their_refill_requested():
    make_codes(make_pool(1100, target=10), 4)
    make_codes(make_pool(1200, target=10), 10)
    report = counts({"1050": 3, "1100": 11, "1200": 1, "1300": 0, "_test_metadata": {"x": 1}})
    assert report.counted == {1050: 3, 1100: 11, 1200: 1, 1300: 0}
    assert (report.refills, report.pools_created) == ([1050, 1100], [1050])
    runs = ReplenishRun.objects.order_by("pool__amount_uah").values_list(
        "pool__amount_uah", "trigger", "requested_by", "state"
    )
    assert list(runs) == [(1050, "staff", "olena", "requested"), (1100, "staff", "olena", "requested")]
    assert Pool.objects.get(amount_uah=1050).adopt == "ask"
    assert not Issue.objects.exists()


def test_counts_taken_over_twice_ask_once():
    make_pool(1100)
    assert counts({"1100": 2}).refills == [1100]
    assert counts({"1100": 2}).refills == []
    assert ReplenishRun.objects.count() == 1


def test_a_trial_with_counts_asks_for_nothing():
    before = rows()
    report = counts({"1050": 3}, is_dry_run=True)
    assert (report.refills, rows()) == ([1050], before)


@pytest.mark.parametrize("value", ["-1", "1.5", "true", "null", '"3"', "[3]", "{}", "1000000001"])
def test_a_count_that_is_no_whole_number_is_reported_and_nothing_is_asked_for(value):
    before = rows()
    report = counts(f'{{"1050": 3, "1100": {value}}}')
    assert (words(report), report.is_refused, report.counted) == ([("count_invalid", "key “1100”")], True, {})
    assert rows() == before


def test_counts_that_are_cut_off_ask_for_nothing_even_when_bad_parts_are_skipped():
    before = rows()
    report = counts('{"1050": 3, "1100"', skip_bad=True)
    assert (words(report), report.is_refused) == ([("cut_off", "key “1100”")], True)
    assert rows() == before


def test_counts_of_far_too_many_amounts_ask_for_nothing():
    before = rows()
    report = counts({str(amount): 1 for amount in range(1, 20_003)}, skip_bad=True)
    assert (words(report), report.is_refused) == ([("too_many_amounts", "the file")], True)
    assert rows() == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"100": ["BONAAAA"]}', Format.JSON),
        (b'\xef\xbb\xbf  {"100": []}', Format.JSON),
        (b'{"_metadata": {"100": 5}, "100": ["BONAAAA"]}', Format.JSON),
        (b'{"_metadata": 5, "100": 5}', Format.COUNTS),
        (b'{"100": 5}', Format.COUNTS),
        (b"{}", Format.JSON),
        (b"{", Format.JSON),
        (b"code,amount\n", Format.CSV),
        (b"", Format.CSV),
        (b"\xff\xfe{", Format.CSV),
    ],
)
def test_a_format_is_told_by_what_the_file_holds(body, expected):
    file = io.BytesIO(body)
    assert (sniff_format(file), file.tell()) == (expected, 0)


# --- size, progress, anything at all -----------------------------------------------------------------------------------


def test_a_big_file_is_read_one_code_at_a_time(tmp_path):
    document, lines = tmp_path / "big.json", tmp_path / "big.csv"
    codes = [f"BON1100{number:08d}" for number in range(60_000)]
    document.write_text(json.dumps({"1100": codes}))
    lines.write_text("code,amount\n" + "".join(f"{code},1100\n" for code in codes))
    del codes
    for path, read in ((document, read_codes_json), (lines, lambda file: read_codes_csv(file, earliest_last_day=SOON))):
        with path.open("rb") as file:
            tracemalloc.start()
            count = sum(1 for _ in read(file))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert count == 60_000
        assert peak < 1_000_000, path.name  # bytes; the codes alone would be four times that


def test_progress_is_told_every_ten_thousand_codes():
    told: list[Any] = []
    load({"1100": [f"BON1100{number:08d}" for number in range(20_001)]}, on_progress=told.append)
    assert [progress.codes for progress in told] == [10_000, 20_000]
    assert 0 < told[0].share < told[1].share <= 1


def test_of_very_many_problems_a_thousand_are_kept_and_all_are_told():
    told: list[Any] = []
    report = load({"1100": [None] * 2500}, on_problem=told.append)
    assert (len(report.problems), report.problem_count, len(told)) == (1000, 2500, 2500)


def test_a_file_of_far_too_many_amounts_is_refused():
    report = load({str(amount): [f"BON{amount}-AAAA"] for amount in range(1, 20_003)}, skip_bad=True)
    assert (report.problems[-1].word, report.is_refused) == ("too_many_amounts", True)
    assert not Code.objects.exists()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["BONAAAA", "BONBBBB"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.sampled_from(["100", "1100"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
_lines = st.lists(st.text(alphabet='BONA019,;"\n\r\x00é', max_size=20), max_size=6).map(
    lambda lines: ("code,amount\n" + "\n".join(lines)).encode()
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()) | _lines,
    file_format=st.sampled_from([None, *Format]),
    skip_bad=st.booleans(),
)
@example(body=b'{"1100": 1e99999999999999999999}', file_format=None, skip_bad=True)
@example(body=b'{"1100": ["BONAAAA", "\\ud83d"]}', file_format=None, skip_bad=True)
@example(body=b"\xef\xbb\xbf", file_format=Format.JSON, skip_bad=False)
def test_any_bytes_end_in_a_clean_report_and_a_refusal_changes_nothing(body, file_format, skip_bad):
    with transaction.atomic():
        make_code(make_pool(1100), code="BONAAAA", state="issued")
        before, count = rows(), Code.objects.count()
        report = load(body, file_format=file_format, skip_bad=skip_bad)
        if report.is_refused:
            assert report.problem_count > 0
            assert rows() == before
        else:
            assert skip_bad or not report.problems
            assert Code.objects.count() == count + report.added
            assert Code.objects.get(code="BONAAAA").state == "issued"
        transaction.set_rollback(True)


def test_a_report_speaks_in_sentences():
    make_pool(1100)
    assert load(DOCUMENT).sentences() == [
        "5 codes are new.",
        "By amount: 1050 × 2, 1100 × 3.",
        "Pools opened: 1050, 1500.",
    ]
    assert load(DOCUMENT).sentences() == ["Exactly this was imported on 03/14/2026 2 p.m. already. Nothing was added."]
    assert load({"1100": [None]}).sentences() == ["1 problem was found.", "Nothing was imported."]
    assert not any("BON" in sentence for sentence in load({"1100": ["BON1100H3LV"]}).sentences())
    assert reading.place_in_lines(3) == "line 3"
