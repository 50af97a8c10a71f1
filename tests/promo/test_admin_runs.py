"""The page of a run tells its story; its files are opened by those who may see evidence, and by nobody else."""

import datetime as dt

import pytest
from django.core.files.storage import default_storage

from promo.models import CodeState, Evidence, ReplenishRun, RunState
from promo.models.runs import EvidenceKind
from tests.factories import NOW, make_code, make_evidence, make_pool, make_run, make_run_row, make_staff, make_step
from tests.staff import read, sign_in

pytestmark = pytest.mark.django_db
VIEW, EVIDENCE = "promo.view_replenishrun", "promo.view_evidence"
PNG = b"\x89PNG\r\n\x1a\n of a panel with live codes"


@pytest.fixture
def run() -> ReplenishRun:
    return make_run(
        make_pool(200), RunState.FAILED, reason="layout", requested_by="taras", trigger="staff", rows_read=2, codes_created=1,
        leased_at=NOW, finished_at=NOW + dt.timedelta(seconds=42),
    )  # fmt: skip


def page_of(run: ReplenishRun) -> str:
    return f"/admin/promo/replenishrun/{run.pk}/change/"


def test_a_list_shows_state_duration_and_reason(client, run):
    text = read(sign_in(client, VIEW), "/admin/promo/replenishrun/")
    assert f"№{run.pk} refill 200 UAH failed a person" in text
    assert "42 s 1 The panel's page looks different from what the profile describes" in text


def test_the_list_can_be_narrowed_by_state(client, run):
    other = make_run(run.pool, RunState.SUCCEEDED)
    text = read(sign_in(client, VIEW), "/admin/promo/replenishrun/?state__exact=succeeded")
    assert f"№{other.pk}" in text
    assert f"№{run.pk} " not in text


def test_the_page_says_what_happened_and_what_to_do(client, run):
    text = read(sign_in(client, VIEW), page_of(run))
    assert (
        "The panel's page looks different from what the profile describes. Compare the pictures and correct the profile."
        in text
    )
    assert "a person · taras" in text
    assert "took 42 s rows read 2 codes created 1" in text


def test_steps_are_told_in_order_with_their_times(client, run):
    make_step(run, "signed_in", started_at=NOW, seconds=2.25)
    make_step(
        run,
        "page_read",
        started_at=NOW + dt.timedelta(seconds=7.5),
        seconds=0.4,
        detail={"page": 1, "rows": 13, "nothing": None},
    )
    text = read(sign_in(client, VIEW), page_of(run))
    assert text.index("Signed in 14:00:00 · +0.0 · took 2.3 s") < text.index(
        "Read a page 14:00:07 · +7.5 · took 0.4 s page 1 rows 13"
    )
    assert "nothing" not in text


def test_a_failed_step_shows_the_expected_and_the_seen_side_by_side(client, run):
    make_step(
        run, "code_typed", ok=False,
        detail={"expected": {"amount": "200", "kind": "1"}, "seen": {"amount": "", "kind": "1"}, "reason": "layout", "error": "the form does not hold it"},
    )  # fmt: skip
    text = read(sign_in(client, VIEW), page_of(run))
    assert "Typed a code failed" in text
    assert "the form does not hold it" in text
    assert "Expected amount 200 kind 1 Seen amount — kind 1" in text
    page = client.get(page_of(run)).content.decode()
    assert page.count("pb-differs") == 2
    assert "To the failed step" in page


def test_a_step_that_nobody_named_is_shown_by_its_own_word(client, run):
    make_step(run, "something_new")
    assert "something_new" in read(sign_in(client, VIEW), page_of(run))


def test_rows_are_shown_with_decision_and_reason(client, run):
    make_run_row(run, decision="keep", why="ours, read back active")
    make_run_row(
        run, decision="ignore", why="another amount: 500", amount_uah=500, status="active", code=make_code(run.pool)
    )
    text = read(sign_in(client, VIEW), page_of(run))
    assert "BON200•••• 200 active — kept ours, read back active" in text
    assert "500 active — left alone another amount: 500" in text
    assert "/admin/promo/code/" not in client.get(page_of(run)).content.decode()


def test_many_rows_are_cut_until_asked_for(client, run):
    for _ in range(70):
        make_run_row(run)
    sign_in(client, VIEW)
    assert client.get(page_of(run)).content.decode().count("ours, read back active") == 60
    assert "Show all rows" in read(client, page_of(run))
    assert client.get(page_of(run) + "?rows=all").content.decode().count("ours, read back active") == 70


