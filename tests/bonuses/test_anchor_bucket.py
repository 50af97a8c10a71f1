"""Anchors in a bucket's stand-in that enforces policies: the portal's own role makes them and can neither change nor delete one."""

import json
from contextlib import suppress

import boto3
import pytest
from botocore.exceptions import ClientError

from bonuses.adapters.anchor_bucket import AnchorBucket
from bonuses.errors import AnchorExists, AnchorUnavailable
from tools.places import ROOT

BUCKET, PREFIX = "bonusportal-123456789012", "anchors/"


def client_of(endpoint, service, **keys):
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-north-1", **keys)


@pytest.fixture(scope="module")
def owner(aws_endpoint):
    """Whoever owns the account; the bucket is versioned, as deploy/ground.yaml makes it."""
    s3 = client_of(aws_endpoint, "s3")
    # The account of the packaged functions' tests is the same, and may have it already.
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield s3
    found = s3.list_object_versions(Bucket=BUCKET, Prefix=PREFIX)
    for version in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])


@pytest.fixture(scope="module")
def portal(aws_endpoint, owner):
    """A client with the rights of the stage that anchors, and no other."""
    iam = client_of(aws_endpoint, "iam")
    iam.create_user(UserName="anchoring-portal")
    policy = (ROOT / "deploy/policies/web.json").read_text()
    iam.put_user_policy(UserName="anchoring-portal", PolicyName="web", PolicyDocument=policy)
    key = iam.create_access_key(UserName="anchoring-portal")["AccessKey"]
    return client_of(
        aws_endpoint, "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


@pytest.fixture
def name(request):
    """Anchors stay, so every test has one of its own."""
    return f"{request.node.name}.json"


@pytest.fixture
def store(portal):
    return AnchorBucket(portal, bucket=BUCKET, prefix=PREFIX)


def test_an_anchor_is_made_once_and_read_back(store, name):
    assert store.read(name) is None
    store.create(name, b"the head")
    store.create(f"{name}.next", b"the next head")
    with pytest.raises(AnchorExists):
        store.create(f"{name}.next", b"another head")
    assert store.read(name) == b"the head"
    assert name in list(store.names())


def test_the_portals_role_may_not_delete_an_anchor_nor_a_version_of_it(store, portal, owner, name):
    store.create(name, b"the head")
    (version,) = owner.list_object_versions(Bucket=BUCKET, Prefix=PREFIX + name)["Versions"]
    for which in ({}, {"VersionId": version["VersionId"]}):
        with pytest.raises(ClientError) as refused:
            portal.delete_object(Bucket=BUCKET, Key=PREFIX + name, **which)
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    assert store.read(name) == b"the head"


def test_writing_over_an_anchor_or_deleting_it_changes_nothing_that_is_read(store, owner, name):
    """Whoever has the account's own keys and ignores the policy: the first version still speaks."""
    store.create(name, b"the head")
    owner.put_object(Bucket=BUCKET, Key=PREFIX + name, Body=b"a forged head")
    owner.delete_object(Bucket=BUCKET, Key=PREFIX + name)
    assert store.read(name) == b"the head"
    assert name in list(store.names())
    store.create(f"{name}.next", b"the next head")
    with pytest.raises(AnchorExists):
        store.create(f"{name}.next", b"another head")


def test_names_come_once_and_in_order(portal):
    store = AnchorBucket(portal, bucket=BUCKET, prefix=PREFIX + "in-order-")
    for number in (3, 1, 2):
        store.create(f"{number}.json", b"")
    assert list(store.names()) == ["1.json", "2.json", "3.json"]


@pytest.mark.parametrize("ask", [lambda s: s.read("x"), lambda s: list(s.names()), lambda s: s.create("x", b"")])
def test_a_store_that_refuses_is_unavailable_and_not_empty(aws_endpoint, owner, ask):
    """A verification must never take a refusal for "there are no anchors"."""
    stranger = client_of(aws_endpoint, "s3", aws_access_key_id="AKIASTRANGER", aws_secret_access_key="x")
    with pytest.raises(AnchorUnavailable):
        ask(AnchorBucket(stranger, bucket=BUCKET, prefix=PREFIX))


def test_the_ground_forbids_to_everybody_what_the_role_is_not_given():
    """The stand-in does not know this condition, so here stands only that the bucket's policy says it."""
    text = (ROOT / "deploy/ground.yaml").read_text()
    assert "s3:if-none-match" in text
    assert "[s3:DeleteObject, s3:DeleteObjectVersion]" in text
    allowed = [
        action
        for name in ("web", "worker")
        for statement in json.loads((ROOT / f"deploy/policies/{name}.json").read_text())["Statement"]
        if any("/anchors" in thing for thing in statement["Resource"] if len(thing) > 1)
        or "/anchors" in statement["Resource"]
        for action in statement["Action"]
    ]
    assert [action for action in allowed if "Delete" in action or "*" in action] == []
