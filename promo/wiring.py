"""Adapters built from settings, for tasks and commands: the only place in this app that puts an address and a key together."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import getpid
from typing import TYPE_CHECKING, Any

from django.conf import settings

from promo.errors import PanelNeedsPerson, PanelReason, PanelTemporary
from promo.ports import CodeSource, MirrorStore, PanelConfig, Step

if TYPE_CHECKING:
    from pathlib import Path


def open_mirror_store() -> MirrorStore:
    """The bucket where one is named, else files below VAR_DIR."""
    from promo.adapters.mirror_store import FileMirrorStore, S3MirrorStore

    if not settings.S3_BUCKET:
        return FileMirrorStore(mirror_folder())
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL or None,
        config=Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2, "mode": "standard"}),
    )
    return S3MirrorStore(client=client, bucket=settings.S3_BUCKET)


def mirror_folder() -> Path:
    folder: Path = settings.VAR_DIR / "mirror"
    return folder


def panel_config() -> PanelConfig | None:
    """Who signs in where; None where no panel is configured."""
    if not (settings.PANEL_URL and settings.PANEL_USERNAME and settings.PANEL_PASSWORD):
        return None
    return PanelConfig(
        url=settings.PANEL_URL,
        username=settings.PANEL_USERNAME,
        password=settings.PANEL_PASSWORD,
        totp_secret=settings.PANEL_TOTP_SECRET,
        chromium_path=settings.CHROMIUM_PATH,
        headed=settings.PANEL_HEADED,
        sandboxed=not settings.IS_ON_LAMBDA,
    )


def worker_name() -> str:
    return f"{socket.gethostname()}:{getpid()}"


@contextmanager
def open_panel(
    *,
    on_step: Callable[[Step], None],
    on_wait: Callable[[], None],
    profile: dict[str, Any] | None = None,
    trace: Path | None = None,
) -> Iterator[CodeSource]:
    """A browser at the panel, in a thread of its own, with the profile in use or the one given. Raises PanelError."""
    from promo.adapters.bon_admin.profile import PanelProfile
    from promo.adapters.bon_admin.profile_json import ProfileInvalid
    from promo.adapters.bon_admin.thread import open_panel as open_bon_admin
    from promo.services.leasing import load_session
    from promo.services.profiling import profile_in_use

    config = panel_config()
    if config is None:
        raise PanelTemporary(PanelReason.NOT_CONFIGURED)
    text = profile or profile_in_use()
    try:
        looks = PanelProfile.from_json(text) if text else PanelProfile()
    except ProfileInvalid as error:
        raise PanelNeedsPerson(PanelReason.PROFILE, "; ".join(error.problems)[:500]) from error
    with open_bon_admin(
        config, profile=looks, saved_session=load_session() or None, on_step=on_step, on_wait=on_wait, trace_path=trace
    ) as panel:
        yield panel
