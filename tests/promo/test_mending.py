"""Differences between rows and document, shown and mended in either direction."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from bonusportal.errors import BadInput
from promo.adapters.mirror_store import FileMirrorStore
from promo.models import Code, Publication
from promo.services import issuing, mending, mirroring
from tests.factories import make_code, make_pool

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
CODES, COUNTS = "promo-codes/available_codes.json", "promo-codes/used_codes_count.json"


@pytest.fixture
def store(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return FileMirrorStore(tmp_path / "mirror")


@pytest.fixture
def pool(store):
    pool = make_pool(amount_uah=1100)
    for number in range(3):
        make_code(pool, code=f"BON1100N{number}", place=number)
    mirroring.publish(store=store, codes_key=CODES, counts_key=COUNTS, codes_per_pool=200, now=NOW)
    return pool


def drift(store):
    return mending.find_drift(store=store, codes_key=CODES, counts_key=COUNTS, codes_per_pool=200)


def write(store, document):
    found = store.get(CODES)
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    store.put(CODES, body, if_match=found.etag)


def rebuild_pools(store, **values):
    return mending.rebuild_pools(
        store=store, codes_key=CODES, actor="olena", reason="the list is right", now=NOW, **values
    )


def test_after_a_publication_there_is_no_drift(store, pool):
    assert drift(store).is_clean


def test_drift_names_the_codes_on_each_side_and_changes_nothing(store, pool):
    issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW)
    write(store, {"1100": ["BON1100N0", "BON1100N1", "BON1100X"], "_metadata": {"portal_revision": 1}})
    seen = drift(store)
    assert seen.amounts == [mending.AmountDrift(1100, ["BON1100N2"], ["BON1100N0", "BON1100X"])]
    assert seen.counts_differ
    assert not Code.objects.filter(code="BON1100X").exists()


def test_a_broken_document_is_told_and_a_person_may_replace_it(store, pool):
    write(store, b'{"1100": [')
    assert "not JSON" in drift(store).trouble
    with pytest.raises(BadInput):
        mending.rebuild_document(store=store, codes_key=CODES, codes_per_pool=200, actor="olena", reason="", now=NOW)
    mending.rebuild_document(store=store, codes_key=CODES, codes_per_pool=200, actor="olena", reason="cut off", now=NOW)
    assert drift(store).is_clean
    assert Publication.objects.order_by("-revision").first().reason == "cut off"
    assert Code.objects.filter(state="available", pool=pool).count() == 3


def test_pools_are_rebuilt_from_the_document_after_a_preview(store, pool):
    issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW)
    make_code(pool, code="BON1100F", state="foreign")
    write(store, {"1100": ["BON1100N0", "BON1100N2", "BON1100X", "BON1100F"], "_metadata": {"portal_revision": 1}})
    expected = mending.Rebuilt(added=1, adopted=1, withdrawn=1, refused=["BON1100N0"])
    assert rebuild_pools(store, dry_run=True) == expected
    assert not Code.objects.filter(code="BON1100X").exists()
    assert rebuild_pools(store) == expected
    states = dict(pool.codes.values_list("code", "state"))
    assert states == {
        "BON1100N0": "issued", "BON1100N1": "withdrawn", "BON1100N2": "available", "BON1100X": "available", "BON1100F": "available",
    }  # fmt: skip


def test_what_lies_behind_the_listing_limit_is_not_missing(store, pool):
    mirroring.publish(store=store, codes_key=CODES, counts_key=COUNTS, codes_per_pool=2, now=NOW)
    assert rebuild_pools(store).withdrawn == 0


def test_the_command_shows_previews_and_mends(store, pool, capsys):
    call_command("mend_mirror")
    assert "agree at revision 1" in capsys.readouterr().out
    write(store, b"nonsense")
    with pytest.raises(CommandError, match=r"причина|reason"):
        call_command("mend_mirror", "--from", "rows")
    call_command("mend_mirror", "--from", "rows", "--reason", "cut off")
    assert "revision 2 now" in capsys.readouterr().out
    write(store, {"1100": ["BON1100N0"], "_metadata": {"portal_revision": 2}})
    call_command("mend_mirror", "--from", "documents", "--dry-run", "--reason", "r")
    assert "2 would be withdrawn" in capsys.readouterr().out
    assert pool.codes.filter(state="available").count() == 3
