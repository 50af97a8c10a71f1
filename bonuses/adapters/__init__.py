"""Where anchors are kept. `anchor_store` picks the adapter that the settings name; services take it as an argument."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from bonuses.ports import AnchorStore


def anchor_store() -> AnchorStore:
    if settings.S3_BUCKET:
        import boto3

        from bonuses.adapters.anchor_bucket import AnchorBucket

        client = boto3.client("s3", region_name=settings.AWS_REGION, endpoint_url=settings.AWS_ENDPOINT_URL or None)
        return AnchorBucket(client, bucket=settings.S3_BUCKET, prefix=settings.ANCHOR_PREFIX)
    from bonuses.adapters.anchor_files import AnchorFiles

    return AnchorFiles(Path(settings.VAR_DIR) / "anchors")
