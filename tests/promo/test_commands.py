"""The commands of the pools: what they print, how they end, and what they leave alone."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.conf import settings as the_settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from bonuses.models import Account, Customer
from bonuses.services import erasing
from demo.panel.server import serve
from demo.panel.state import PanelState
from keycrm.services import writing_back
from promo import wiring
from promo.management.commands.import_codes import ProgressLines
from promo.management.commands.seed_demo import DEMO_CODES
from promo.models import Code, Issue, Lot, Pool, ReplenishRun
from promo.services import issuing, mirroring
from promo.services.reporting import Progress
from storefront.services.dressing import look_in_use
from tests.factories import make_code, make_codes, make_issue, make_pool
from tests.storefront.street import give_points

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _surroundings(settings, tmp_path):
    settings.LANGUAGE_CODE = "en"
    settings.VAR_DIR = tmp_path / "var"
    # The real one takes longer than all of this.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def _no_pools():
    Pool.objects.all().delete()


def run(command, *arguments, **options):
    """What a command says on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=err, no_color=True, **options)
    return out.getvalue(), err.getvalue()


def refused(command, *arguments):
    """What a command that ends with status 1 says: on standard error, and as its last word."""
    err = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(command, *map(str, arguments), stdout=io.StringIO(), stderr=err, no_color=True)
    assert error.value.returncode == 1
    return err.getvalue(), str(error.value)


