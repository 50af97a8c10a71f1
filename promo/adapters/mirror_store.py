"""Where the mirror's documents lie: a bucket with conditional writes, or a folder with the same semantics.

django-storages cannot write conditionally, so the bucket is spoken to through boto3. No settings here: the caller says which.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promo.errors import MirrorConflict, MirrorUnavailable
from promo.ports import StoredDocument

if TYPE_CHECKING:
    from botocore.client import BaseClient

# 412: the condition was looked at and failed. 409: two conditional writes met (real S3 only). Both mean: look again.
_LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
MAX_DOCUMENT_BYTES = 32 * 1024 * 1024


class S3MirrorStore:
    """Documents in a bucket. Raises MirrorConflict when a write lost, MirrorUnavailable when its outcome is unknown."""

    def __init__(self, *, client: BaseClient | Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> StoredDocument | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if int(answer.get("ContentLength", 0)) > MAX_DOCUMENT_BYTES:
                raise MirrorUnavailable(f"{key} is larger than {MAX_DOCUMENT_BYTES} bytes")
            return StoredDocument(body=answer["Body"].read(), etag=answer["ETag"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
                return None
            raise MirrorUnavailable(f"{key}: {error.response.get('Error', {}).get('Code')}") from error
        except BotoCoreError as error:
            raise MirrorUnavailable(f"{key}: {type(error).__name__}") from error

    def put(self, key: str, body: bytes, *, if_match: str | None) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        condition = {"IfNoneMatch": "*"} if if_match is None else {"IfMatch": if_match}
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                ServerSideEncryption="AES256",
                **condition,
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            status = str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
            # If-Match on a document that is gone answers 404: it changed since it was read, too.
            if code in _LOST_RACE or status in _LOST_RACE or (if_match is not None and code in {"NoSuchKey", "404"}):
                raise MirrorConflict(key) from error
            raise MirrorUnavailable(f"{key}: {code}") from error
        except BotoCoreError as error:
            raise MirrorUnavailable(f"{key}: {type(error).__name__}") from error
        return str(answer["ETag"])


class FileMirrorStore:
    """The same documents as files: atomic replacement under a lock, the content's digest as tag."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> StoredDocument | None:
        try:
            body = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise MirrorUnavailable(f"{key}: {error.strerror}") from error
        return StoredDocument(body=body, etag=_tag(body))

    def put(self, key: str, body: bytes, *, if_match: str | None) -> str:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with (path.parent / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                present = self.get(key)
                if (present.etag if present else None) != if_match:
                    raise MirrorConflict(key)
                _replace(path, body)
        except OSError as error:
            raise MirrorUnavailable(f"{key}: {error.strerror}") from error
        return _tag(body)

    def _path(self, key: str) -> Path:
        return self._folder / key


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _replace(path: Path, body: bytes) -> None:
    """Write beside and rename: a reader sees the old document or the new one, never half of one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
