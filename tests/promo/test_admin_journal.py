"""The journal on staff pages: lots, issues, demand, publications. To look at, by those who may, and never with a code in full."""

import re

import pytest
from django.utils import timezone

from bonusportal.counting import kyiv_day
from promo.models import CodeState, Demand, Issue, Lot, Publication
from tests.factories import make_code, make_issue, make_lot, make_pool, make_run, make_staff
from tests.staff import read, sign_in

pytestmark = pytest.mark.django_db
MODELS = ["pool", "code", "issue", "lot", "replenishrun", "demand", "publication"]


@pytest.fixture
def rows() -> dict[str, int]:
    """One row of everything: its key by the model's name."""
    run = make_run(make_pool(100))
    lot = make_lot("import", name="codes.csv", actor="olena", reason="from the old portal", run=run)
    code = make_code(run.pool, CodeState.ISSUED, code="BON100SECRETPART", lot=lot)
    issue = make_issue(code, phone="+380671234567", order_number="A-17", caller_address="203.0.113.7")
    demand = Demand.objects.create(amount_uah=500, day=kyiv_day(timezone.now()), misses=4)
    publication = Publication.objects.create(
        revision=7,
        digest="d" * 64,
        listed={"100": ["BON100LISTEDPART", "BON100LISTEDTOO"], "200": []},
        planned_at=timezone.now(),
    )
    pairs = {
        "pool": run.pool,
        "code": code,
        "issue": issue,
        "lot": lot,
        "replenishrun": run,
        "demand": demand,
        "publication": publication,
    }
    return {name: int(row.pk) for name, row in pairs.items()}


@pytest.mark.parametrize("model", MODELS)
def test_each_page_needs_its_own_permission(client, rows, model):
    addresses = [f"/admin/promo/{model}/", f"/admin/promo/{model}/{rows[model]}/change/"]
    others = [f"promo.view_{name}" for name in MODELS if name != model]
    sign_in(client, *others, "promo.manage_pools")
    assert [client.get(address).status_code for address in addresses] == [403, 403]
    sign_in(client, f"promo.view_{model}")
    assert [client.get(address).status_code for address in addresses] == [200, 200]


@pytest.mark.parametrize("model", ["code", "issue", "lot", "replenishrun", "demand", "publication"])
def test_a_superuser_cannot_write_the_journal(client, rows, model):
    client.force_login(make_staff(is_superuser=True))
    assert client.get(f"/admin/promo/{model}/add/").status_code == 403
    assert client.post(f"/admin/promo/{model}/{rows[model]}/delete/", {"post": "yes"}).status_code == 403
    assert (
        client.post(
            f"/admin/promo/{model}/{rows[model]}/change/", {"actor": "nobody", "phone": "1", "misses": "0"}
        ).status_code
        == 403
    )
    assert Lot.objects.get(pk=rows["lot"]).actor == "olena"
    assert Issue.objects.get(pk=rows["issue"]).phone == "+380671234567"
    assert Demand.objects.get(pk=rows["demand"]).misses == 4


@pytest.mark.parametrize("model", MODELS)
def test_no_page_shows_a_code_or_a_phone_in_full(client, rows, model):
    client.force_login(make_staff(is_superuser=True))
    for address in ("/admin/", f"/admin/promo/{model}/", f"/admin/promo/{model}/{rows[model]}/change/"):
        page = client.get(address).content.decode()
        assert "SECRETPART" not in page
        assert "LISTED" not in page
        assert "1234567" not in page


@pytest.mark.parametrize(
    "address",
    [
        "code/?code__startswith=BON100S",
        "code/?code=BON100SECRETPART",
        "code/?lot__codes__code__startswith=BON100S",
        "issue/?code__code__startswith=BON100S",
        "issue/?phone__startswith=%2B38067",
        "issue/?natural_key__isnull=True",
        "lot/?codes__code__startswith=BON100S",
        "replenishrun/?rows__shown_code__startswith=BON100S",
        "publication/?listed__icontains=BON100LISTEDPART",
    ],
)
def test_no_list_can_be_asked_letter_by_letter_for_what_it_hides(client, rows, address):
    client.force_login(make_staff(is_superuser=True))
    assert client.get(f"/admin/promo/{address}").status_code == 400


def test_an_issue_says_what_whom_when(client, rows):
    text = read(sign_in(client, "promo.view_issue"), f"/admin/promo/issue/{rows['issue']}/change/")
    for part in (f"BON100•••• №{rows['code']}", "100 UAH", "get-code", "+38067•••••67", "A-17", "203.0.113.7"):
        assert part in text


def test_a_lot_says_what_became_of_its_codes(client, rows):
    make_code(Lot.objects.get().run.pool, CodeState.AVAILABLE, lot_id=rows["lot"])
    make_code(Lot.objects.get().run.pool, CodeState.AVAILABLE, lot_id=rows["lot"])
    text = read(sign_in(client, "promo.view_lot"), f"/admin/promo/lot/{rows['lot']}/change/")
    assert "available 2" in text
    assert "issued 1" in text
    assert "from the old portal" in text


def test_a_publication_says_how_many_codes_it_listed(client, rows):
    text = read(sign_in(client, "promo.view_publication"), f"/admin/promo/publication/{rows['publication']}/change/")
    assert "100: 2, 200: 0" in text
    assert "not written" in text


def test_the_list_of_publications_fetches_no_codes(client, rows, django_assert_max_num_queries):
    sign_in(client, "promo.view_publication")
    with django_assert_max_num_queries(12) as captured:
        client.get("/admin/promo/publication/")
    assert [query["sql"] for query in captured if '"listed"' in query["sql"]] == []


def test_the_menu_shows_what_may_be_opened(client):
    text = read(sign_in(client, "promo.view_pool", "promo.view_lot"))
    assert "Lots" in text
    for hidden in ("Publications", "Issued codes", "People"):
        assert hidden not in text


@pytest.mark.parametrize(
    ("address", "entry"),
    [
        ("", "Stock board"),
        ("promo/pool/", "Pools"),
        ("promo/pool/range/", "Range of amounts"),
        ("promo/lot/", "Lots"),
        ("promo/code/find/", "Codes"),
    ],
)
def test_the_menu_lights_up_the_page_that_is_read(client, address, entry):
    client.force_login(make_staff(is_superuser=True))
    client.cookies["portal_language"] = "en"
    page = client.get(f"/admin/{address}").content.decode()
    lit = re.findall(r'<a href="[^"]*" class="[^"]*\bactive\b[^"]*">.*?<span>([^<]+)</span>', page, re.DOTALL)
    assert lit == [entry]