def test_the_page_of_a_long_run_needs_few_queries(client, run, django_assert_max_num_queries):
    for number in range(100):
        step = make_step(run, "page_read")
        make_run_row(run, code=make_code(run.pool, CodeState.ISSUED))
        Evidence.objects.create(
            run=run, step=step, kind=EvidenceKind.PICTURE, file=f"{number}", size_bytes=1, created_at=NOW
        )
    sign_in(client, VIEW, EVIDENCE, "promo.view_code")
    with django_assert_max_num_queries(20):
        client.get(page_of(run) + "?rows=all")


def test_pictures_are_shown_to_those_who_may_see_evidence(client, run):
    evidence = make_evidence(run, PNG, step=make_step(run))
    address = f"/admin/promo/replenishrun/evidence/{evidence.pk}/"
    sign_in(client, VIEW, EVIDENCE)
    assert f'src="{address}"' in client.get(page_of(run)).content.decode()
    answer = client.get(address)
    assert answer.content == PNG
    assert answer["Content-Type"] == "image/png"
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    with default_storage.open(evidence.file) as stored:
        assert PNG not in stored.read()


@pytest.mark.parametrize("permissions", [(VIEW,), (EVIDENCE,), (VIEW, "promo.manage_pools", "promo.reveal_code")])
def test_nobody_else_opens_a_picture(client, run, permissions):
    evidence = make_evidence(run, PNG, step=make_step(run))
    answer = sign_in(client, *permissions).get(f"/admin/promo/replenishrun/evidence/{evidence.pk}/")
    assert answer.status_code == 403
    assert PNG not in answer.content


def test_a_visitor_opens_no_picture(client, run):
    evidence = make_evidence(run, PNG)
    answer = client.get(f"/admin/promo/replenishrun/evidence/{evidence.pk}/")
    assert answer.status_code == 302
    assert PNG not in answer.content


def test_without_the_permission_the_page_gives_no_address_of_a_file(client, run):
    make_evidence(run, PNG, step=make_step(run))
    make_evidence(run, b"PK", EvidenceKind.TRACE)
    page = sign_in(client, VIEW).get(page_of(run)).content.decode()
    assert "/evidence/" not in page
    assert "There are pictures of this run." in page


@pytest.mark.parametrize(
    ("kind", "content_type", "suffix"),
    [(EvidenceKind.ROWS, "application/json", "json"), (EvidenceKind.TRACE, "application/zip", "zip")],
)
def test_rows_and_traces_are_saved_not_shown(client, run, kind, content_type, suffix):
    evidence = make_evidence(run, b"content", kind)
    address = f"/admin/promo/replenishrun/evidence/{evidence.pk}/"
    sign_in(client, VIEW, EVIDENCE)
    assert f'href="{address}"' in client.get(page_of(run)).content.decode()
    answer = client.get(address)
    assert answer.content == b"content"
    assert answer["Content-Type"] == content_type
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.pk}-{kind}.{suffix}"'


def test_a_file_that_was_cleared_away_is_not_found(client, run):
    evidence = make_evidence(run, PNG)
    default_storage.delete(evidence.file)
    assert sign_in(client, VIEW, EVIDENCE).get(f"/admin/promo/replenishrun/evidence/{evidence.pk}/").status_code == 404


def test_a_file_of_a_forgotten_key_is_not_found(client, run, settings):
    evidence = make_evidence(run, PNG)
    settings.FIELD_KEYS = ["nVkEtmnhTIDCAFJQ8Ki-wOyAnwPNVMdKSSB5Up8hdpY="]
    assert sign_in(client, VIEW, EVIDENCE).get(f"/admin/promo/replenishrun/evidence/{evidence.pk}/").status_code == 404


def test_runs_are_neither_added_changed_nor_deleted_by_hand(client, run):
    client.force_login(make_staff(is_superuser=True))
    assert client.get("/admin/promo/replenishrun/add/").status_code == 403
    assert client.post(f"/admin/promo/replenishrun/{run.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(page_of(run), {"state": "succeeded"})
    run.refresh_from_db()
    assert run.state == RunState.FAILED


def test_a_detail_says_only_what_the_sentence_does_not(client, run):
    ReplenishRun.objects.filter(pk=run.pk).update(
        detail="Сторінка панелі виглядає не так, як описано в профілі. Порівняйте знімки та виправте профіль. no column for amount"
    )
    text = read(sign_in(client, VIEW), page_of(run))
    assert "correct the profile. no column for amount" in text
    assert "Сторінка" not in text


def test_what_a_run_counted_is_said_in_the_readers_language(client, run):
    ReplenishRun.objects.filter(pk=run.pk).update(detail="2 codes could not be read back.")
    assert "Codes that could not be read back: 2." in read(sign_in(client, VIEW), page_of(run))
    client.cookies["portal_language"] = "uk"
    page = client.get(page_of(run)).content.decode()
    assert "Кодів, які не вдалося прочитати назад: 2." in page
    assert "read back" not in page
