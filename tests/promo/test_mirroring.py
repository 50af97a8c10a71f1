"""The documents in the bucket as a function of the rows, and what others did to them in between."""

import datetime as dt
import json
import threading

import pytest

from bonusportal.models import DailyCount
from promo.adapters.mirror_store import FileMirrorStore
from promo.errors import MirrorConflict, MirrorUnavailable
from promo.models import Code, Publication
from promo.rendering import DocumentBroken
from promo.services import issuing, mirroring
from tests.factories import make_code, make_issue, make_pool, make_run

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
CODES, COUNTS = "promo-codes/available_codes.json", "promo-codes/used_codes_count.json"


@pytest.fixture
def store(tmp_path):
    return FileMirrorStore(tmp_path)


@pytest.fixture
def pool():
    pool = make_pool(amount_uah=1100)
    for number in range(3):
        make_code(pool, code=f"BON1100N{number}", place=number)
    return pool


def publish(store, per_pool=200):
    return mirroring.publish(store=store, codes_key=CODES, counts_key=COUNTS, codes_per_pool=per_pool, now=NOW)


def document(store, key=CODES):
    return json.loads(store.get(key).body)


def rewrite(store, change):
    found = store.get(CODES)
    changed = json.loads(found.body)
    change(changed)
    store.put(CODES, json.dumps(changed).encode(), if_match=found.etag)


def issue():
    return issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW)


def test_the_document_lists_available_codes_in_the_order_of_handing_out(store, pool):
    make_code(pool, code="BON1100PLANNED", state="planned")
    publish(store)
    assert document(store)["1100"] == ["BON1100N0", "BON1100N1", "BON1100N2"]
    assert document(store)["_metadata"] == {"portal_revision": 1}


def test_nothing_changed_writes_nothing(store, pool):
    publish(store)
    before = store.get(CODES)
    assert publish(store).wrote is False
    assert store.get(CODES) == before
    assert Publication.objects.count() == 1


def test_an_issue_leaves_the_document_and_enters_the_counts(store, pool):
    publish(store)
    issue()
    publish(store)
    assert document(store)["1100"] == ["BON1100N1", "BON1100N2"]
    assert document(store, COUNTS) == {"1100": 1}


def test_a_successful_refill_starts_the_count_anew(store, pool):
    issue()
    make_run(pool, state="succeeded", leased_at=NOW + dt.timedelta(seconds=1))
    publish(store)
    assert document(store, COUNTS) == {}


def test_a_code_that_another_writer_took_is_not_handed_out_here(store, pool):
    publish(store)
    rewrite(store, lambda doc: doc["1100"].pop(0))
    published = publish(store)
    assert published.foreign_removed == 1
    assert Code.objects.get(code="BON1100N0").state == "withdrawn"
    assert issue().code == "BON1100N1"


def test_a_code_taken_there_that_was_issued_here_raises_an_alarm_and_stays_issued(store, pool):
    publish(store)
    issue()
    rewrite(store, lambda doc: doc["1100"].remove("BON1100N0"))
    publish(store)
    assert Code.objects.get(code="BON1100N0").state == "issued"
    assert DailyCount.objects.get(name="alarm.code_taken_twice").count == 1


def test_a_restored_stale_list_brings_no_issued_code_back(store, pool):
    publish(store)
    stale = store.get(CODES).body
    issue()
    publish(store)
    found = store.get(CODES)
    store.put(CODES, stale, if_match=found.etag)
    publish(store)
    assert document(store)["1100"] == ["BON1100N1", "BON1100N2"]
    assert Code.objects.get(code="BON1100N0").state == "issued"


def test_a_new_string_is_foreign_or_taken_in_by_the_pools_setting(store, pool):
    asking = make_pool(amount_uah=1200, adopt="ask")
    publish(store)

    def add(doc):
        doc["1100"].append("BON1100NEW")
        doc["1200"] = ["BON1200NEW"]
        doc["1300"] = ["BON1300NEW"]

    rewrite(store, add)
    assert publish(store).foreign_added == 3
    assert Code.objects.get(code="BON1100NEW").state == "available"
    assert Code.objects.get(code="BON1200NEW", pool=asking).state == "foreign"
    unknown = Code.objects.get(code="BON1300NEW")
    assert (unknown.state, unknown.pool.is_active) == ("foreign", False)
    assert document(store)["1100"] == ["BON1100N0", "BON1100N1", "BON1100N2", "BON1100NEW"]


