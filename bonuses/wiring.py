"""Adapters built from settings, for tasks, commands and pages."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from bonuses.ports import AnchorStore


def open_anchor_store() -> AnchorStore:
    """The bucket where one is named, else read-only files below VAR_DIR."""
    if not settings.S3_BUCKET:
        from bonuses.adapters.anchor_files import AnchorFiles

        return AnchorFiles(Path(settings.VAR_DIR) / "anchors")
    import boto3
    from botocore.config import Config

    from bonuses.adapters.anchor_bucket import AnchorBucket

    client = boto3.client(
        "s3",
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL or None,
        config=Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2, "mode": "standard"}),
    )
    return AnchorBucket(client, bucket=settings.S3_BUCKET, prefix=settings.ANCHOR_PREFIX)
