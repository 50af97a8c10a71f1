"""Codes on staff pages: masked everywhere, one shown in full only to whom may see it, after a reason, and never in an address."""

import datetime as dt

import pytest
from django.utils import timezone

from promo.models import Code, CodeEvent, CodeState
from tests.factories import make_code, make_issue, make_lot, make_pool, make_run, make_staff
from tests.staff import messages_of, read, sign_in, text_of

pytestmark = pytest.mark.django_db
VIEW, MANAGE, REVEAL = "promo.view_code", "promo.manage_pools", "promo.reveal_code"
STRING = "BON100ABCDEFGHJK"


@pytest.fixture
def code() -> Code:
    return make_code(make_pool(100), CodeState.ISSUED, code=STRING)


def page_of(code: Code, what: str = "change") -> str:
    return f"/admin/promo/code/{code.pk}/{what}/"


def test_a_list_shows_no_code_in_full(client, code):
    text = read(sign_in(client, VIEW), "/admin/promo/code/")
    assert f"BON100•••• №{code.pk}" in text
    assert "100 UAH" in text
    assert "ABCDEFGHJK" not in client.get("/admin/promo/code/").content.decode()


def test_the_page_of_a_code_shows_it_masked_even_to_a_superuser(client, code):
    client.force_login(make_staff(is_superuser=True))
    page = client.get(page_of(code)).content.decode()
    assert "BON100••••" in page
    assert "ABCDEFGHJK" not in page


def test_a_list_never_counts_the_codes(client, code, django_assert_max_num_queries):
    sign_in(client, VIEW)
    with django_assert_max_num_queries(12) as captured:
        client.get("/admin/promo/code/?state__exact=issued")
    assert [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()] == []


def test_pages_far_behind_are_not_walked_to(client, code, django_assert_max_num_queries):
    sign_in(client, VIEW)
    with django_assert_max_num_queries(8):
        answer = client.get("/admin/promo/code/?p=90000&amount=100")
    assert answer.status_code == 302
    assert answer["Location"] == "?p=200&amount=100"


def test_the_list_can_be_narrowed_by_state_and_by_amount(client, code):
    other = make_code(make_pool(200), CodeState.FOREIGN)
    sign_in(client, VIEW)
    assert f"№{other.pk}" in read(client, "/admin/promo/code/?state__exact=foreign")
    assert f"№{code.pk}" not in read(client, "/admin/promo/code/?state__exact=foreign")
    assert f"№{code.pk}" in read(client, "/admin/promo/code/?amount=100")
    assert f"№{other.pk}" not in read(client, "/admin/promo/code/?amount=100")
    assert f"№{code.pk}" not in read(client, "/admin/promo/code/?amount=１００")


@pytest.mark.parametrize("typed", [STRING, STRING.lower(), f"  {STRING} "])
def test_a_full_code_leads_to_its_page(client, code, typed):
    answer = sign_in(client, VIEW).post("/admin/promo/code/find/", {"what": typed})
    assert answer.status_code == 302
    assert answer["Location"] == page_of(code)


@pytest.mark.parametrize("typed", [STRING[:-1], "BON100", "ABCDEF", "%", "BON100%"])
def test_a_part_of_a_code_finds_nothing(client, code, typed):
    answer = sign_in(client, VIEW, "promo.view_issue").post("/admin/promo/code/find/", {"what": typed})
    assert "Nothing was found." in text_of(answer)
    assert f"№{code.pk}" not in text_of(answer)


def test_the_address_of_a_list_finds_by_full_code_only_and_forgets_it(client, code):
    sign_in(client, VIEW)
    assert client.get("/admin/promo/code/", {"q": STRING})["Location"] == page_of(code)
    assert client.get("/admin/promo/code/", {"q": STRING[:-1]})["Location"] == "/admin/promo/code/find/"


def test_a_phone_finds_what_its_owner_was_given(client, code):
    mine = make_issue(code, phone="+380671234567", order_number="A-17")
    other = make_issue(make_code(code.pool, CodeState.ISSUED), phone="+380671234568")
    text = text_of(sign_in(client, VIEW, "promo.view_issue").post("/admin/promo/code/find/", {"what": "067 123 45 67"}))
    assert f"BON100•••• №{mine.code_id}" in text
    assert "+38067•••••67" in text
    assert "A-17" in text
    assert "1234567" not in text
    assert f"№{other.code_id}" not in text


