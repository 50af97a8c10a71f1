"""Anchors as objects of a versioned bucket.

A conditional PUT refuses to overwrite, the bucket's policy allows no other and no deletion (deploy/ground.yaml), and what is read is the first version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bonuses.errors import AnchorExists, AnchorUnavailable


class AnchorBucket:
    """An AnchorStore. `client` is a boto3 S3 client."""

    def __init__(self, client: Any, *, bucket: str, prefix: str) -> None:
        self._client, self._bucket, self._prefix = client, bucket, prefix

    def create(self, name: str, content: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + name,
                Body=content,
                IfNoneMatch="*",
                ContentType="application/json",
                ServerSideEncryption="AES256",
            )
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412:
                raise AnchorExists(name) from error
            raise AnchorUnavailable(type(error).__name__) from error
        except BotoCoreError as error:
            raise AnchorUnavailable(type(error).__name__) from error

    def read(self, name: str) -> bytes | None:
        """The first version ever made: writing over an anchor, or deleting it, changes nothing that is read."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            first = self._first_version(self._prefix + name)
            if first is None:
                return None
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, VersionId=first)
            return bytes(found["Body"].read())
        except (BotoCoreError, ClientError) as error:
            raise AnchorUnavailable(type(error).__name__) from error

    def names(self) -> Iterator[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        last = None
        try:
            for version in self._versions(self._prefix):
                if version["Key"] != last:
                    last = version["Key"]
                    yield last.removeprefix(self._prefix)
        except (BotoCoreError, ClientError) as error:
            raise AnchorUnavailable(type(error).__name__) from error

    def _versions(self, prefix: str) -> Iterator[dict[str, Any]]:
        """In the order of keys; of one key the newest first. Those that were deleted are still there, below a marker."""
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from page.get("Versions", ())

    def _first_version(self, key: str) -> str | None:
        first = None
        for version in self._versions(key):
            if version["Key"] == key:
                first = str(version["VersionId"])
        return first
