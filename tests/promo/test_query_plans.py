"""What a shopper waits for never reads a table from its beginning: plans of the hot statements, asked of PostgreSQL in an aged database."""

import pytest
from django.db import connection

from promo.admin import finding
from promo.models import Pool
from promo.services import issuing, stock
from tests.factories import NOW, make_pool

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
ISSUED, AVAILABLE = 4_000, 1_000


@pytest.fixture
def aged() -> Pool:
    """A pool whose oldest codes were all issued, and a table that knows it."""
    pool = make_pool(amount_uah=1100)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO promo_code (code, pool_id, state, place, reason, changed_at, created_at) "
            "SELECT 'BON1100N' || n, %s, CASE WHEN n <= %s THEN 'issued' ELSE 'available' END, n, '', now(), now() "
            "FROM generate_series(1, %s) n",
            [pool.pk, ISSUED, ISSUED + AVAILABLE],
        )
        cursor.execute(
            "INSERT INTO promo_issue (code_id, pool_id, channel, phone, order_number, caller_address, request_id, actor, issued_at) "
            "SELECT id, pool_id, 'drop_in', '', '', '', '', '', now() - interval '1 day' FROM promo_code WHERE state = 'issued'"
        )
        cursor.execute("ANALYZE promo_code, promo_issue")
    return pool


def plan_of(statement, values):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", values)
        return "\n".join(line for (line,) in cursor.fetchall())


def whole_tables(plan):
    return [line for line in plan.splitlines() if "Seq Scan on promo_code" in line or "Seq Scan on promo_issue" in line]


def test_the_look_after_an_issue_steps_into_indexes(aged):
    plan = plan_of(stock._ask(20, vendor="postgresql"), {"pool": aged.pk, "long_ago": stock._LONG_AGO, "now": NOW})
    assert plan.count("code_claim_order") == 2
    assert "promo_issue_issued" in plan
    assert "issue_by_pool_and_time" in plan
    assert whole_tables(plan) == []


def test_the_claim_steps_into_the_index_of_what_is_available(aged):
    plan = plan_of(issuing._CLAIM.format(lock="FOR UPDATE SKIP LOCKED"), [NOW, 1100, NOW.date()])
    assert "code_claim_order" in plan
    assert whole_tables(plan) == []


def test_an_order_and_a_phone_are_found_without_reading_the_journal(aged):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE promo_issue SET phone = '+38000' || lpad(id::text, 7, '0'), order_number = id WHERE id % 10 = 0"
        )
        cursor.execute("ANALYZE promo_issue")
    asked = finding.issues_of(order_number="77", phone="+380000000001")
    plan = asked.explain()
    assert "issue_by_phone" in plan
    assert "issue_by_order" in plan
    assert whole_tables(plan) == []


def test_the_periodic_look_steps_into_indexes(aged):
    plan = plan_of(f"SELECT id FROM promo_pool WHERE is_active AND {stock._IS_LOW}", [])
    assert "code_claim_order" in plan
    assert whole_tables(plan) == []
