"""Eight writers of one document in a real bucket's stand-in, a foreign one among them, with every way a write can fail thrown in."""

import datetime as dt
import json
import random
import threading
from collections import Counter

import boto3
import pytest
from botocore.stub import Stubber
from django.db import connection

from promo import rendering
from promo.adapters.mirror_store import S3MirrorStore
from promo.errors import MirrorConflict, MirrorUnavailable, PoolEmpty
from promo.models import Code, Issue, Publication
from promo.services import issuing, mirroring
from tests.factories import make_codes, make_pool

NOW = dt.datetime(2026, 3, 14, 12, 0, tzinfo=dt.UTC)
CODES, COUNTS = "promo-codes/available_codes.json", "promo-codes/used_codes_count.json"
BUCKET = "portal-mirror-test"


class Killed(BaseException):
    """The process is gone: nothing after this line runs."""


class Unreliable:
    """A store whose writes fail before or after the effect, or whose writer dies at the worst moment."""

    def __init__(self, store, seed):
        self.store, self.dice = store, random.Random(seed)
        self.get = store.get

    def put(self, key, body, *, if_match):
        fate = self.dice.choice(
            ["fine"] * 6 + ["lost race", "timeout before", "timeout after", "killed before", "killed after"]
        )
        if fate == "lost race":
            raise MirrorConflict(key)
        if fate == "timeout before":
            raise MirrorUnavailable(key)
        if fate == "killed before":
            raise Killed
        etag = self.store.put(key, body, if_match=if_match)
        if fate == "timeout after":
            raise MirrorUnavailable(key)
        if fate == "killed after":
            raise Killed
        return etag


@pytest.fixture
def client(aws_endpoint):
    client = boto3.client("s3", endpoint_url=aws_endpoint, region_name="eu-north-1")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield client
    versions = client.list_object_versions(Bucket=BUCKET)
    for version in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        client.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    client.delete_bucket(Bucket=BUCKET)


def publish(store):
    return mirroring.publish(store=store, codes_key=CODES, counts_key=COUNTS, codes_per_pool=50, now=NOW)


def bodies(client):
    """Every version of the document, oldest first."""
    versions = client.list_object_versions(Bucket=BUCKET, Prefix=CODES)["Versions"]
    return [
        client.get_object(Bucket=BUCKET, Key=CODES, VersionId=version["VersionId"])["Body"].read()
        for version in reversed(versions)
    ]


class ForeignWriter:
    """A writer with the predecessor's habits, but conditional writes, so that it loses nothing of ours while we watch what we do to its changes."""

    def __init__(self, store, seed):
        self.store, self.dice = store, random.Random(seed)
        self.added, self.popped, self.old = [], [], []

    def act(self):
        found = self.store.get(CODES)
        document = json.loads(found.body)
        self.old.append(document)
        deed = self.dice.choice(["add", "pop", "restore"])
        change = None
        if deed == "add":
            change = f"BON1100FOREIGN{len(self.added)}"
            document["1100"] = [*document.get("1100", []), change]
        elif deed == "pop" and document.get("1100"):
            change = document["1100"].pop(0)
        elif deed == "restore" and is_a_rendering(document):
            # Over a document of ours only: over one of its own it would undo what it did itself before anybody saw it.
            document = self.dice.choice(self.old)
        try:
            self.store.put(CODES, json.dumps(document).encode(), if_match=found.etag)
        except MirrorConflict:
            return
        if change:
            (self.added if deed == "add" else self.popped).append(change)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [11, 12])
