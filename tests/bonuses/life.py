"""One long random life of the ledger against the reference: `python -m tests.bonuses.life --seed 7 --operations 1000`.

In episodes of a few hundred steps, each with customers of its own. Prints one digest of everything that was done, equal on both databases. A step that goes
wrong prints its seed and ends with 1: the same line runs it again.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sys
import tempfile

EPISODE = 250


def live(*, seed: int, operations: int) -> str:
    """Do so many random steps and compare after each; returns the digest of all episodes."""
    told = hashlib.sha256()
    for number in range(0, operations, EPISODE):
        try:
            told.update(live_episode(f"{seed}/{number}", steps=min(EPISODE, operations - number)).encode())
        except BaseException:
            again = f"python -m tests.bonuses.life --episode {seed}/{number}"
            sys.stderr.write(f"Episode {seed}/{number} went wrong. To see it again: {again}\n")
            raise
    return told.hexdigest()


def live_episode(episode: str, *, steps: int = EPISODE) -> str:
    """One episode alone; its name is its seed. The rows are rolled back."""
    from django.db import transaction

    from tests.bonuses.world import World, random_step

    dice = random.Random(episode)
    with transaction.atomic():
        world = World()
        for _ in range(steps):
            random_step(world, dice)
            world.compare()
        digest = world.finish()
        transaction.set_rollback(True)
    return digest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--episode", help="one episode of a former life, e.g. 7/250")
    asked = parser.parse_args()
    os.environ["PORTAL_STAGE"] = "test"
    os.environ["ADJUST_DAY_POINTS"] = "1000000000"
    os.environ["DJANGO_SETTINGS_MODULE"] = "bonusportal.settings"
    with tempfile.TemporaryDirectory(prefix="life-") as folder:
        os.environ["VAR_DIR"] = folder
        import django

        django.setup()
        from django.test.utils import setup_databases, teardown_databases

        databases = setup_databases(verbosity=0, interactive=False)
        try:
            sys.stderr.write(f"seed {asked.seed}, {asked.operations} operations\n")
            told = live_episode(asked.episode) if asked.episode else live(seed=asked.seed, operations=asked.operations)
            sys.stdout.write(f"{told}\n")
        finally:
            teardown_databases(databases, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
