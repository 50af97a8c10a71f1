"""The groups that `manage.py seed_groups` makes, and what their members can and cannot do."""

from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from promo.models import CodeEvent, CodeState, ReplenishRun
from tests.factories import make_code, make_evidence, make_pool, make_run, make_staff

pytestmark = pytest.mark.django_db


def seed() -> str:
    out = StringIO()
    call_command("seed_groups", stdout=out)
    return out.getvalue()


def member_of(name: str) -> User:
    seed()
    user = make_staff(username=name)
    user.groups.add(Group.objects.get(name=name))
    return user


def test_the_groups_are_made_once(client):
    assert "support: made, 27 permissions added" in seed()
    assert "support: there already, 0 permissions added" in seed()
    assert sorted(Group.objects.values_list("name", flat=True)) == ["manager", "support"]


def test_a_permission_that_was_added_by_hand_stays(client):
    seed()
    extra = Permission.objects.get(content_type__app_label="auth", codename="view_user")
    Group.objects.get(name="support").permissions.add(extra)
    seed()
    assert extra in Group.objects.get(name="support").permissions.all()


def test_support_finds_and_reveals_but_changes_nothing(client):
    client.force_login(member_of("support"))
    code = make_code(make_pool(100), CodeState.ISSUED)
    run = make_run(code.pool)
    picture = make_evidence(run, b"png")
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/promo/code/find/", {"what": code.code}).status_code == 302
    assert (
        code.code in client.post(f"/admin/promo/code/{code.pk}/reveal/", {"reason": "shopper calls"}).content.decode()
    )
    assert CodeEvent.objects.get().actor == "support"
    forbidden = [
        client.post(f"/admin/promo/code/{code.pk}/withdraw/", {"reason": "x"}),
        client.post(f"/admin/promo/pool/{code.pool_id}/request/"),
        client.post(f"/admin/promo/pool/{code.pool_id}/change/", {"target": "99"}),
        client.post("/admin/promo/pool/go-on/"),
        client.get(f"/admin/promo/replenishrun/evidence/{picture.pk}/"),
        client.get("/admin/auth/user/"),
    ]
    assert [answer.status_code for answer in forbidden] == [403] * len(forbidden)
    assert ReplenishRun.objects.count() == 1


def test_managers_keep_the_pools_filled(client):
    client.force_login(member_of("manager"))
    code = make_code(make_pool(100), CodeState.ISSUED)
    run = make_run(code.pool)
    picture = make_evidence(run, b"png")
    assert client.post(f"/admin/promo/pool/{code.pool_id}/request/").status_code == 302
    assert client.post(f"/admin/promo/code/{code.pk}/withdraw/", {"reason": "cancelled"}).status_code == 302
    assert client.get(f"/admin/promo/replenishrun/evidence/{picture.pk}/").content == b"png"
    assert client.get("/admin/promo/pool/add/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403
    code.refresh_from_db()
    assert code.state == CodeState.WITHDRAWN
