"""Explain a balance in sentences: order, rule version, lot, hold, refund. Each carries the points that it added or took; together they are the balance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.utils.translation import gettext as _

from bonuses.errors import CustomerUnknown
from bonuses.models import Account, AccountKind, LedgerEntry
from bonuses.services import reckoning
from bonuses.services.ledger import survivor_of
from bonuses.services.telling import Sentence, Teller


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sum of each list is the balance of that name. `owed` ≥ 0 is explained by sentences that add to it or pay it off."""

    available: list[Sentence] = field(default_factory=list)
    held: list[Sentence] = field(default_factory=list)
    owed: list[Sentence] = field(default_factory=list)


def explain(customer_id: int, *, now: dt.datetime, at_most: int | None = None) -> Explanation:
    """Why the customer has what `reckoning.balance` says at `now`. `at_most` sentences per balance, the newest; one more sums up what was before.

    Raises CustomerUnknown.
    """
    survivor = survivor_of(customer_id)
    accounts = {account.kind: account for account in Account.objects.filter(customer_id=survivor)}
    if not accounts:
        raise CustomerUnknown
    balance = reckoning.balance(survivor, now=now)
    entries = newest_entries([account.pk for account in accounts.values()], at_most=at_most)
    teller = Teller(entry for of_one in entries.values() for entry in of_one)
    lists = []
    for kind, total, sign in (
        (AccountKind.AVAILABLE, balance.available, 1), (AccountKind.HELD, balance.held, 1), (AccountKind.DEBT, balance.owed, -1),
    ):  # fmt: skip
        account = accounts[kind]
        told = [teller.tell_for(account.pk, entry, sign=sign) for entry in entries[account.pk]]
        stored = sign * (account.balance or 0)
        before = stored - sum(sentence.points for sentence in told)
        if before:
            first = told[0].at if told else now
            told.insert(0, Sentence(first, before, _("Everything before this.")))
        if total != stored:
            # Due by now and not in the books yet: the next writer, or the sweep, will write the same.
            told.append(
                Sentence(
                    now, total - stored, _("Became due since: ends of points and of holds, and debt that they repaid.")
                )
            )
        lists.append(told)
    return Explanation(*lists)


def newest_entries(account_ids: Sequence[int], *, at_most: int | None) -> dict[int, list[LedgerEntry]]:
    """Each account's newest entries, oldest first.

    Each side of each account is one bounded walk along an index: an OR over them would read the whole history. Rows are fetched once, by their ids.
    """
    walks = [(account_id, side) for account_id in account_ids for side in ("debit_id", "credit_id")]
    bound = "" if at_most is None else f" ORDER BY id DESC LIMIT {int(at_most)}"
    asked = [
        f"SELECT * FROM (SELECT %s, id FROM bonuses_ledgerentry WHERE {side} = %s{bound}) w" for _id, side in walks
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), [account_id for account_id, _side in walks for _ in range(2)])
        found: dict[int, list[int]] = {account_id: [] for account_id in account_ids}
        for account_id, entry_id in cursor.fetchall():
            found[int(account_id)].append(entry_id)
    kept = {account_id: sorted(ids)[-at_most if at_most else 0 :] for account_id, ids in found.items()}
    wanted = sorted({entry_id for ids in kept.values() for entry_id in ids})
    rows: dict[int, LedgerEntry] = {}
    for start in range(0, len(wanted), 900):
        rows |= _RELATED.in_bulk(wanted[start : start + 900])
    return {account_id: [rows[entry_id] for entry_id in ids] for account_id, ids in kept.items()}


_RELATED = LedgerEntry.objects.select_related("rule", "order", "hold", "debit", "credit")
