"""INV-28 two-databases-one-truth: the same random life on PostgreSQL and on SQLite, each against the reference, ends in the same state."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.postgresql


def live(seed, operations, *, database):
    done = subprocess.run(
        [sys.executable, "-m", "tests.bonuses.life", "--seed", str(seed), "--operations", str(operations)],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database, "REDIS_URL": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip()


def both(seed, operations):
    server = os.environ["DATABASE_URL"]
    assert settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    return live(seed, operations, database=server), live(seed, operations, database="")


@pytest.mark.timeout(300)
def test_inv_28_two_databases_one_truth():
    postgresql, sqlite = both(20260310, 500)
    assert postgresql == sqlite
    assert len(sqlite) == 64


def test_another_life_has_another_digest():
    assert live(1, 100, database="") != live(2, 100, database="")


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_a_hundred_thousand_operations_or_as_many_as_prove_says():
    operations = int(os.environ.get("PROVE", "100000"))
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    sys.stdout.write(f"seed {seed}: SEED={seed} PROVE={operations} make prove K=hundred_thousand runs it again\n")
    postgresql, sqlite = both(seed, operations)
    assert postgresql == sqlite
