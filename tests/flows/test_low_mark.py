"""The main journey with every process real: from the low mark to new codes in the pool and in the document, and through outages of the broker."""

import json

import pytest

from tests.flows.world import World, around_database, running_world, wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def world(tmp_path_factory, chromium_path):
    with running_world(
        around=around_database(),
        folder=tmp_path_factory.mktemp("world"),
        chromium=chromium_path,
        name="flow_low_mark",
        # One pool as large as they come is enough; a code costs the browser a second.
        prepare="UPDATE promo_pool SET target = 5 WHERE amount_uah <> 100",
    ) as world:
        yield world


def available(world: World, amount: int) -> int:
    return int(
        str(
            world.value(
                f"SELECT count(*) FROM promo_code c JOIN promo_pool p ON p.id = c.pool_id WHERE p.amount_uah = {amount} AND c.state = 'available'"
            )
        )
    )


def listed(world: World, amount: int) -> list[str]:
    path = world.folder / "mirror/promo-codes/available_codes.json"
    return json.loads(path.read_text()).get(str(amount), []) if path.exists() else []


def is_published(world: World, amount: int, *, full: int = 10) -> bool:
    """Whether the document lists exactly what the rows hold, and that is a full pool."""
    rows = world.rows(
        f"SELECT c.code FROM promo_code c JOIN promo_pool p ON p.id = c.pool_id WHERE p.amount_uah = {amount} AND c.state = 'available' ORDER BY c.place"
    )
    return len(rows) == full and [code for (code,) in rows] == listed(world, amount)


def test_an_empty_portal_fills_its_pools_through_a_real_browser_and_publishes_them(world: World):
    wait_for(lambda: [available(world, amount) for amount in (100, 200, 300)] == [10, 5, 5], what="three full pools")
    wait_for(lambda: is_published(world, 100), what="the document")
    wait_for(lambda: all(is_published(world, amount, full=5) for amount in (200, 300)), what="the document")
    assert sorted(listed(world, 100)) == sorted(
        code.code for code in world.state.codes(origin="form") if code.amount == 100
    )
    assert world.state.counters["login"] == 1
    assert int(str(world.value("SELECT count(*) FROM promo_evidence WHERE kind = 'picture'"))) > 0


def test_the_fourth_last_code_brings_new_ones_into_the_pool_and_the_document(world: World):
    handed_out = [world.get_code(100).json()["promo_code"] for _ in range(7)]
    assert len(set(handed_out)) == 7
    wait_for(lambda: available(world, 100) == 10, what="the refill")
    wait_for(lambda: is_published(world, 100), what="the document")
    assert not set(handed_out) & set(listed(world, 100))
    assert world.value("SELECT count(*) FROM promo_replenishrun WHERE trigger = 'low' AND state = 'succeeded'") == 1
    assert world.state.counters["login"] == 1, "the saved session was not used"


def test_with_redis_stopped_codes_are_still_handed_out_and_the_refill_comes_by_itself_when_it_is_back(world: World):
    world.redis.stop()
    answers = [world.get_code(200) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 2
    assert len({answer.json()["promo_code"] for answer in answers}) == 2
    assert world.value("SELECT count(*) FROM bonusportal_dailycount WHERE name = 'nudge.lost'") == 1
    assert available(world, 200) == 3
    world.redis.start()
    wait_for(lambda: available(world, 200) == 5, what="the refill after the outage")


def test_no_log_line_holds_a_whole_code(world: World):
    codes = [str(row[0]) for row in world.rows("SELECT code FROM promo_code")]
    assert len(codes) >= 29
    for part in ("web", "worker", "browser", "beat"):
        told = world.told(part)
        assert [code for code in codes if code in told] == [], part
