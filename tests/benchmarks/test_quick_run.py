"""`python -m benchmarks --quick` on the services around the tests: every theme runs to its end and leaves nothing behind."""

import os
import subprocess
import sys

import psycopg
import pytest

from benchmarks.__main__ import THEMES
from benchmarks.readme import BEGIN, END
from tools.places import ROOT

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(400)]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def databases(server):
    with psycopg.connect(server) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench_%'")}


def test_a_quick_run_fills_the_table_of_every_theme(tmp_path, redis_url, chromium_path):
    server = os.environ["DATABASE_URL"]
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n")
    before = databases(server)
    done = run("--quick", "--write", "--readme", str(readme), CHROMIUM_PATH=chromium_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for theme in THEMES:
        assert f"{theme} …" in done.stdout
    written = readme.read_text().splitlines()
    assert written[0] == BEGIN
    assert "cores" in written[1]
    assert "PostgreSQL" in written[1]
    assert "fsync" in written[1]
    rows = [line for line in written if line.startswith("| ")]
    assert len({len(row) for row in rows}) == 1, "the table is not aligned"
    targets = [row.split("|")[6].strip() for row in rows[1:]]
    assert sorted(filter(None, targets)) == sorted(
        [
            "≥ 0.5",
            "≥ 0.5",
            "≥ 0.5",
            "≥ 0.5",
            "≥ 0.6",
            "≤ 1.3",
            "≤ 1.3",
            "≤ 1.3",
            "≤ 1.3",
            "≤ 5",
            "≤ 5",
            "≤ 2",
            "≤ 1",
            "≤ 1",
            "≤ 1.5",
        ]
    )
    assert databases(server) <= before


def test_without_services_it_says_how_to_start_it():
    done = run("--quick", DATABASE_URL="", REDIS_URL="")
    assert done.returncode == 1
    assert "make bench" in done.stderr
    assert "Traceback" not in done.stderr
