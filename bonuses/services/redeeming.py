"""Points become a code: one transaction joins the ledger and the pool, so that nobody has a code without points held for it.

    key seen? the same answer ─→ lock the accounts ─→ enough points? within the share? ─→ claim a code, last ─→ hold + Issue ─→ COMMIT ─→ is the pool low?
                                                                                             └ no code: all is undone; demand and run request on their own

What a code out there costs is held until evidence ends the hold (bonuses.services.releasing). A customer who asks for an amount whose code is just being
taken back gets that code again: otherwise asking and giving back in turns would make live codes without end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from bonuses.dialect import for_update, stamp
from bonuses.errors import InsufficientPoints, OverShare, PointsInvalid
from bonuses.models import AskedAgain, HoldState
from bonuses.policy import HOLD_LIVES, Rule, draw, max_payable_in_cart
from bonuses.services import expiring, holding, ledger, releasing
from bonuses.services.ledger import Book
from bonuses.services.redemptions import (
    Redemption,
    as_payload,
    find_by_key,
    find_in_family,
    find_redemption,
    find_replay,
    from_payload,
    hold_id_of,
    public_id_of,
)
from bonusportal import counting, idempotency
from bonusportal.money import MAX_AMOUNT_UAH
from bonusportal.sql import fetch_planned
from promo.errors import PoolEmpty, PoolUnknown
from promo.models.issues import IssueChannel
from promo.services import issuing, moving, stock

logger = logging.getLogger(__name__)
# What the answer depends on besides the book, in one round trip: was the key used, how much may be paid, is a code of the amount being taken
# back, and is anybody merged into the customer, who may have used the key before?
_LOOK = """
SELECT EXISTS (SELECT 1 FROM bonuses_hold WHERE key = %(key)s) OR EXISTS (SELECT 1 FROM bonuses_askedagain WHERE key = %(key)s),
       (SELECT share_percent FROM bonuses_earningrule WHERE valid_from <= %(now)s ORDER BY valid_from DESC, version DESC LIMIT 1),
       EXISTS (SELECT 1 FROM bonuses_hold WHERE customer_id = %(customer)s AND points = %(points)s AND state = 'releasing'),
       EXISTS (SELECT 1 FROM bonuses_customer WHERE merged_into_id = %(customer)s)
