"""Anchors as objects of a bucket. A conditional PUT refuses to overwrite; that nobody may delete is the bucket's policy and object lock."""

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
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return bytes(self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"].read())
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise AnchorUnavailable(type(error).__name__) from error
        except BotoCoreError as error:
            raise AnchorUnavailable(type(error).__name__) from error

    def names(self) -> Iterator[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            ):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix)
        except (BotoCoreError, ClientError) as error:
            raise AnchorUnavailable(type(error).__name__) from error
