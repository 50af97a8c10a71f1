"""No NUL reaches a staff page: not in the address, not in a form, not in a cookie. PostgreSQL would fail on each."""

import pytest

from tests.factories import make_pool, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def staff(client):
    client.force_login(make_staff(is_superuser=True))
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    "address",
    [
        "keycrm/inboundevent/?channel__exact=%00", "keycrm/difference/?kind__exact=%00", "bonuses/order/?state__exact=a%00b", "promo/code/?q=%00",
        "promo/pool/?q=%00", "promo/code/?amount=%00", "auth/user/?q=%00", "keycrm/crmorder/?%00=1", "login/?next=%00", "?show=%00",
    ],
)  # fmt: skip
def test_in_a_query_it_is_a_bad_request(staff, address):
    assert staff.get(f"/admin/{address}").status_code == 400
    assert staff.get(f"/prod/admin/{address}").status_code == 400


@pytest.mark.parametrize("address", ["promo/pool/%00/change/", "auth/user/%00/change/", "keycrm/%00/", "%00"])
def test_in_a_path_there_is_nothing(staff, address):
    assert staff.get(f"/admin/{address}").status_code == 404


@pytest.mark.parametrize("address", ["promo/code/find/", "bonuses/customer/find/", "keycrm/crmorder/find/", "login/"])
def test_in_a_form_it_is_a_bad_request(staff, address):
    assert staff.post(f"/admin/{address}", {"what": "a\x00b"}).status_code == 400
    assert staff.post(f"/admin/{address}", {"a\x00b": "what"}).status_code == 400


def test_in_a_cookie_it_is_a_bad_request(staff):
    assert staff.get("/admin/", headers={"cookie": 'sessionid="\\000aaaaaaaaaaaaaaaa"'}).status_code == 400


def test_everything_else_is_let_through(staff):
    pool = make_pool(100)
    assert staff.get(f"/admin/promo/pool/{pool.pk}/change/?_x=%2500%01").status_code == 200
    assert staff.post("/admin/promo/code/find/", {"what": "%00 \\x00"}).status_code == 200