"""
_BEING_RELEASED = (
    "SELECT h.id, h.key, h.code_id FROM bonuses_hold h JOIN promo_code c ON c.id = h.code_id WHERE h.customer_id = %s AND h.points = %s AND h.owed = 0 "
    "AND h.state = 'releasing' AND h.order_id IS NULL AND c.state = 'withdrawn' AND c.retire_tried_at IS NULL AND c.inactive_since IS NULL ORDER BY h.id"
)


def redeem(
    *,
    customer_id: int,
    points: int,
    order_total: Decimal,
    discount: Decimal = Decimal(0),
    key: str,
    now: dt.datetime,
    actor: str,
    order_number: str = "",
    caller_address: str = "",
    request_id: str = "",
    record: idempotency.Asked | None = None,
) -> Redemption:
    """Hold `points` of the customer and hand out a code of that amount. `order_total` is what the products come to before our code, in hryvnias, and
    `discount` what other discounts took off it, for they count against the share that points may pay.

    `key` (any text of the caller's, per customer) makes it once. `record` is written in the same transaction; to be called outside of any, because what
    follows the commit, or a refusal, is a transaction of its own. Raises InsufficientPoints, OverShare, PoolEmpty and PoolUnknown (with nearby amounts),
    KeyReused, PointsInvalid, CustomerUnknown; then nothing is held.
    """
    if type(points) is not int or not 1 <= points <= MAX_AMOUNT_UAH:
        raise PointsInvalid
    made: list[tuple[Redemption, int]] = []

    def effect() -> dict[str, Any]:
        made.clear()
        claim = partial(
            issuing.issue_code, order_number=order_number[:64], caller_address=caller_address, request_id=request_id, is_whole=False
        )  # fmt: skip
        redemption, pool_id = _redeem(
            customer_id=customer_id, points=points, order_total=order_total, discount=discount, key=key, now=now, actor=actor, claim=claim
        )  # fmt: skip
        made.append((redemption, pool_id))
        return as_payload(redemption)

    @ledger.following_merges
    def in_one_transaction() -> dict[str, Any] | None:
        if record is not None:
            answer = idempotency.do_once(record, effect, now=now)
            return answer.payload if answer.replayed else None
        with transaction.atomic():
            effect()
        return None

    try:
        if answered := in_one_transaction():
            return from_payload(answered)
    except (PoolEmpty, PoolUnknown):
        note_unmet(points=points, now=now)
        raise
    except IntegrityError:
        # Two calls with one key at once, of a customer and of the one they are merged into.
        found = find_replay(customer_id=customer_id, key=key, points=points)
        if found is None:
            raise
        return found
    (redemption, pool_id) = made[0]
    if not redemption.is_replay and not pool_id:
        # Harmless, and what taking codes off and asking again in turns looks like: staff see how often.
        counting.count("redemption.same_code", now=now)
    return redemption if redemption.is_replay else _look_at_stock(redemption, pool_id, now=now)


def _redeem(
    *, customer_id: int, points: int, order_total: Decimal, discount: Decimal, key: str, now: dt.datetime, actor: str,
    claim: Callable[..., issuing.IssuedCode],
) -> tuple[Redemption, int]:  # fmt: skip
    """In the caller's transaction, which ends with whatever is raised here."""
    hold_key = public_id_of(customer_id, key)
    book = expiring.open_settled([customer_id], now=now, will_draw=True)[customer_id]
    # Under the lock: the first call with this key may have committed while we waited for it.
    values = {"key": hold_key, "now": stamp(now), "customer": book.customer_id, "points": points}
    ((key_is_used, share_percent, may_be_again, was_merged),) = fetch_planned(_LOOK, values)
    if key_is_used and (found := find_by_key(hold_key, points)):
        return found, 0
    if was_merged and (found := find_in_family(book.customer_id, key, points)):
        return found, 0
    _check_share(book, points, order_total, discount, share_percent=share_percent)
    if may_be_again and (again := _give_back(book, points, hold_key=hold_key, now=now, actor=actor)):
        return again, 0
    if book.points < points:
        raise InsufficientPoints(book.points)
    drawn, _short = draw(book.lots.values(), points)
    issued = claim(
        amount_uah=points, channel=IssueChannel.REDEMPTION, now=now, natural_key=_issue_key(hold_key), actor=actor
    )
    hold = holding.write_hold(
        book, key=hold_key, draws=drawn, now=now, actor=actor, expires_at=now + HOLD_LIVES, code_id=issued.code_id
    )
    return Redemption(hold_key, issued.code, points, HoldState.OPEN.value, hold.expires_at), issued.pool_id


def _check_share(book: Book, points: int, order_total: Decimal, discount: Decimal, *, share_percent: int) -> None:
    rule = Rule(share_percent=share_percent)
    most = max_payable_in_cart(rule, available=MAX_AMOUNT_UAH, total=order_total, discount=discount)
    if points > most:
        raise OverShare(min(most, book.points))


def _issue_key(hold_key: str) -> str:
    return hashlib.sha256(f"hold\n{hold_key}".encode()).hexdigest()


def _give_back(book: Book, points: int, *, hold_key: str, now: dt.datetime, actor: str) -> Redemption | None:
    """The same customer asks for the same amount while its code waits to be deleted: the same code once more, held by the same points."""
    with connection.cursor() as cursor:
        cursor.execute(_BEING_RELEASED, [book.customer_id, points])
        candidates = cursor.fetchall()
    for hold_id, key, code_id in candidates:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM bonuses_hold WHERE id = %s{for_update()}", [hold_id])
        if not moving.hand_back(code_id=code_id, actor=actor, reason="the customer asked for it again", now=now):
            continue
        until = now + HOLD_LIVES
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE bonuses_hold SET state = 'open', expires_at = %s, releasing_at = NULL, stuck_reason = '' WHERE id = %s",
                [stamp(until), hold_id],
            )
        AskedAgain.objects.create(key=hold_key, hold_id=hold_id, asked_at=now)
        found = find_by_key(key, points)
        assert found is not None
        return replace(found, is_replay=False)
    return None


def _look_at_stock(redemption: Redemption, pool_id: int, *, now: dt.datetime) -> Redemption:
    """The code is handed out and committed: whatever goes wrong from here on costs only delay, because a sweep looks as well."""
    if not pool_id:
        return redemption
    try:
        asked = stock.note_issue(pool_id=pool_id, now=now)
    except DatabaseError:
        logger.exception("stock of pool %s could not be looked at; the sweep will", pool_id)
        return redemption
    return replace(redemption, runs_asked=bool(asked))


def note_unmet(*, points: int, now: dt.datetime) -> None:
    """Nothing is held; that the amount was wanted is remembered, and its pool asks for codes. A missing pool is made where the portal makes pools on demand."""
    with transaction.atomic():
        issuing.count_miss(amount_uah=points, now=now)
        if settings.ON_DEMAND_POOLS:
            stock.make_pool_on_demand(amount_uah=points, at_most=settings.ON_DEMAND_POOLS, now=now)
        stock.note_empty(amount_uah=points, now=now)


def ask_release(*, public_id: str, customer_id: int, now: dt.datetime, actor: str) -> Redemption:
    """The shopper took the code off: the points come back once the code is proven deleted. Asking twice changes nothing.

    `runs_asked` tells whether the edge has something to nudge. Raises HoldUnknown, HoldNotOpen (spent, or an order decides).
    """
    hold_id = hold_id_of(public_id=public_id, customer_id=customer_id)
    asked = releasing.begin_release(hold_id=hold_id, now=now, actor=actor, reason="the customer took the code off")
    return replace(find_redemption(public_id=public_id, customer_id=customer_id), runs_asked=asked)