def document(tmp_path, content, name="available_codes.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def put_documents(codes=None, counts=None):
    """Documents in the bucket as the predecessor leaves them."""
    store = wiring.open_mirror_store()
    for key, content in ((the_settings.MIRROR_CODES_KEY, codes), (the_settings.MIRROR_COUNTS_KEY, counts)):
        if content is not None:
            store.put(key, content if isinstance(content, bytes) else json.dumps(content).encode(), if_match=None)


# --- import_codes ------------------------------------------------------------------------------------------------------


def test_a_file_is_imported_in_the_name_of_whoever_says_so(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA", "BONBBBB"]})
    said, complained = run("import_codes", path, "--reason", "moving in", "--actor", "olena")
    assert said == "available_codes.json: 2 codes are new. By amount: 1100 × 2. Pools opened: 1100.\n"
    assert complained == ""
    lot = Lot.objects.get()
    assert (lot.actor, lot.reason, lot.name) == ("olena", "moving in", "available_codes.json")


def test_the_same_file_again_ends_well_and_says_so(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA"]})
    run("import_codes", path, "--reason", "moving in")
    said, _complained = run("import_codes", path, "--reason", "moving in")
    assert "Nothing was added." in said
    assert Code.objects.count() == 1


def test_a_file_with_a_problem_ends_with_status_1_and_names_the_place(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA", None], "x": []})
    complained, last = refused("import_codes", path, "--reason", "moving in")
    assert complained.splitlines() == [
        "amount 1100, item 2: A code must be a text in quotes.",
        "key “x”: The amount must be a whole number of hryvnias from 1 to 9999999.",
    ]
    assert last == "available_codes.json: 2 problems were found. Nothing was imported."
    assert not Code.objects.exists()


def test_bad_entries_are_left_out_when_told_so(tmp_path):
    path = document(tmp_path, "code,amount\nBONAAAA,1100\nBONBBBB,x\n", "codes.csv")
    _said, complained = run("import_codes", path, "--reason", "moving in", "--skip-bad")
    assert complained.startswith("line 3: ")
    assert list(Code.objects.values_list("code", flat=True)) == ["BONAAAA"]


def test_a_trial_changes_nothing(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA"]})
    said, _complained = run("import_codes", path, "--reason", "moving in", "--dry-run")
    assert "This was a trial: nothing was changed. 1 code is new." in said
    assert not Code.objects.exists()
    assert not Pool.objects.filter(amount_uah=1100).exists()


def test_a_format_that_was_said_is_not_guessed(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA"]})
    _complained, last = refused("import_codes", path, "--reason", "moving in", "--format", "csv")
    assert last.endswith("Nothing was imported.")


def test_whether_found_codes_are_trusted_is_said_by_the_person(tmp_path):
    run("import_codes", document(tmp_path, {"1100": ["BONAAAA"]}), "--reason", "moving in", "--adopt", "trust")
    assert Pool.objects.get(amount_uah=1100).adopt == "trust"


@pytest.mark.parametrize("arguments", [[], ["--from-bucket"], ["codes.json"]])
def test_a_reason_and_one_source_are_asked_for(arguments):
    with pytest.raises(CommandError):
        run("import_codes", *arguments)


def test_a_file_that_is_not_there_is_a_sentence_and_no_traceback(tmp_path):
    _complained, last = refused("import_codes", tmp_path / "nothing.json", "--reason", "moving in")
    assert last.endswith("nothing.json: No such file or directory")
    _complained, last = refused("import_codes", tmp_path, "--reason", "moving in")
    assert last.endswith("Is a directory")


def test_an_empty_reason_is_refused(tmp_path):
    path = document(tmp_path, {"1100": ["BONAAAA"]})
    assert refused("import_codes", path, "--reason", " ")[1] == "Say why: a reason is required."


def test_both_documents_of_the_bucket_are_taken_over():
    put_documents({"1100": ["BONAAAA"], "_metadata": {}}, {"1100": 4, "_test_metadata": {}})
    said, _complained = run("import_codes", "--from-bucket", "--reason", "moving in")
    assert said.splitlines() == [
        "promo-codes/available_codes.json: 1 code is new. By amount: 1100 × 1. Pools opened: 1100.",
        "promo-codes/used_codes_count.json: Issued since the last refill: 1100 × 4. A refill is requested for: 1100.",
    ]
    assert ReplenishRun.objects.get().pool.amount_uah == 1100


def test_a_broken_document_in_the_bucket_stops_before_the_counts():
    put_documents(b'{"1100": ["BONAAAA"', {"1100": 4})
    _complained, last = refused("import_codes", "--from-bucket", "--reason", "moving in")
    assert last == "promo-codes/available_codes.json: 1 problem was found. Nothing was imported."
    assert not ReplenishRun.objects.exists()


def test_a_bucket_without_documents_is_said():
    _complained, last = refused("import_codes", "--from-bucket", "--reason", "moving in")
    assert last.startswith("There is no document at: promo-codes/available_codes.json")


def test_progress_is_a_line_every_two_seconds():
    times = iter([0.0, 1.9, 2.1, 3.0, 4.2])
    said: list[str] = []
    progress = ProgressLines(said.append, "codes.json", clock=lambda: next(times))
    for number in range(1, 5):
        progress(Progress(codes=number * 10_000, share=number / 10))
    assert said == [
        "codes.json: 20000 codes read, 20 % of the file …",
        "codes.json: 40000 codes read, 40 % of the file …",
    ]


# --- pool_state --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pools(_no_pools):
    """One pool of every level, with twelve issues from the first."""
    full = make_pool(1100)
    make_codes(full, 9)
    for _ in range(12):
        make_issue(make_code(full, state="issued"))
    make_codes(make_pool(1200), 5)
    make_codes(make_pool(1300), 3)
    make_pool(1400)
    make_codes(make_pool(1500, is_active=False), 1)


def table(said):
    """The lines of the table as lists of cells, without the heading."""
    return [[cell for cell in line.split("  ") if cell.strip()] for line in said.split("\n\n")[0].splitlines()[1:]]


def cells(said):
    return [[cell.strip() for cell in row] for row in table(said)]


@pytest.mark.usefixtures("pools")
def test_every_level_is_told_from_the_rows():
    said, _complained = run("pool_state")
    assert cells(said) == [
        ["1100", "9", "fine", "12", "12", "—"],
        ["1200", "5", "≤ 5", "0", "0", "—"],
        ["1300", "3", "≤ 3", "0", "0", "—"],
        ["1400", "0", "out", "0", "0", "—"],
        ["1500", "1", "not in use", "0", "0", "—"],
    ]
    assert "5 pools, 18 codes available, 12 issued since the refills." in said
    assert "The portal has not published anything yet." in said


def publish():
    mirroring.publish(
        store=wiring.open_mirror_store(),
        codes_key=the_settings.MIRROR_CODES_KEY,
        counts_key=the_settings.MIRROR_COUNTS_KEY,
        codes_per_pool=200,
        now=NOW,
    )


@pytest.mark.usefixtures("pools")
def test_what_was_published_last_stands_beside_what_is_there_now():
    publish()
    issuing.issue_code(amount_uah=1200, channel="drop_in", now=NOW)
    said, _complained = run("pool_state")
    assert cells(said)[1] == ["1200", "4", "≤ 5", "1", "1", "5"]
    assert "Revision 1, written on 03/14/2026 2 p.m.." in said


@pytest.mark.usefixtures("pools")
def test_the_bucket_is_told_apart_from_the_rows():
    publish()
    issuing.issue_code(amount_uah=1200, channel="drop_in", now=NOW)
    said, _complained = run("pool_state", "--from", "bucket")
    assert cells(said) == [
        ["1100", "9", "fine", "12", "—", "9"],
        ["1200", "5", "≤ 5", "0", "—", "5"],
        ["1300", "3", "≤ 3", "0", "—", "3"],
        ["1400", "0", "out", "0", "—", "0"],
    ]
    assert "Revision 1, written on 03/14/2026 2 p.m.." in said


@pytest.mark.usefixtures("_no_pools")
def test_the_predecessors_documents_are_read_without_any_pool():
    put_documents({"100": ["A", "B"], "_metadata": {"total_processes": 2}}, {"275": 1, "_x": {}})
    said, _complained = run("pool_state", "--from", "bucket")
    assert cells(said) == [["100", "2", "≤ 3", "0", "—", "2"], ["275", "0", "out", "1", "—", "—"]]
    assert "Not written by the portal." in said


@pytest.mark.usefixtures("pools")
def test_programs_get_json():
    shown: dict[str, Any] = json.loads(run("pool_state", "--json", "--verbose")[0])
    assert (shown["source"], shown["revision"], shown["written_at"]) == ("rows", None, None)
    assert shown["totals"] == {"pools": 5, "available": 18, "issued": 12}
    assert shown["lines"][1]["more"].pop("guesses_per_hit") > 1_000_000_000
    assert shown["warnings"] == []
    assert shown["lines"][1] == {
        "amount_uah": 1200,
        "available": 5,
        "level": "thin",
        "low_water": 3,
        "issued": 0,
        "issued_in_all": 0,
        "published": None,
        "is_active": True,
        "more": {"target": 10, "planned": 0, "foreign": 0, "issued_today": 0, "days_left": None, "last_run": None},
    }


def test_a_document_that_cannot_be_read_is_a_sentence():
    assert refused("pool_state", "--from", "bucket")[1].startswith("There is no document at:")
    put_documents(b"{")
    assert refused("pool_state", "--from", "bucket")[1].startswith(
        "The document at promo-codes/available_codes.json cannot be read:"
    )


@pytest.mark.usefixtures("_no_pools")
def test_a_portal_without_pools_has_a_table_without_lines():
    said, _complained = run("pool_state")
    assert cells(said) == []
    assert "0 pools, 0 codes available" in said


# --- seed_demo ---------------------------------------------------------------------------------------------------------

ALL_CODES = {(code, amount) for amount, codes in DEMO_CODES.items() for code in codes}


def stocked():
    return set(Code.objects.filter(state="available").values_list("code", "pool__amount_uah"))


def test_a_portal_is_filled_and_the_panel_knows_every_code(settings):
    said, _complained = run("seed_demo")
    assert stocked() == ALL_CODES
    assert {len(codes) for codes in DEMO_CODES.values()} == {5}
    panel = PanelState(settings.VAR_DIR / "panel.json")
    assert {(row.code, int(row.amount)) for row in panel.codes() if row.active} == ALL_CODES
    pools = Pool.objects.filter(amount_uah__in=DEMO_CODES).values_list("amount_uah", "low_water", "target")
    assert list(pools) == [(100, 3, 10), (200, 3, 10), (300, 3, 10)]
    assert look_in_use().shows_hint, "the shop shows what its goods bring"
    assert said.splitlines() == ["Demo login: admin    admin-of-the-demo", "Demo login: support  support-of-the-demo"]


def test_filling_twice_changes_nothing_and_replaces_no_code_that_was_handed_out(settings):
    run("seed_demo")
    issued = issuing.issue_code(amount_uah=100, channel="drop_in", now=NOW)
    run("seed_demo")
    assert stocked() == ALL_CODES - {(issued.code, 100)}
    assert (Issue.objects.count(), Lot.objects.count()) == (1, 3)
    assert len(PanelState(settings.VAR_DIR / "panel.json").codes()) == 15
    assert get_user_model().objects.count() == 2


def points():
    return dict(Account.objects.filter(kind="available").values_list("customer__phone", "balance"))


def test_customers_bring_points_along_once():
    run("seed_demo")
    assert points() == {"+380000000001": 500, "+380000000002": 150}
    give_points(Customer.objects.get(phone="+380000000001").pk, 30, timezone.now())
    run("seed_demo")
    assert points() == {"+380000000001": 530, "+380000000002": 150}


def test_their_balances_go_to_the_crm():
    assert not writing_back.is_on()
    run("seed_demo")
    assert writing_back.is_on()


def test_a_customer_who_was_erased_does_not_come_back():
    run("seed_demo")
    customer = Customer.objects.get(phone="+380000000001")
    erasing.erase_customer(customer_id=customer.pk, now=timezone.now())
    run("seed_demo")
    assert not Customer.objects.filter(phone="+380000000001").exists()


def test_a_running_panel_is_told_over_http(settings):
    with serve(PanelState()) as panel:
        run("seed_demo", "--panel-url", panel.url)
        run("seed_demo", "--panel-url", panel.url)
        assert {(row.code, int(row.amount)) for row in panel.state.codes()} == ALL_CODES
    assert not (settings.VAR_DIR / "panel.json").exists()


def test_without_the_panel_no_code_becomes_available(tmp_path):
    with serve(PanelState()) as panel:
        gone = panel.url
    assert "did not take the demo codes" in refused("seed_demo", "--panel-url", gone)[1]
    broken = document(tmp_path, "[", "panel.json")
    assert "could not be used" in refused("seed_demo", "--panel-state", broken)[1]
    assert stocked() == set()


def test_a_code_that_left_its_pool_stays_out():
    run("seed_demo")
    code = DEMO_CODES[200][0]
    Code.objects.filter(code=code).update(state="void")
    Lot.objects.update(digest="")
    run("seed_demo")
    assert Code.objects.get(code=code).state == "void"


def test_the_two_people_may_do_what_their_names_say():
    run("seed_demo", "--admin-password", "an invented password", "--support-password", "another invented one")
    admin = get_user_model().objects.get(username="admin")
    support = get_user_model().objects.get(username="support")
    assert (admin.is_superuser, admin.is_staff, admin.check_password("an invented password")) == (True, True, True)
    assert (support.is_superuser, support.is_staff) == (False, True)
    assert [group.name for group in support.groups.all()] == ["support"]
    assert support.has_perm("promo.reveal_code")
    assert not support.has_perm("promo.manage_pools")


def test_a_password_that_somebody_changed_is_neither_reset_nor_shown():
    run("seed_demo")
    admin = get_user_model().objects.get(username="admin")
    admin.set_password("changed by a person")
    admin.save()
    said, _complained = run("seed_demo")
    assert said.splitlines()[0] == "Demo login: admin    (with the password that was set before)"
    admin.refresh_from_db()
    assert admin.check_password("changed by a person")


def test_a_deployed_stage_is_never_filled(settings):
    settings.IS_LOCAL = False
    assert "only" in refused("seed_demo")[1]
    assert stocked() == set()
    assert not get_user_model().objects.exists()
    assert not settings.VAR_DIR.exists()
