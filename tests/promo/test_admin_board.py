"""The stock board: what it says of pools, of what stops them, and of shoppers who were sent away."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from bonusportal.counting import kyiv_day
from bonusportal.models import DailyCount, Heartbeat
from promo.models import Code, CodeState, Demand, PanelLease, Pool, ReplenishRun, RunState
from promo.services import levels
from tests.factories import make_code, make_codes, make_issue, make_pool, make_run
from tests.staff import read, sign_in

pytestmark = pytest.mark.django_db
WATCHER = ["promo.view_pool", "promo.view_code", "promo.view_replenishrun"]


@pytest.fixture(autouse=True)
def _no_seeded_pools(settings) -> None:
    ReplenishRun.objects.all().delete()
    Pool.objects.all().delete()
    settings.PANEL_URL, settings.PANEL_USERNAME, settings.PANEL_PASSWORD = "http://panel.test/", "robot", "secret"


def everything_lives() -> None:
    for name in ("worker", "browser", "beat"):
        Heartbeat.objects.update_or_create(name=name, defaults={"seen_at": timezone.now()})


def test_pools_in_need_come_first(client):
    make_codes(make_pool(100), 9)
    make_codes(make_pool(200), 3)
    make_pool(300)
    amounts = re.findall(r"(\d+) UAH (\d+) of 10", read(sign_in(client, *WATCHER)))
    assert amounts == [("300", "0"), ("200", "3"), ("100", "9")]


def test_a_pool_says_what_is_left_how_low_that_is_and_what_was_issued_today(client):
    pool = make_pool(200)
    make_codes(pool, 2)
    for _ in range(4):
        make_issue(make_code(pool, CodeState.ISSUED), issued_at=timezone.now())
    make_issue(make_code(pool, CodeState.ISSUED), issued_at=timezone.now() - dt.timedelta(days=3))
    run = make_run(pool, RunState.FAILED, reason="layout", requested_at=timezone.now() - dt.timedelta(hours=2))
    text = read(sign_in(client, *WATCHER))
    assert "200 UAH 2 of 10 low 4" in text
    # Two left at five in seven days.
    assert "3 days" in text
    assert "failed 2 hours ago" in text
    assert f"/admin/promo/replenishrun/{run.pk}/change/" in client.get("/admin/").content.decode()


def test_an_empty_portal_invites_to_make_the_first_pool(client):
    text = read(sign_in(client, *WATCHER, "promo.add_pool"))
    assert "There are no pools yet." in text
    assert "Make the first pool" in text


def test_two_thousand_pools_are_paged_in_a_fixed_number_of_queries(client, django_assert_max_num_queries):
    Pool.objects.bulk_create([Pool(amount_uah=n, low_water=3, target=10) for n in range(1, 2001)])
    Code.objects.bulk_create(
        [
            Code(
                code=f"BON{p.amount_uah}QUERY",
                pool=p,
                state="available",
                changed_at=timezone.now(),
                created_at=timezone.now(),
            )
            for p in Pool.objects.all()
        ]
    )
    sign_in(client, *WATCHER)
    client.get("/admin/")
    with django_assert_max_num_queries(24):
        text = read(client, "/admin/?page=40")
    assert "1,951 UAH" in text
    assert "2,000 UAH" in text
    assert "1,950 UAH" not in text


def test_the_board_can_be_narrowed_to_pools_in_need_and_to_one_amount(client):
    make_codes(make_pool(100), 9)
    make_pool(300)
    sign_in(client, *WATCHER)
    assert "100 UAH" not in read(client, "/admin/?show=low")
    only = read(client, "/admin/?amount=100")
    assert "100 UAH" in only
    assert "300 UAH" not in only
    assert "There is no pool of this amount here." in read(client, "/admin/?amount=77")


def test_without_a_worker_the_board_says_that_nothing_refills(client):
    text = read(sign_in(client, *WATCHER))
    assert "No worker is running: pools do not refill" in text


def test_a_worker_that_fell_silent_counts_as_none(client):
    everything_lives()
    Heartbeat.objects.filter(name="worker").update(seen_at=timezone.now() - dt.timedelta(minutes=5))
    text = read(sign_in(client, *WATCHER))
    assert "No worker is running" in text
    assert "Last seen: 5 minutes ago." in text


def test_a_missing_browser_worker_is_named_for_what_it_is(client):
    everything_lives()
    Heartbeat.objects.filter(name="browser").delete()
    text = read(sign_in(client, *WATCHER))
    assert "No browser worker is running: pools do not refill." in text
    assert "No worker is running" not in text


def test_a_missing_worker_beside_a_living_browser_does_not_say_that_nothing_refills(client):
    everything_lives()
    Heartbeat.objects.filter(name="worker").delete()
    text = read(sign_in(client, *WATCHER))
    assert "No worker is running: nothing is swept up" in text
    assert "refill" not in text.split("No worker is running")[1][:100]


def test_pools_below_the_floor_of_strength_are_warned_about_weakest_first(client):
    everything_lives()
    weak, weakest, strong, unused = make_pool(100), make_pool(1000), make_pool(200), make_pool(300, is_active=False)
    make_code(weak, code="BON100ABCD")
    make_code(weakest, code="BON1000ABC")
    make_code(strong, code="BON20023456789AB")
    make_code(unused, code="BON300A")
    text = read(sign_in(client, *WATCHER))
    assert "2 pools hold codes that are too easy to guess." in text
    # 31³ strings, one code and the guesser's own luck: at 30 a minute from one address half a day, and half of that on average.
    assert (
        "Weakest: 1000 UAH: 14.9 bits, one hit in about 14,896 guesses, 8 hours for one address at 30 a minute." in text
    )
    assert "1,000 UAH · 100 UAH" in text


def test_a_pool_that_is_strong_enough_for_its_floor_is_not_warned_about(client, settings):
    everything_lives()
    make_code(make_pool(1000), code="BON1000ABC")
    settings.STRENGTH_FLOOR = 14_895
    assert "easy to guess" not in read(sign_in(client, *WATCHER))
    settings.STRENGTH_FLOOR = 14_896
    assert "1 pool holds codes that are too easy to guess." in read(client)


def test_the_page_of_a_pool_says_how_strong_its_codes_are(client):
    weak, strong = make_pool(1000), make_pool(200)
    make_code(weak, code="BON1000ABC")
    make_code(strong, code="BON20023456789AB")
    sign_in(client, *WATCHER)
    page = read(client, f"/admin/promo/pool/{weak.pk}/change/")
    assert "The codes of this pool are too easy to guess. 1000 UAH: 14.9 bits" in page
    page = read(client, f"/admin/promo/pool/{strong.pk}/change/")
    assert "49.5 bits, one hit in about 4.1 · 10¹⁴ guesses, 2.6 · 10⁷ years" in page
    assert "easy to guess" not in page


def test_a_board_over_a_long_journal_counts_days_in_one_query(client, django_assert_num_queries):
    pool = make_pool(200)
    now = timezone.now()
    for days in (0, 0, 1, 13, 14):
        make_issue(make_code(pool, CodeState.ISSUED), issued_at=now - dt.timedelta(days=days))
    with django_assert_num_queries(4):
        [state] = levels.board(now=now)
    assert state.issued_by_day == [1, *[0] * 11, 1, 2]


def test_with_everything_alive_there_is_no_banner(client):
    everything_lives()
    text = read(sign_in(client, *WATCHER))
    for alarm in ("No worker", "scheduler", "blocked", "No panel", "broker"):
        assert alarm not in text


def test_a_missing_scheduler_is_told_by_itself(client):
    everything_lives()
    Heartbeat.objects.filter(name="beat").delete()
    text = read(sign_in(client, *WATCHER))
    assert "The scheduler is not running" in text
    assert "No worker" not in text


def test_a_portal_without_a_panel_says_so(client, settings):
    everything_lives()
    settings.PANEL_PASSWORD = ""
    assert "No panel is configured: pools cannot refill." in read(sign_in(client, *WATCHER))


def test_a_blocked_panel_says_why_and_what_to_do(client):
    PanelLease.objects.update_or_create(pk=1, defaults={"blocked_reason": "captcha", "blocked_at": timezone.now()})
    text = read(sign_in(client, *WATCHER, "promo.manage_pools"))
    assert "The panel is blocked: nobody signs in." in text
    assert "Sign in to the panel once by hand, then let the runs go on." in text
    assert "Go on" in text


def test_whoever_may_not_manage_sees_no_button(client):
    make_pool(100)
    PanelLease.objects.update_or_create(pk=1, defaults={"blocked_reason": "captcha", "blocked_at": timezone.now()})
    text = read(sign_in(client, *WATCHER))
    assert "The panel is blocked" in text
    assert "Go on" not in text
    assert "Refill now" not in text


def test_amounts_without_a_pool_are_offered_as_new_ones(client):
    make_pool(200)
    today = kyiv_day(timezone.now())
    Demand.objects.create(amount_uah=500, day=today, misses=3)
    Demand.objects.create(amount_uah=500, day=today - dt.timedelta(days=2), misses=4)
    Demand.objects.create(amount_uah=200, day=today, misses=90)
    Demand.objects.create(amount_uah=900, day=today - dt.timedelta(days=30), misses=50)
    text = read(sign_in(client, *WATCHER, "promo.add_pool"))
    # What has no pool comes first, however often the others were asked for; a month ago is forgotten.
    assert "500 UAH 7 no pool: make one 200 UAH 90 was empty" in text
    assert "900" not in text
    assert "/admin/promo/pool/add/?amount_uah=500" in client.get("/admin/").content.decode()


def test_refusals_of_today_are_counted_and_alarms_stand_on_top(client):
    today = kyiv_day(timezone.now())
    DailyCount.objects.create(day=today, name="refused.rate.get_code_address", count=41)
    DailyCount.objects.create(day=today, name="alarm.daily_cap", count=1)
    DailyCount.objects.create(day=today, name="run.failed.slow", count=2)
    DailyCount.objects.create(day=today, name="run.failed.layout", count=3)
    DailyCount.objects.create(day=today - dt.timedelta(days=1), name="nudge.lost", count=7)
    text = read(sign_in(client, *WATCHER))
    assert "daily cap reached 1 too many requests from one address 41 runs that failed 5" in text
    assert "message to the worker lost" not in text


def test_a_pool_that_is_not_in_use_stands_last_and_has_no_button(client):
    make_pool(300, is_active=False)
    make_codes(make_pool(100), 9)
    text = read(sign_in(client, *WATCHER, "promo.manage_pools"))
    assert text.index("100 UAH") < text.index("300 UAH")
    assert "not in use" in text
    assert text.count("Refill now") == 1


def test_staff_without_view_pool_get_a_page_without_figures(client):
    make_codes(make_pool(100), 9)
    text = read(sign_in(client))
    assert "You don’t have permission" in text
    assert "100 UAH" not in text


def test_a_visitor_is_sent_to_sign_in(client):
    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