def test_eight_unreliable_writers_and_a_foreign_one_lose_no_change_and_hand_nothing_out_twice(client, seed):
    store = S3MirrorStore(client=client, bucket=BUCKET)
    pool = make_pool(amount_uah=1100)
    make_codes(pool, 120)
    publish(store)
    foreign = ForeignWriter(store, seed)
    handed_out, failures = [], Counter()

    def work(number):
        unreliable = Unreliable(store, seed * 100 + number)
        try:
            for _ in range(6):
                try:
                    handed_out.append(issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW).code)
                    publish(unreliable)
                except (MirrorConflict, MirrorUnavailable, Killed, PoolEmpty) as error:
                    failures[type(error).__name__] += 1
        finally:
            connection.close()

    def interfere():
        try:
            for _ in range(15):
                foreign.act()
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)] + [
        threading.Thread(target=interfere)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publish(store)
    publish(store)

    # POOL-01: once, whatever anybody wrote.
    assert len(handed_out) == len(set(handed_out)) == Issue.objects.count()
    # What the foreign writer took is not free here; what it added is known here.
    assert not Code.objects.filter(code__in=foreign.popped, state="available").exists()
    assert set(foreign.added) <= set(
        Code.objects.filter(code__startswith="BON1100FOREIGN").values_list("code", flat=True)
    )
    # POOL-07: what lies there is the rendering of a revision, and revisions of ours never go back.
    final = rendering.read_codes_document(store.get(CODES).body)
    assert final.listed == mirroring.list_codes(codes_per_pool=50)
    assert final.revision == Publication.objects.order_by("-revision").first().revision
    ours = [document for document in map(json.loads, bodies(client)) if is_a_rendering(document)]
    revisions = [document["_metadata"]["portal_revision"] for document in ours]
    assert len(ours) >= 5
    written = list(dict.fromkeys(revisions))
    assert written == sorted(written)
    assert sum(failures.values()) > 0, "nothing failed: the test proved nothing"
    for body in bodies(client):
        assert old_reader_counts(body) >= 0


def is_a_rendering(document):
    revision = document.get("_metadata", {}).get("portal_revision")
    publication = Publication.objects.filter(revision=revision).first()
    return (
        publication is not None
        and {key: value for key, value in document.items() if key != "_metadata"} == publication.listed
    )


def old_reader_counts(body):
    """The predecessor's rules: an amount's key is its decimal text, the first code is popped; other keys begin with an underscore."""
    document = json.loads(body)
    total = 0
    for key, value in document.items():
        if key.startswith("_"):
            continue
        assert int(key) > 0
        assert isinstance(value, list)
        assert all(isinstance(code, str) for code in value)
        total += len(value)
    return total


@pytest.mark.django_db
def test_old_readers_of_the_counts_take_every_key_for_an_amount(client):
    store = S3MirrorStore(client=client, bucket=BUCKET)
    make_codes(make_pool(amount_uah=1100), 2)
    issuing.issue_code(amount_uah=1100, channel="drop_in", now=NOW)
    publish(store)
    counts = json.loads(store.get(COUNTS).body)
    assert sum(counts.values()) == 1
    assert [int(key) for key in counts] == [1100]


@pytest.mark.django_db
def test_the_document_is_encrypted_at_rest(client):
    make_pool(amount_uah=1100)
    publish(S3MirrorStore(client=client, bucket=BUCKET))
    assert client.head_object(Bucket=BUCKET, Key=CODES)["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("code", "status"), [("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("NoSuchKey", 404)]
)
def test_every_way_to_lose_a_conditional_write_is_a_lost_race(code, status):
    client = boto3.client("s3", region_name="eu-north-1", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(client) as stub:
        stub.add_client_error("put_object", service_error_code=code, http_status_code=status)
        with pytest.raises(MirrorConflict):
            S3MirrorStore(client=client, bucket=BUCKET).put(CODES, b"{}", if_match='"x"')


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("InternalError", 500), ("SlowDown", 503)])
def test_every_other_fault_leaves_the_outcome_unknown(code, status):
    client = boto3.client("s3", region_name="eu-north-1", aws_access_key_id="test", aws_secret_access_key="test")
    with Stubber(client) as stub:
        stub.add_client_error("put_object", service_error_code=code, http_status_code=status)
        with pytest.raises(MirrorUnavailable):
            S3MirrorStore(client=client, bucket=BUCKET).put(CODES, b"{}", if_match=None)
