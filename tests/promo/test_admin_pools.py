"""Pools on staff pages: settings with history, and what a person may ask for."""

import pytest
from django.utils import timezone

from promo.models import Code, CodeState, Lot, PanelLease, Pool, ReplenishRun, RunState
from tests.factories import make_code, make_pool, make_run
from tests.staff import messages_of, read, sign_in, text_of

pytestmark = pytest.mark.django_db
VIEW, CHANGE, MANAGE = "promo.view_pool", "promo.change_pool", "promo.manage_pools"
GOOD = {"is_active": "on", "low_water": "5", "target": "20", "adopt": "ask", "daily_cap": ""}


@pytest.fixture
def pool() -> Pool:
    return make_pool(700)


def page_of(pool: Pool) -> str:
    return f"/admin/promo/pool/{pool.pk}/change/"


def test_refill_now_requests_a_run_in_the_name_of_whoever_asks(client, pool):
    answer = sign_in(client, VIEW, MANAGE).post(f"/admin/promo/pool/{pool.pk}/request/", {"kind": "refill"})
    assert answer["Location"] == "/admin/"
    assert messages_of(answer) == ["1 run was requested."]
    run = ReplenishRun.objects.get(pool=pool)
    assert (run.kind, run.state, run.trigger) == ("refill", RunState.REQUESTED, "staff")
    assert run.requested_by == answer.wsgi_request.user.get_username()


def test_a_look_is_another_kind_of_run(client, pool):
    sign_in(client, VIEW, MANAGE).post(f"/admin/promo/pool/{pool.pk}/request/", {"kind": "look"})
    assert ReplenishRun.objects.get(pool=pool).kind == "look"


def test_a_kind_that_is_not_offered_becomes_a_refill(client, pool):
    sign_in(client, VIEW, MANAGE).post(f"/admin/promo/pool/{pool.pk}/request/", {"kind": "retire"})
    assert ReplenishRun.objects.get(pool=pool).kind == "refill"


def test_asking_twice_requests_once_and_says_so(client, pool):
    sign_in(client, VIEW, MANAGE).post(f"/admin/promo/pool/{pool.pk}/request/")
    answer = client.post(f"/admin/promo/pool/{pool.pk}/request/")
    assert "has an open run already" in messages_of(answer)[-1]
    assert ReplenishRun.objects.filter(pool=pool).count() == 1


def test_a_link_requests_nothing(client, pool):
    assert sign_in(client, VIEW, MANAGE).get(f"/admin/promo/pool/{pool.pk}/request/").status_code == 405
    assert not ReplenishRun.objects.exists()


def test_requesting_needs_manage_pools(client, pool):
    assert sign_in(client, VIEW, CHANGE).post(f"/admin/promo/pool/{pool.pk}/request/").status_code == 403
    assert not ReplenishRun.objects.exists()


def test_a_request_goes_back_to_where_it_came_from_but_never_away(client, pool):
    sign_in(client, VIEW, MANAGE)
    address = f"/admin/promo/pool/{pool.pk}/request/"
    assert client.post(address, {"next": "/admin/?show=low"})["Location"] == "/admin/?show=low"
    assert client.post(address, {"next": "https://elsewhere.example/"})["Location"] == "/admin/"


def test_several_pools_are_refilled_from_the_list(client, pool):
    other = make_pool(800)
    resting = make_pool(900)
    make_run(resting, RunState.REQUESTED)
    answer = sign_in(client, VIEW, MANAGE).post(
        "/admin/promo/pool/", {"action": "refill_now", "_selected_action": [pool.pk, other.pk, resting.pk]}
    )
    assert messages_of(answer)[0] == "2 runs were requested."
    assert "1 pool has an open run already" in messages_of(answer)[1]
    assert set(ReplenishRun.objects.values_list("pool__amount_uah", flat=True)) == {700, 800, 900}


def test_the_list_offers_no_action_without_manage_pools(client, pool):
    sign_in(client, VIEW).post("/admin/promo/pool/", {"action": "refill_now", "_selected_action": [pool.pk]})
    assert not ReplenishRun.objects.exists()


def test_going_on_unblocks_the_panel_and_wakes_the_waiting_runs(client, pool):
    PanelLease.objects.update_or_create(pk=1, defaults={"blocked_reason": "captcha", "blocked_at": timezone.now()})
    run = make_run(pool, RunState.NEEDS_PERSON, reason="captcha")
    answer = sign_in(client, VIEW, MANAGE).post("/admin/promo/pool/go-on/")
    assert messages_of(answer) == ["The panel goes on; 1 run was waiting."]
    run.refresh_from_db()
    assert run.state == RunState.REQUESTED
    assert PanelLease.objects.get().blocked_reason == ""


def test_going_on_needs_manage_pools_and_a_post(client):
    PanelLease.objects.update_or_create(pk=1, defaults={"blocked_reason": "captcha", "blocked_at": timezone.now()})
    assert sign_in(client, VIEW, CHANGE).post("/admin/promo/pool/go-on/").status_code == 403
    assert sign_in(client, VIEW, MANAGE).get("/admin/promo/pool/go-on/").status_code == 405
    assert PanelLease.objects.get().blocked_reason == "captcha"


