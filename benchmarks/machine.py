"""What a table was measured on, in one line: figures without it mean nothing."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path

import psycopg


def describe(*, now: dt.datetime, server_url: str) -> str:
    """Date, processor, versions, and whether the database waits for the disk."""
    with psycopg.connect(server_url) as connection:

        def shown(setting: str) -> str:
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
            return str(row[0]) if row else "?"

        version = shown("server_version").split()[0]
        flushing = ", ".join(f"{setting} {shown(setting)}" for setting in ("fsync", "synchronous_commit"))
    return (
        f"{now:%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), "
        f"Python {platform.python_version()}, PostgreSQL {version} ({flushing})"
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
