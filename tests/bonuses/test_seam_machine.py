"""INV-31 and POOL-01 under random shoppers, panels and orders: lives drawn from seeds, looked at after every step. A failure names its seed and step."""

from __future__ import annotations

import os
import random

import pytest
from django.db import transaction

from bonuses.models import AskedAgain, Hold
from promo.models import Code, ReplenishRun
from tests.bonuses.shop import PEOPLE, Shop

STEPS_OF_A_LIFE = 200
SHARDS = 20
AT_THE_PANEL = (
    "somebody acts while the list is read",
    "somebody acts between reading and deleting",
    "unreachable",
    "refuses",
    "dies",
    "nothing to do",
)
MINUTES = (1, 20, 61, 60 * 24, 60 * 72)


def step(shop: Shop, dice: random.Random) -> None:
    """One thing that happens, whose likelihood is how often it stands here."""
    which = dice.randrange(1000)
    deeds = [
        *[lambda: shop.redeem(dice.randrange(PEOPLE), dice.randrange(3), tabs=dice.choice((1, 1, 2)))] * 5,
        *[lambda: shop.retry(which)] * 2,
        *[lambda: shop.take_off(which, stranger=dice.random() < 0.1)] * 4,
        *[lambda: shop.buy(which, with_code=dice.random() < 0.8)] * 4,
        *[lambda: shop.turn(which, dice.randrange(2), reactivates=dice.random() < 0.3)] * 3,
        *[lambda: shop.tell(which)] * 4,
        *[lambda: work(shop, dice, which)] * 3,
        *[shop.sweep] * 3,
        *[lambda: shop.advance(dice.choice(MINUTES))] * 2,
    ]
    dice.choice(deeds)()


def work(shop: Shop, dice: random.Random, which: int) -> None:
    """Runs at the panel, while somebody else does something to the same codes."""
    meanwhile = dice.choice(
        [
            None,
            lambda: shop.redeem(which, which),
            lambda: shop.take_off(which, stranger=False),
            lambda: shop.buy(which, with_code=True),
        ]
    )
    is_late = dice.random() < 0.5
    shop.work(dice.randrange(6), None if is_late else meanwhile, meanwhile if is_late else None)


def live(seed: int, steps: int = STEPS_OF_A_LIFE) -> dict[str, int]:
    """A life from its seed, undone at the end. Returns what happened in it, in numbers."""
    with transaction.atomic():
        dice, shop = random.Random(seed), Shop()
        for number in range(steps):
            try:
                step(shop, dice)
                shop.check()
            except Exception as error:
                error.add_note(f"seed {seed}, step {number}")
                raise
        try:
            shop.finish()
        except Exception as error:
            error.add_note(f"seed {seed}, at the end")
            raise
        happened = {
            "captured": Hold.objects.filter(state="captured", reinstated_at=None).count(),
            "released": Hold.objects.filter(state="released").count(),
            "given back after a cancelled order": Hold.objects.exclude(reinstated_at=None).count(),
            "same code again": AskedAgain.objects.count(),
            "runs that failed": ReplenishRun.objects.filter(kind="retire", state="failed").count(),
            "used before deleted": Code.objects.exclude(inactive_since=None).exclude(issue=None).count(),
            **{name: shop.panel.happened[name] for name in AT_THE_PANEL},
        }
        transaction.set_rollback(True)
    return happened


@pytest.fixture(autouse=True)
def _evidence_in_memory(settings):
    """Every reading of the panel leaves a file; here nobody looks at them."""
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}


@pytest.mark.django_db
@pytest.mark.timeout(600)
def test_inv_31_and_pool_01_hold_in_2000_random_steps():
    lives = [live(seed) for seed in range(2000 // STEPS_OF_A_LIFE)]
    # A search that never comes to the interesting places finds nothing.
    assert {name for name in lives[0] if not any(life[name] for life in lives)} == set()


@pytest.mark.prove
@pytest.mark.django_db
@pytest.mark.parametrize("shard", range(SHARDS))
def test_inv_31_and_pool_01_hold_in_100_000_random_steps(shard):
    """`SEED=… PROVE=200` is one life again: the first of the first shard. In shards, because each leaves its undone rows behind until its end."""
    first, lives = int(os.environ.get("SEED", "1000")), int(os.environ.get("PROVE", "100000")) // STEPS_OF_A_LIFE
    for seed in range(first + shard, first + lives, SHARDS):
        live(seed)