def test_settings_are_edited_and_the_edit_is_in_the_history(client, pool):
    answer = sign_in(client, VIEW, CHANGE).post(page_of(pool), GOOD)
    assert answer.status_code == 302
    pool.refresh_from_db()
    assert (pool.low_water, pool.target, pool.adopt) == (5, 20, "ask")
    text = read(client, f"/admin/promo/pool/{pool.pk}/history/")
    assert answer.wsgi_request.user.get_username() in text
    assert "Target: 10 arrow_right_alt 20" in text
    assert "None" not in text.split("Created")[0]


def test_a_target_at_low_water_is_refused_in_words(client, pool):
    answer = sign_in(client, VIEW, CHANGE).post(page_of(pool), {**GOOD, "target": "5"})
    assert answer.status_code == 200
    assert "The target must be above low water" in text_of(answer)
    pool.refresh_from_db()
    assert pool.target == 10


def test_the_amount_of_a_pool_never_changes(client, pool):
    sign_in(client, VIEW, CHANGE).post(page_of(pool), {**GOOD, "amount_uah": "999"})
    pool.refresh_from_db()
    assert pool.amount_uah == 700


def test_settings_are_not_edited_without_change_pool(client, pool):
    assert sign_in(client, VIEW, MANAGE).post(page_of(pool), GOOD).status_code == 403
    pool.refresh_from_db()
    assert pool.target == 10


def test_a_pool_is_never_deleted(client, pool):
    answer = sign_in(client, VIEW, CHANGE, "promo.delete_pool").post(
        f"/admin/promo/pool/{pool.pk}/delete/", {"post": "yes"}
    )
    assert answer.status_code == 403
    assert Pool.objects.filter(pk=pool.pk).exists()


def test_a_new_pool_takes_the_amount_it_was_asked_for(client):
    sign_in(client, VIEW, "promo.add_pool")
    assert 'value="450"' in client.get("/admin/promo/pool/add/?amount_uah=450").content.decode()
    client.post("/admin/promo/pool/add/", {**GOOD, "amount_uah": "450"})
    assert Pool.objects.get(amount_uah=450).target == 20


def test_the_list_is_searched_by_amount(client, pool):
    make_pool(7000)
    sign_in(client, VIEW)
    text = read(client, "/admin/promo/pool/?q=700")
    assert "700 UAH" in text
    assert "7000 UAH" not in text
    assert "700 UAH" not in read(client, "/admin/promo/pool/?q=seven")


def test_the_page_shows_stock_and_last_runs(client, pool):
    make_code(pool)
    run = make_run(pool, RunState.FAILED)
    text = read(sign_in(client, VIEW, MANAGE, "promo.view_replenishrun"), page_of(pool))
    assert "1 of 10 low" in text
    assert f"№{run.pk} refill failed" in text


def test_pasted_codes_join_the_pool_with_name_and_reason(client, pool):
    sign_in(client, VIEW, MANAGE)
    address = f"/admin/promo/pool/{pool.pk}/paste/"
    answer = client.post(address, {"text": "BON700AAAAAA\nBON700BBBBBB\n", "reason": "printed cards", "take": ""})
    assert "2 codes are new." in text_of(answer)
    assert set(Code.objects.filter(pool=pool, state=CodeState.AVAILABLE).values_list("code", flat=True)) == {
        "BON700AAAAAA",
        "BON700BBBBBB",
    }
    lot = Lot.objects.get()
    assert (lot.source, lot.reason, lot.actor) == ("paste", "printed cards", answer.wsgi_request.user.get_username())
    assert "BON700AAAAAA" not in answer.content.decode()


def test_only_trying_takes_nothing_in(client, pool):
    answer = sign_in(client, VIEW, MANAGE).post(
        f"/admin/promo/pool/{pool.pk}/paste/", {"text": "BON700AAAAAA", "reason": "cards", "try": ""}
    )
    assert "This was a trial: nothing was changed." in text_of(answer)
    assert not Code.objects.exists()


def test_one_bad_line_stops_a_paste_and_is_named(client, pool):
    text = text_of(
        sign_in(client, VIEW, MANAGE).post(
            f"/admin/promo/pool/{pool.pk}/paste/", {"text": "BON700AAAAAA\n???", "reason": "cards", "take": ""}
        )
    )
    assert "Nothing was imported." in text
    assert "line 2 A code has 6 to 50 letters" in text
    assert not Code.objects.exists()


def test_bad_lines_are_left_out_when_asked(client, pool):
    sign_in(client, VIEW, MANAGE).post(
        f"/admin/promo/pool/{pool.pk}/paste/",
        {"text": "BON700AAAAAA\n???", "reason": "cards", "take": "", "skip_bad": "on"},
    )
    assert Code.objects.get().code == "BON700AAAAAA"


def test_pasting_needs_manage_pools_and_a_reason(client, pool):
    address = f"/admin/promo/pool/{pool.pk}/paste/"
    assert sign_in(client, VIEW, CHANGE).post(address, {"text": "BON700AAAAAA", "reason": "cards"}).status_code == 403
    sign_in(client, VIEW, MANAGE).post(address, {"text": "BON700AAAAAA", "reason": " "})
    assert not Code.objects.exists()