def test_an_order_finds_what_was_given_for_it(client, code):
    make_issue(code, order_number="A-17")
    assert f"№{code.pk}" in text_of(
        sign_in(client, VIEW, "promo.view_issue").post("/admin/promo/code/find/", {"what": "A-17"})
    )


def test_phones_are_searched_only_by_those_who_may_see_issues(client, code):
    make_issue(code, phone="+380671234567")
    text = text_of(sign_in(client, VIEW).post("/admin/promo/code/find/", {"what": "0671234567"}))
    assert f"№{code.pk}" not in text


def test_finding_needs_view_code(client, code):
    assert sign_in(client, "promo.view_pool").post("/admin/promo/code/find/", {"what": STRING}).status_code == 403


def test_the_page_tells_the_life_of_a_code(client):
    run = make_run(make_pool(100))
    lot = make_lot("refill", run=run, actor="portal")
    start = timezone.now() - dt.timedelta(days=3)
    code = make_code(run.pool, CodeState.WITHDRAWN, lot=lot, created_at=start)
    make_issue(
        code,
        issued_at=start + dt.timedelta(days=1),
        phone="+380671234567",
        order_number="A-17",
        caller_address="203.0.113.7",
    )
    CodeEvent.objects.create(
        code=code,
        from_state="planned",
        to_state="available",
        actor="portal",
        reason="read back from the panel",
        at=start + dt.timedelta(hours=1),
    )
    CodeEvent.objects.create(
        code=code,
        from_state="issued",
        to_state="withdrawn",
        actor="taras",
        reason="order cancelled",
        at=start + dt.timedelta(days=2),
    )
    text = read(sign_in(client, VIEW, "promo.view_replenishrun"), page_of(code))
    life = ["Became known · made in the panel", f"run №{run.pk}", "Planned → available · read back from the panel", "Handed out · get-code",
            "+38067•••••67", "A-17", "203.0.113.7", "Issued → withdrawn · order cancelled", "taras"]  # fmt: skip
    places = [text.index(part) for part in life]
    assert places == sorted(places)
    assert f'href="/admin/promo/replenishrun/{run.pk}/change/"' in client.get(page_of(code)).content.decode()


def test_a_run_is_no_link_for_those_who_may_not_see_runs(client):
    code = make_code(make_pool(100), run=make_run(make_pool(100)))
    page = sign_in(client, VIEW).get(page_of(code)).content.decode()
    assert "/admin/promo/replenishrun/" not in page


def test_revealing_asks_why_then_shows_and_records_it(client, code):
    sign_in(client, VIEW, REVEAL)
    assert STRING not in client.get(page_of(code, "reveal")).content.decode()
    answer = client.post(page_of(code, "reveal"), {"reason": "the shopper reads it out"})
    assert STRING in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    event = CodeEvent.objects.get(code=code)
    assert event.actor == answer.wsgi_request.user.get_username()
    assert "the shopper reads it out" in event.reason
    assert timezone.now() - event.at < dt.timedelta(minutes=1)
    assert "Shown in full · the shopper reads it out" in read(client, page_of(code))


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_revealed(client, code, reason):
    answer = sign_in(client, VIEW, REVEAL).post(page_of(code, "reveal"), {"reason": reason})
    assert STRING not in answer.content.decode()
    assert not CodeEvent.objects.exists()


def test_looking_at_the_question_records_nothing(client, code):
    sign_in(client, VIEW, REVEAL).get(page_of(code, "reveal") + "?reason=because")
    assert not CodeEvent.objects.exists()


@pytest.mark.parametrize("permissions", [(VIEW,), (VIEW, MANAGE), (REVEAL,)])
def test_nobody_else_may_reveal(client, code, permissions):
    answer = sign_in(client, *permissions).post(page_of(code, "reveal"), {"reason": "curious"})
    assert answer.status_code == 403
    assert not CodeEvent.objects.exists()
    assert "Show the full code" not in text_of(client.get(page_of(code)))


def test_withdrawing_takes_a_code_out_of_use_with_name_and_reason(client, code):
    answer = sign_in(client, VIEW, MANAGE).post(page_of(code, "withdraw"), {"reason": "order cancelled"})
    assert answer["Location"] == page_of(code)
    assert messages_of(answer) == ["The code is withdrawn."]
    code.refresh_from_db()
    assert (code.state, code.reason) == (CodeState.WITHDRAWN, "order cancelled")
    event = CodeEvent.objects.get(code=code)
    assert (event.from_state, event.to_state, event.reason) == ("issued", "withdrawn", "order cancelled")
    assert event.actor == answer.wsgi_request.user.get_username()


