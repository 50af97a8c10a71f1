"""Journals as files: what is in them, who may take them, and what a crash leaves."""

import csv
import datetime as dt
import io

import pytest
from django.core.files.storage import InMemoryStorage, default_storage

from promo.errors import ExportInvalid
from promo.models.exports import Export
from promo.services import exporting, issuing
from tests.factories import make_code, make_pool
from tests.staff import read, sign_in

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 14, 22, 30, tzinfo=dt.UTC)  # 00:30 of the 15th in Kyiv
DAY = dt.date(2026, 3, 15)


@pytest.fixture(autouse=True)
def storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return default_storage


def make_issue(*, now=NOW, phone="+380000000001", order="=1+1"):
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100SECRET1")
    issuing.issue_code(amount_uah=1100, channel="drop_in", now=now, phone=phone, order_number=order)


def export(**what):
    asked = {
        "kind": "issues",
        "first_day": None,
        "last_day": None,
        "shows_codes": False,
        "actor": "olena",
        "reason": "audit",
        **what,
    }
    made = exporting.request_export(**asked, now=NOW)
    assert exporting.write_waiting(now=NOW) == 1
    made.refresh_from_db()
    with default_storage.open(made.file) as file:
        return made, list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))


def test_codes_and_phones_are_masked_unless_asked_for():
    make_issue()
    made, (row,) = export()
    assert (made.state, made.row_count, made.actor, made.reason) == ("done", 1, "olena", "audit")
    assert (row["code"], row["phone"], row["issued_at"]) == ("BON1100••••", "38000•••••01", "2026-03-15 00:30:00+02:00")
    _, (whole,) = export(shows_codes=True)
    assert (whole["code"], whole["phone"]) == ("BON1100SECRET1", "380000000001")


def test_a_spreadsheet_finds_no_formula():
    make_issue(order="=HYPERLINK(1)")
    _, (row,) = export()
    assert row["order_number"] == "'=HYPERLINK(1)"


def test_the_days_are_kyivs_and_both_included():
    make_issue()
    assert len(export(first_day=DAY, last_day=DAY)[1]) == 1
    assert export(first_day=DAY + dt.timedelta(days=1))[1] == []
    assert export(last_day=DAY - dt.timedelta(days=1))[1] == []
    with pytest.raises(ExportInvalid):
        export(first_day=DAY, last_day=DAY - dt.timedelta(days=1))


def test_rows_come_in_slices_and_each_once(monkeypatch):
    monkeypatch.setattr(exporting, "SLICE", 2)
    pool = make_pool(amount_uah=1100)
    for number in range(5):
        make_code(pool, code=f"BON1100N{number}")
    _, rows = export(kind="codes", shows_codes=True)
    assert [row["code"] for row in rows] == [f"BON1100N{number}" for number in range(5)]


class FullDisk(InMemoryStorage):
    def _save(self, name, content):
        raise OSError("no space left")


def test_a_storage_that_fails_is_tried_three_times_and_then_named(settings):
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "tests.promo.test_exporting.FullDisk"}}
    made = exporting.request_export(
        kind="issues", first_day=None, last_day=None, shows_codes=False, actor="a", reason="r", now=NOW
    )
    for _ in range(exporting.MAX_ATTEMPTS):
        with pytest.raises(OSError, match="no space"):
            exporting.write_waiting(now=NOW)
    assert exporting.write_waiting(now=NOW) == 0
    made.refresh_from_db()
    assert (made.state, made.trouble) == ("failed", "interrupted three times")


def test_the_file_is_gone_after_a_day_and_its_row_stays():
    made, _ = export()
    assert exporting.forget_old_exports(now=NOW + dt.timedelta(hours=23)) == 0
    assert exporting.forget_old_exports(now=NOW + dt.timedelta(hours=25)) == 1
    assert not default_storage.exists(made.file)
    assert Export.objects.get(pk=made.pk).state == "forgotten"


LIST, NEW = "/admin/promo/export/", "/admin/promo/export/new/"
ASKED = {"kind": "issues", "reason": "the accountant asked"}


def test_a_member_of_staff_asks_for_a_file_and_takes_it(client):
    make_issue()
    sign_in(client, "promo.view_export", "promo.make_export")
    client.post(NEW, ASKED)
    exporting.write_waiting(now=NOW)
    page, made = read(client, LIST), Export.objects.get()
    assert "ready" in page
    answer = client.get(f"/admin/promo/export/{made.pk}/take/")
    assert b"BON1100" in answer.getvalue()
    assert answer["Content-Disposition"] == f'attachment; filename="issues-{made.pk}.csv"'


def test_whole_codes_need_the_right_to_reveal_them_on_both_ways(client):
    sign_in(client, "promo.view_export", "promo.make_export")
    assert client.post(NEW, {**ASKED, "shows_codes": "on"}).status_code == 403
    assert not Export.objects.exists()
    made, _ = export(shows_codes=True)
    assert client.get(f"/admin/promo/export/{made.pk}/take/").status_code == 403
    sign_in(client, "promo.make_export", "promo.reveal_code")
    assert client.get(f"/admin/promo/export/{made.pk}/take/").status_code == 200


def test_without_the_right_there_is_no_file_and_no_form(client):
    made, _ = export()
    sign_in(client, "promo.view_export")
    assert client.get(NEW).status_code == 403
    assert client.get(f"/admin/promo/export/{made.pk}/take/").status_code == 403