def test_other_peoples_metadata_is_kept(store, pool):
    publish(store)
    rewrite(store, lambda doc: doc["_metadata"].update(last_updated="2026-03-14T21:07:45"))
    issue()
    publish(store)
    assert document(store)["_metadata"] == {"last_updated": "2026-03-14T21:07:45", "portal_revision": 2}


def test_without_our_marker_a_missing_code_counts_as_taken(store, pool):
    publish(store)
    rewrite(store, lambda doc: (doc.pop("_metadata"), doc["1100"].pop(0)))
    publish(store)
    assert Code.objects.get(code="BON1100N0").state == "withdrawn"


def test_a_broken_document_is_left_alone(store, pool):
    publish(store)
    found = store.get(CODES)
    store.put(CODES, b'{"1100": ["BON', if_match=found.etag)
    with pytest.raises(DocumentBroken):
        publish(store)
    assert store.get(CODES).body == b'{"1100": ["BON'
    assert Code.objects.filter(state="available").count() == 3


def test_at_most_so_many_codes_of_a_pool_are_listed_and_the_rest_is_not_taken_for_removed(store, pool):
    publish(store, per_pool=2)
    assert document(store)["1100"] == ["BON1100N0", "BON1100N1"]
    issue()
    publish(store, per_pool=2)
    assert document(store)["1100"] == ["BON1100N1", "BON1100N2"]
    assert Code.objects.filter(state="available").count() == 2


class Interrupted:
    """A store in which something happens around the write."""

    def __init__(self, store, *, before=lambda: None, after=lambda: None):
        self.store, self.before, self.after = store, before, after
        self.get = store.get

    def put(self, key, body, *, if_match):
        if key != CODES:
            return self.store.put(key, body, if_match=if_match)
        before, self.before = self.before, lambda: None
        before()
        etag = self.store.put(key, body, if_match=if_match)
        after, self.after = self.after, lambda: None
        after()
        return etag


def unavailable():
    raise MirrorUnavailable("timed out")


def test_a_lost_race_looks_again_and_loses_neither_change(store, pool):
    publish(store)
    issue()
    raced = Interrupted(store, before=lambda: rewrite(store, lambda doc: doc["1100"].remove("BON1100N1")))
    published = publish(raced)
    assert published.looks == 2
    assert document(store)["1100"] == ["BON1100N2"]
    assert Code.objects.get(code="BON1100N1").state == "withdrawn"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_whose_outcome_is_unknown_is_repaired_by_the_next_look(store, pool, when):
    publish(store)
    issue()
    with pytest.raises(MirrorUnavailable):
        publish(Interrupted(store, **{when: unavailable}))
    issue()
    publish(store)
    assert document(store)["1100"] == ["BON1100N2"]
    assert Code.objects.filter(state="withdrawn").count() == 0


def test_revisions_never_go_back(store, pool):
    revisions = [publish(store).revision]
    for _ in range(3):
        issue()
        revisions.append(publish(store).revision)
    assert revisions == [1, 2, 3, 4]


def test_the_counts_document_has_amounts_only(store, pool):
    store.put(COUNTS, b'{"_test_metadata": {}, "1100": 5}', if_match=None)
    make_issue(make_code(pool, code="BON1100OLD", state="issued"), issued_at=NOW)
    publish(store)
    assert document(store, COUNTS) == {"1100": 1}


def test_of_many_conditional_writers_one_wins(tmp_path):
    store = FileMirrorStore(tmp_path)
    won, lost = [], []
    gate = threading.Barrier(8)

    def write(number):
        gate.wait()
        try:
            store.put("d.json", f"{number}".encode(), if_match=None)
        except MirrorConflict:
            lost.append(number)
        else:
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert store.get("d.json").body == f"{won[0]}".encode()
