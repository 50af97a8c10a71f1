"""Staff pages for the mirror's drift, ranges of amounts and panel profiles."""

import json

import pytest

from promo.adapters.bon_admin.profile import PanelProfile
from promo.adapters.mirror_store import FileMirrorStore
from promo.models import Code, Pool, ProfileVersion, ReplenishRun
from tests.factories import make_code, make_pool
from tests.staff import messages_of, read, sign_in

pytestmark = pytest.mark.django_db
MIRROR, RANGE, NEW = "/admin/promo/publication/compare/", "/admin/promo/pool/range/", "/admin/promo/profileversion/new/"


@pytest.fixture
def store(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    return FileMirrorStore(tmp_path / "mirror")


@pytest.mark.parametrize("address", [MIRROR, RANGE, NEW])
def test_only_those_who_manage_pools_may_see_it(client, store, address):
    assert sign_in(client, "promo.view_pool", "promo.view_publication").get(address).status_code == 403


def test_drift_is_shown_and_mended_after_a_preview(client, store):
    sign_in(client, "promo.manage_pools")
    pool = make_pool(amount_uah=1100)
    make_code(pool, code="BON1100OURS")
    assert "There is no document yet." in read(client, MIRROR)
    store.put("promo-codes/available_codes.json", json.dumps({"1100": ["BON1100THEIRS"]}).encode(), if_match=None)
    assert "1100 1 1" in read(client, MIRROR)
    form = {"source": "documents", "reason": "their list is right"}
    preview = client.post(MIRROR, {**form, "preview": ""}).content.decode()
    assert "It would add 1 codes, adopt 0 and withdraw 1" in preview
    assert not Code.objects.filter(code="BON1100THEIRS").exists()
    done = client.post(MIRROR, {**form, "mend": ""})
    assert messages_of(done) == ["1 codes added, 0 adopted, 1 withdrawn; 0 stayed as they were."]
    assert Code.objects.get(code="BON1100OURS").state == "withdrawn"


def test_a_reason_is_required_to_mend(client, store):
    sign_in(client, "promo.manage_pools")
    client.post(MIRROR, {"source": "rows", "reason": "", "mend": ""})
    assert store.get("promo-codes/available_codes.json") is None


def test_a_range_is_ordered_after_a_preview(client, store):
    sign_in(client, "promo.manage_pools")
    form = {"amounts": "1100-1102", "target": "10"}
    assert "Codes to make: 30" in client.post(RANGE, {**form, "preview": ""}).content.decode()
    assert not Pool.objects.filter(amount_uah=1101).exists()
    client.post(RANGE, {**form, "order": ""})
    assert ReplenishRun.objects.filter(options__target=10).count() == 3
    assert "neither an amount nor a range" in client.post(RANGE, {**form, "amounts": "x", "order": ""}).content.decode()


def test_a_profile_is_tried_saved_and_taken_back(client, store):
    sign_in(client, "promo.manage_pools", "promo.view_profileversion", "promo.view_replenishrun")
    make_pool(amount_uah=1100)
    text = json.dumps({**PanelProfile().to_dict(), "version": "spring"})
    client.post(NEW, {"text": text, "reason": "the panel changed", "try": ""})
    run = ReplenishRun.objects.get()
    assert (run.kind, run.options["profile"]["version"]) == ("try", "spring")
    assert not ProfileVersion.objects.exists()
    client.post(NEW, {"text": text, "reason": "the panel changed", "save": ""})
    version = ProfileVersion.objects.get()
    client.post(f"/admin/promo/profileversion/{version.pk}/back/", {"reason": "as it was"})
    assert list(ProfileVersion.objects.values_list("version", flat=True)) == ["spring-2", "spring"]
    assert "spring-2" in read(client, "/admin/promo/profileversion/")


def test_a_profile_that_cannot_work_is_refused_by_its_paths(client, store):
    sign_in(client, "promo.manage_pools")
    answer = client.post(NEW, {"text": '{"version": "x", "grid": {"tabel": "table"}}', "reason": "r", "save": ""})
    assert "grid.tabel" in answer.content.decode()
    assert not ProfileVersion.objects.exists()
