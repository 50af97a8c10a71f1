"""kill -9 in the middle of a refill, with real processes: the next worker finishes, no code is lost, none is made twice."""

import os
import signal

import pytest

from tests.flows.world import World, around_database, running_world, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]
MADE = "SELECT count(*) FROM promo_code WHERE state = 'available'"


@pytest.fixture(scope="module")
def world(tmp_path_factory, chromium_path):
    folder = tmp_path_factory.mktemp("crashes")
    with running_world(
        around=around_database(), folder=folder, chromium=chromium_path, name="flow_crashes", parts=("web",)
    ) as world:
        world.execute("UPDATE promo_pool SET is_active = (amount_uah = 100)")
        yield world


def kill(world: World, name: str) -> None:
    child = world.children.pop(name)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def let_the_lease_lapse(world: World) -> None:
    """What two minutes would do."""
    world.execute("UPDATE promo_panellease SET lapses_at = now() - interval '1 second'")


@pytest.mark.parametrize("codes_before_death", [1, 3, 6])
def test_a_worker_killed_in_the_middle_of_a_refill_is_continued_by_the_next(world: World, codes_before_death: int):
    if codes_before_death == 1:
        world.start("worker")
    world.start("browser")
    wait_for(lambda: int(str(world.value(MADE))) >= codes_before_death, what=f"{codes_before_death} codes")
    kill(world, "browser")
    let_the_lease_lapse(world)
    typed = [code.code for code in world.state.codes(origin="form")]
    known = {str(code) for (code,) in world.rows("SELECT code FROM promo_code")}
    assert set(typed) <= known, "something was typed that was not planned first"
    assert len(typed) == len(set(typed))


def test_after_the_deaths_the_pool_is_full_and_the_panel_holds_exactly_its_codes(world: World):
    world.start("browser")
    wait_for(lambda: world.value(MADE) == 10, what="a full pool")
    wait_for(
        lambda: world.value("SELECT count(*) FROM promo_replenishrun WHERE state IN ('requested', 'leased')") == 0,
        what="the end of the run",
    )
    typed = sorted(code.code for code in world.state.codes(origin="form"))
    available = sorted(str(code) for (code,) in world.rows("SELECT code FROM promo_code WHERE state = 'available'"))
    assert typed == available
    assert world.value("SELECT count(*) FROM promo_code WHERE state = 'planned'") == 0


def test_two_workers_never_sit_at_the_panel_at_once(world: World):
    world.execute("UPDATE promo_pool SET is_active = (amount_uah IN (100, 200))")
    world.start("browser-2")
    logins = world.state.counters["login"]
    world.manage("generate_codes", "200", "--target", "5", "--yes")
    wait_for(
        lambda: (
            world.value(
                "SELECT count(*) FROM promo_code c JOIN promo_pool p ON p.id = c.pool_id WHERE p.amount_uah = 200 AND c.state = 'available'"
            )
            == 5
        ),
        what="five codes",
    )
    wait_for(
        lambda: world.value("SELECT count(*) FROM promo_replenishrun WHERE state IN ('requested', 'leased')") == 0,
        what="the end of the run",
    )
    typed = [code.code for code in world.state.codes(origin="form")]
    assert len(typed) == len(set(typed)) == 15
    assert world.state.counters["login"] <= logins + 1
