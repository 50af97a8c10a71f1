"""Ranges of amounts, previews that change nothing, profiles with a history, keys that rotate."""

import datetime as dt

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from bonusportal import secrecy
from bonusportal.errors import BadInput, Conflict
from promo.models import PanelLease, Pool, ProfileVersion, ReplenishRun
from promo.services import bulk, leasing, profiling, stock, witnessing
from tests.factories import make_codes, make_pool, make_run

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "amounts"), [("1100", [1100]), ("3-5", [3, 4, 5]), ("50, 100,200-202,100", [50, 100, 200, 201, 202])]
)
def test_amounts_are_single_or_ranges(text, amounts):
    assert bulk.parse_amounts(text) == amounts


@pytest.mark.parametrize("text", ["", "0", "5-3", "a", "1-", "-5", "1-5001", "٣", "1--2", "99999999", "1.5"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(BadInput):
        bulk.parse_amounts(text)


def test_a_preview_counts_and_changes_nothing():
    make_codes(make_pool(amount_uah=1100), 12)
    make_codes(make_pool(amount_uah=1101), 4)
    order = bulk.BulkOrder(target=10, remove_excess=True)
    seen = bulk.preview(amounts=[1100, 1101, 1102], order=order)
    assert (seen.amounts, seen.new_pools, seen.codes_to_make, seen.codes_to_remove) == (3, 1, 16, 2)
    assert not Pool.objects.filter(amount_uah=1102).exists()
    assert not ReplenishRun.objects.exists()


def test_an_order_makes_the_pools_and_asks_for_ordinary_runs():
    make_pool(amount_uah=1100)
    busy = make_pool(amount_uah=1101)
    stock.request_run(pool_id=busy.pk, trigger="low", now=NOW)
    order = bulk.BulkOrder(target=20, wipe=True)
    runs = bulk.request_bulk(amounts=[1100, 1101, 1102], order=order, actor="olena", now=NOW)
    assert len(runs) == 2
    for run in ReplenishRun.objects.filter(pk__in=runs):
        assert (run.kind, run.trigger, run.requested_by) == ("refill", "staff", "olena")
        assert run.options == {"target": 20, "wipe": True, "remove_excess": False, "delete_inactive": False}
    assert Pool.objects.get(amount_uah=1102).target == 20


def test_the_command_asks_for_nothing_without_yes(capsys):
    call_command("generate_codes", "1100-1102", "--target", "10")
    assert "3 amounts, 3 of them new; 30 codes to make" in capsys.readouterr().out
    assert not ReplenishRun.objects.exists()
    with pytest.raises(CommandError, match="1-2000"):
        call_command("generate_codes", "x", "--yes")


def test_profiles_are_versions_and_going_back_is_a_new_one():
    assert profiling.profile_in_use() is None
    first = profiling.save_profile(
        text={"version": "a", "locale": "uk-UA"}, actor="olena", reason="as observed", now=NOW
    )
    profiling.save_profile(text={"version": "b", "locale": "ru-RU"}, actor="olena", reason="the panel changed", now=NOW)
    assert profiling.profile_in_use()["version"] == "b"
    profiling.go_back_to(version_id=first.pk, actor="olena", reason="it was wrong", now=NOW)
    assert profiling.profile_in_use() == {"version": "a-3", "locale": "uk-UA"}
    assert ProfileVersion.objects.count() == 3


def test_a_profile_needs_a_reason_and_a_name_of_its_own():
    with pytest.raises(BadInput):
        profiling.save_profile(text={"version": "a"}, actor="olena", reason=" ", now=NOW)
    profiling.save_profile(text={"version": "a"}, actor="olena", reason="r", now=NOW)
    with pytest.raises(Conflict):
        profiling.save_profile(text={"version": "a"}, actor="olena", reason="r", now=NOW)
    assert ProfileVersion.objects.count() == 1


def test_keys_rotate_without_losing_anything(settings, capsys):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.FIELD_KEYS = [old]
    token = leasing.take_lease(holder="a", now=NOW)
    leasing.save_session(token, "the session", now=NOW)
    evidence = witnessing.keep_file(
        run_id=make_run(make_pool(amount_uah=1100)).pk, kind="picture", content=b"PNG", suffix="png", now=NOW
    )
    settings.FIELD_KEYS = [new, old]
    call_command("rotate_keys")
    settings.FIELD_KEYS = [new]
    assert leasing.load_session() == "the session"
    evidence.refresh_from_db()
    assert witnessing.open_file(evidence) == b"PNG"
    settings.FIELD_KEYS = [old]
    assert leasing.load_session() == ""
    with pytest.raises(secrecy.CannotDecrypt):
        witnessing.open_file(evidence)
    assert PanelLease.objects.count() == 1


def test_evidence_is_unreadable_on_disk_and_gone_after_fourteen_days(settings):
    from django.core.files.storage import default_storage

    run = make_run(make_pool(amount_uah=1100))
    evidence = witnessing.keep_file(run_id=run.pk, kind="rows", content=b"BON1100SECRET", suffix="json", now=NOW)
    with default_storage.open(evidence.file) as stored:
        assert b"SECRET" not in stored.read()
    assert witnessing.forget_old_evidence(now=NOW + dt.timedelta(days=14)) == 0
    assert witnessing.forget_old_evidence(now=NOW + dt.timedelta(days=14, seconds=1)) == 1
    assert not default_storage.exists(evidence.file)
    assert not run.evidence.exists()
