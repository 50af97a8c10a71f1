"""INV-28 two-databases-one-truth: the same random life on PostgreSQL and on SQLite, each against the reference, ends in the same state."""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from tests.bonuses.life import live_episode

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.postgresql


def live(seed, operations, *, database):
    done = subprocess.run(
        [sys.executable, "-m", "tests.bonuses.life", "--seed", str(seed), "--operations", str(operations)],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": database, "REDIS_URL": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.splitlines()


def both(seed, operations):
    """Both lives side by side, a line for each episode."""
    assert settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    with ThreadPoolExecutor(2) as pool:
        lives = [pool.submit(live, seed, operations, database=url) for url in (os.environ["DATABASE_URL"], "")]
        return [one.result() for one in lives]


@pytest.mark.timeout(300)
def test_inv_28_two_databases_one_truth():
    postgresql, sqlite = both(20260310, 500)
    assert postgresql == sqlite
    assert [line.split()[0] for line in sqlite] == ["20260310/0", "20260310/250"]


@pytest.mark.django_db
def test_another_life_has_another_digest(settings):
    settings.ADJUST_DAY_POINTS = 10**9
    assert live_episode("1/0", steps=40) == live_episode("1/0", steps=40) != live_episode("2/0", steps=40)


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_a_hundred_thousand_operations_or_as_many_as_prove_says():
    operations = int(os.environ.get("PROVE", "100000"))
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
    sys.stdout.write(f"seed {seed}: SEED={seed} PROVE={operations} make prove K=hundred_thousand runs it again\n")
    postgresql, sqlite = both(seed, operations)
    assert postgresql == sqlite