def test_voiding_kills_a_code_that_was_never_handed_out(client):
    code = make_code(make_pool(100))
    sign_in(client, VIEW, MANAGE).post(page_of(code, "void"), {"reason": "printed by mistake"})
    code.refresh_from_db()
    assert (code.state, code.reason) == (CodeState.VOID, "printed by mistake")


def test_adopting_takes_a_foreign_code_into_its_pool(client):
    code = make_code(make_pool(100), CodeState.FOREIGN)
    answer = sign_in(client, VIEW, MANAGE).post(page_of(code, "adopt"), {"reason": "made by hand on Monday"})
    assert messages_of(answer) == ["The code has joined its pool."]
    code.refresh_from_db()
    assert code.state == CodeState.AVAILABLE
    assert code.lot is not None
    assert code.lot.reason == "made by hand on Monday"


@pytest.mark.parametrize("deed", ["withdraw", "void", "adopt"])
@pytest.mark.parametrize("permissions", [(VIEW, REVEAL), (MANAGE,)])
def test_deeds_need_manage_pools_and_view_code(client, deed, permissions):
    code = make_code(make_pool(100), CodeState.FOREIGN if deed == "adopt" else CodeState.AVAILABLE)
    answer = sign_in(client, *permissions).post(page_of(code, deed), {"reason": "because"})
    assert answer.status_code == 403
    before = code.state
    code.refresh_from_db()
    assert code.state == before
    assert not CodeEvent.objects.exists()


@pytest.mark.parametrize("deed", ["withdraw", "void", "adopt"])
def test_a_deed_without_a_reason_changes_nothing(client, deed):
    code = make_code(make_pool(100), CodeState.FOREIGN if deed == "adopt" else CodeState.AVAILABLE)
    sign_in(client, VIEW, MANAGE).post(page_of(code, deed), {"reason": " "})
    before = code.state
    code.refresh_from_db()
    assert code.state == before


def test_a_deed_that_is_not_possible_any_more_says_so(client, code):
    Code.objects.filter(pk=code.pk).update(state=CodeState.REDEEMED)
    answer = sign_in(client, VIEW, MANAGE).post(page_of(code, "withdraw"), {"reason": "too late"})
    assert len(messages_of(answer)) == 1
    assert "Nothing changed" in messages_of(answer)[0]
    code.refresh_from_db()
    assert code.state == CodeState.REDEEMED


@pytest.mark.parametrize(
    ("state", "deeds"),
    [
        (CodeState.AVAILABLE, ["Withdraw", "Void"]),
        (CodeState.ISSUED, ["Withdraw"]),
        (CodeState.WITHDRAWN, ["Void"]),
        (CodeState.FOREIGN, ["Void", "Adopt"]),
        (CodeState.REDEEMED, []),
        (CodeState.VOID, []),
    ],
)
def test_a_page_offers_what_its_state_allows(client, state, deeds):
    code = make_code(make_pool(100), state)
    page = sign_in(client, VIEW, MANAGE).get(page_of(code)).content.decode()
    offered = [deed.capitalize() for deed in ("withdraw", "void", "adopt") if f"/code/{code.pk}/{deed}/" in page]
    assert offered == deeds


@pytest.mark.parametrize("address", ["/admin/promo/code/add/", "/admin/promo/code/{}/delete/"])
def test_codes_are_neither_added_nor_deleted_by_hand(client, code, address):
    client.force_login(make_staff(is_superuser=True))
    assert client.post(address.format(code.pk), {"post": "yes", "code": "BON1"}).status_code == 403
    assert Code.objects.count() == 1


def test_posting_to_the_page_of_a_code_changes_nothing(client, code):
    client.force_login(make_staff(is_superuser=True))
    client.post(page_of(code), {"state": "available", "code": "BON100STOLEN"})
    code.refresh_from_db()
    assert (code.state, code.code) == (CodeState.ISSUED, STRING)


def test_an_unknown_code_is_not_found(client):
    assert sign_in(client, VIEW, MANAGE, REVEAL).get("/admin/promo/code/999999/reveal/").status_code == 404
