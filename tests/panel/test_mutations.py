"""Random mutations of the panel: a few here, two hundred in `make prove` (a failing seed is in the message: `make prove K='mutation and [17]'`)."""

import pytest

from tests.panel.mutations import Story

HERE = [3, 12]


def play(seed, panel, browser_thread):
    Story(seed=seed, panel=panel, browser=browser_thread).play()


@pytest.mark.django_db
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", HERE)
def test_a_few_mutations_with_dying_workers_lose_nothing(seed, panel, browser_thread):
    play(seed, panel, browser_thread)


@pytest.mark.prove
@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(200))
def test_every_mutation_with_dying_workers_loses_nothing(seed, panel, browser_thread):
    play(seed, panel, browser_thread)
