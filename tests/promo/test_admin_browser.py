"""Staff pages in a real browser: on a phone and on a desk, light and dark, under their content policy, without anything sticking out."""

import base64
from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Page, ViewportSize, expect

from promo.models import CodeState, PanelLease, ReplenishRun, RunState
from tests.factories import (
    make_code,
    make_codes,
    make_evidence,
    make_issue,
    make_pool,
    make_run,
    make_run_row,
    make_staff,
    make_step,
)

pytestmark = pytest.mark.django_db(transaction=True)
PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=800)
# The smallest PNG there is.
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def faults(page: Page) -> list[str]:
    """What the browser complains about: scripts that failed, files that are missing, and everything that the content policy stopped."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type in {"error", "warning"} else None)
    return found


@pytest.fixture
def staff_page(page: Page, live_server, faults) -> Iterator[Page]:
    """A browser in which a superuser is signed in, reading Ukrainian, on a phone."""
    user = make_staff(is_superuser=True)
    client = Client()
    client.force_login(user)
    cookies = {"sessionid": client.cookies["sessionid"].value, "portal_language": "uk"}
    page.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()]
    )
    page.set_viewport_size(PHONE)
    yield page
    assert faults == []


@pytest.fixture
def run() -> ReplenishRun:
    pool = make_pool(100)
    make_codes(pool, 2)
    made = make_run(pool, RunState.FAILED, reason="layout")
    for number in range(3):
        detail = (
            {"expected": {"amount": "100"}, "seen": {"amount": "a very long answer " * 8}}
            if number == 2
            else {"page": 1}
        )
        make_evidence(made, DOT, step=make_step(made, "code_typed", ok=number < 2, detail=detail))
    make_run_row(made, code=pool.codes.first())
    return made


def sticks_out(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_sticks_out_on_a_phone_or_breaks_its_content_policy(staff_page, live_server, run, theme):
    PanelLease.objects.update_or_create(pk=1, defaults={"blocked_reason": "second_factor"})
    code = make_code(run.pool, CodeState.FOREIGN)
    make_issue(make_code(run.pool, CodeState.ISSUED), phone="+380671234567", order_number="замовлення-" * 4)
    staff_page.goto(f"{live_server.url}/admin/")
    staff_page.evaluate("theme => localStorage.setItem('adminTheme', JSON.stringify(theme))", theme)
    pool, codes = f"promo/pool/{run.pool_id}", f"promo/code/{code.pk}"
    addresses = [
        "",
        "promo/pool/",
        f"{pool}/change/",
        f"{pool}/paste/",
        "promo/code/",
        f"{codes}/change/",
        f"{codes}/adopt/",
    ]
    addresses += ["promo/issue/", "promo/replenishrun/", f"promo/replenishrun/{run.pk}/change/", "second-factor/"]
    for address in addresses:
        staff_page.goto(f"{live_server.url}/admin/{address}")
        assert (address, sticks_out(staff_page)) == (address, 0)
    assert staff_page.evaluate("document.documentElement.classList.contains('dark')") is (theme == "dark")


def test_the_board_is_a_table_on_a_desk_and_cards_on_a_phone(staff_page, live_server, run):
    staff_page.goto(f"{live_server.url}/admin/")
    row = staff_page.locator(".pb-board tbody tr").first
    assert row.evaluate("node => getComputedStyle(node).display") == "grid"
    staff_page.set_viewport_size(DESK)
    assert row.evaluate("node => getComputedStyle(node).display") == "table-row"
    assert sticks_out(staff_page) == 0
    expect(row.locator(".pb-figure")).to_have_text("2 з 10")
    # The bar is as long as the number says.
    bar = row.locator(".pb-bar > span")
    whole = row.locator(".pb-bar").bounding_box()
    part = bar.bounding_box()
    assert whole is not None
    assert part is not None
    assert part["width"] / whole["width"] == pytest.approx(0.2, abs=0.02)


def test_refill_now_is_one_tap(staff_page, live_server):
    pool = make_pool(500)
    staff_page.goto(f"{live_server.url}/admin/?amount=500")
    staff_page.get_by_role("button", name="Поповнити зараз").click()
    expect(staff_page.get_by_text("Замовлено 1 запуск.")).to_be_visible()
    assert ReplenishRun.objects.get(pool=pool).state == RunState.REQUESTED
    assert staff_page.url.endswith("/admin/?amount=500")


def test_the_language_is_switched_from_any_page(staff_page, live_server):
    staff_page.goto(f"{live_server.url}/admin/promo/code/")
    staff_page.get_by_role("button", name="English").click()
    expect(staff_page.get_by_placeholder("Full code, phone or order number")).to_be_visible()
    assert staff_page.url.endswith("/admin/promo/code/")


def test_a_code_is_found_and_withdrawn_with_the_shopper_on_the_phone(staff_page, live_server):
    code = make_code(make_pool(100), CodeState.ISSUED)
    staff_page.goto(f"{live_server.url}/admin/")
    staff_page.get_by_role("textbox", name="Повний код, телефон або номер замовлення").fill(code.code)
    staff_page.get_by_role("button", name="Знайти").click()
    staff_page.get_by_role("link", name="Вилучити").click()
    staff_page.get_by_label("Чому").fill("замовлення скасовано")
    staff_page.get_by_role("button", name="Вилучити").click()
    expect(staff_page.get_by_text("Код вилучено.")).to_be_visible()
    code.refresh_from_db()
    assert code.state == CodeState.WITHDRAWN


def test_the_pictures_of_a_run_are_drawn(staff_page, live_server, run):
    staff_page.goto(f"{live_server.url}/admin/promo/replenishrun/{run.pk}/change/")
    picture = staff_page.locator(".pb-picture img").first
    picture.scroll_into_view_if_needed()
    staff_page.wait_for_function("node => node.complete && node.naturalWidth === 1", arg=picture.element_handle())


def test_the_filters_of_a_list_open_and_narrow_it(staff_page, live_server):
    pool = make_pool(100)
    available, issued = make_code(pool), make_code(pool, CodeState.ISSUED)
    staff_page.set_viewport_size(DESK)
    staff_page.goto(f"{live_server.url}/admin/promo/code/")
    staff_page.get_by_text("Фільтри").click()
    staff_page.locator("#changelist-filter input[name=amount]").fill("100")
    staff_page.get_by_role("button", name="Застосувати").click()
    expect(staff_page.get_by_text(f"№{available.pk}")).to_be_visible()
    expect(staff_page.get_by_text(f"№{issued.pk}")).to_be_visible()
    staff_page.goto(f"{live_server.url}/admin/promo/code/?state__exact=issued")
    expect(staff_page.get_by_text(f"№{issued.pk}")).to_be_visible()
    expect(staff_page.get_by_text(f"№{available.pk}")).to_have_count(0)
