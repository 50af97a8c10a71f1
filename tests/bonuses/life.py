"""One long random life of the ledger against the reference: `python -m tests.bonuses.life --seed 7 --operations 1000`.

In episodes of a few hundred steps, each with customers of its own. Prints each episode with a digest of everything that was done in it, equal on both
databases. A step that goes wrong prints the episode, and the line that runs it again, and ends with 1.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator

EPISODE = 250


def live(*, seed: int, operations: int) -> Iterator[str]:
    """Do so many random steps and compare after each; a line for each episode."""
    for number in range(0, operations, EPISODE):
        episode = f"{seed}/{number}"
        try:
            yield f"{episode} {live_episode(episode, steps=min(EPISODE, operations - number))}"
        except BaseException:
            sys.stderr.write(
                f"Episode {episode} went wrong. To see it again: python -m tests.bonuses.life --episode {episode}\n"
            )
            raise


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
            told = (
                iter([f"{asked.episode} {live_episode(asked.episode)}"])
                if asked.episode
                else live(seed=asked.seed, operations=asked.operations)
            )
            for line in told:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
        finally:
            teardown_databases(databases, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
