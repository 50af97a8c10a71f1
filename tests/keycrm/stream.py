"""A random life of many orders: the simulated CRM behind the real client, webhooks lost, doubled and late, workers dying, storms of refusals, orders deleted,
cards of buyers merged.

The clock is the client's: only waiting and `pass_time` move it, so a month of orders takes seconds. `settle` lets everything come to rest; `wrong` then
compares every order, every customer and every card with what a pure function of the CRM's last figures says. A life is its seed: the same seed and the same
number of orders live it again.
"""

from __future__ import annotations

import json
import random
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bonuses.models import Account, Customer, Hold, LedgerEntry, Lot, Order, OrderSnapshot
from bonuses.services import holding, refunding
from demo.crm.rows import grand_total
from keycrm.errors import CrmTemporary
from keycrm.models import BuyerLink, CrmOrder
from keycrm.reasons import Reason
from keycrm.services import applying, polling, receiving, vanishing, writing_back
from keycrm.services.applying import Rules
from keycrm.services.filling import Fields
from tests.bonuses import scenes
from tests.keycrm.journeys import held_code, issued_code
from tests.keycrm.world import World

RULES = Rules(stages={}, shop_sources=())
CALLS_PER_MINUTE = 50
NEW, UNDER_WAY, COMPLETED, CANCELLED = 1, 8, 12, 19
GIFT = 400
CALM = {"limit_per_minute": 60, "errors_first": 0, "errors_after_write_first": 0, "not_json_first": 0}
STORMS: tuple[dict[str, Any], ...] = (
    {"limit_per_minute": 4, "retry_after": True}, {"limit_per_minute": 4, "retry_after": False}, {"errors_first": 6}, {"errors_after_write_first": 3},
    {"not_json_first": 4},
)  # fmt: skip


class Dead(BaseException):
    """The worker is killed."""


class Surprise(Exception):
    """Nobody foresaw this."""


@dataclass
class Stream:
    """`told` counts what happened, `most_calls` is the largest number of calls in any minute of the clock, `refused` those over the CRM's own limit."""

    seed: int
    orders: int
    waiting: list[dict[str, Any]] = field(default_factory=list)
    used: dict[int, tuple[int, int]] = field(default_factory=dict)  # order → (its code's amount, who pays)
    deleted: dict[int, str] = field(default_factory=dict)  # order → its number; in one part
    verdicts: dict[int, str] = field(default_factory=dict)  # deleted order → what a person said of it
    live: list[int] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    most_calls: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.world = World(on_send=self._note_call)
        self.choose = random.Random(self.seed)
        random.seed(self.seed)  # the client scatters its waits
        self.calls: deque[float] = deque()
        self.is_stormy = self.is_merging = False
        self.people: dict[str, int] = {}
        for number in range(max(12, self.orders // 12)):
            phone = f"+38050{number:07d}"
            self.people[phone] = scenes.make_customer(phone=phone, now=self.now)
            scenes.give(self.people[phone], GIFT, now=self.now)
        client = self.world.client(line=self._line())
        found = {one.name: one.uuid for one in client.custom_fields("client")}
        self.fields = Fields(
            found["Бонуси"], found["Бонуси в резерві"], found["Бонуси діють до"], found["Історія бонусів"]
        )
        self.crm = self.world.client(line=self._line(), patience_seconds=20.0)

    def _line(self) -> Any:
        return self.world.line(calls_per_minute=CALLS_PER_MINUTE)

    def _note_call(self, request: Any) -> None:
        """Every call that goes out, by the clock; and sometimes a card is merged away while it is about to be written."""
        at = self.world.clock.seconds
        self.calls.append(at)
        while self.calls[0] <= at - 60:
            self.calls.popleft()
        self.most_calls = max(self.most_calls, len(self.calls))
        if self.is_merging and request.method == "PUT" and "/buyer/" in request.path_url:
            self.is_merging = False
            self.merge(int(request.path_url.rpartition("/")[2]))

    @property
    def now(self) -> Any:
        return self.world.clock.now()

    def pass_time(self, seconds: float) -> None:
        self.world.clock.seconds += seconds

    # --- the life

    def run(self) -> None:
        placed = 0
        while placed < self.orders:
            dice = self.choose.random()
            if dice < 0.35:
                self.place()
                placed += 1
            elif dice < 0.73 and self.live:
                self.change(self.choose.choice(self.live[-60:]))
            elif dice < 0.74 and self.live:
                self.delete(self.choose.choice(self.live[-60:]))
            elif dice < 0.75:
                self.merge()
            elif dice < 0.90:
                self.deliver()
            else:
                self.work_for_a_while()
            self.pass_time(self.choose.choice((0.4, 3, 20)))

    def place(self) -> None:
        phone = self.choose.choice(list(self.people))
        body: dict[str, Any] = {
            "source_id": 1, "source_uuid": f"#{10_000 + self.told['placed']}", "buyer": {"full_name": self.choose.choice(("Зразок", "Інший")), "phone": phone},
            "products": [
                {"sku": f"S{line}", "name": "x", "price": self.choose.randint(30, 900) + self.choose.choice((0, 0.5, 0.99)), "quantity": 1}
                for line in range(self.choose.choice((1, 1, 2, 3)))
            ],
        }  # fmt: skip
        dice = self.choose.random()
        amount, payer = self.choose.choice((20, 50)), phone
        if dice < 0.25:
            payer = self.choose.choice(list(self.people)) if dice < 0.05 else phone
            if scenes.has(self.people[payer], now=self.now)[0] >= amount:
                code, _hold = held_code(self.people[payer], amount, now=self.now)
                body |= {"promocode": code.code.lower(), "discount_amount": amount}
        elif dice < 0.32:
            body |= {"promocode": issued_code(amount).code, "discount_amount": amount}
        elif dice < 0.45:
            body |= {"promocode": "SUMMER", "discount_amount": amount}
            amount = 0
        row = self.world.state.create_order(body)
        self.live.append(row["id"])
        if body.get("promocode", "SUMMER") != "SUMMER":
            self.used[row["id"]] = (amount, self.people[payer])
        self.told["placed"] += 1

    def change(self, order_id: int) -> None:
        state, dice = self.world.state, self.choose.random()
        row = state.get("orders", order_id)
        if dice < 0.45:
            state.set_status(order_id, COMPLETED)
        elif dice < 0.60:
            state.set_status(order_id, CANCELLED)
        elif dice < 0.75:
            state.set_status(order_id, UNDER_WAY)
        elif dice < 0.90:
            most = grand_total(row)
            if most > 2:
                state.refund(order_id, min(Decimal(self.choose.randint(1, 200)), most - 1))
        elif len(row["products"]) > 1 and not row["parent_id"]:
            state.split_order(order_id, [row["products"][0]["id"]])
            self.told["split"] += 1
        self.told["changed"] += 1

    def delete(self, order_id: int) -> None:
        """Nothing announces it. Of a split order a part goes, or the root; what stays of it counts on."""
        family = [(row["parent_id"], row["id"]) for row in self.world.state.all("orders") if row["parent_id"]]
        split = [root for root, _part in family if root in self.live and root not in self.used]
        if split and self.choose.random() < 0.3:
            order_id = self.choose.choice(split)
        parts = [part for root, part in family if root == order_id]
        row = self.world.state.get("orders", order_id)
        if parts and order_id not in self.used and self.choose.random() < 0.5:
            self.world.state.delete_order(order_id)
            self.live.remove(order_id)
            for part in parts:
                self.world.state.set_status(part, self.choose.choice((UNDER_WAY, COMPLETED, COMPLETED, CANCELLED)))
            self.told["root deleted"] += 1
            return
        if parts:
            self.world.state.delete_order(parts[0])
            self.told["part deleted"] += 1
            return
        self.world.state.delete_order(order_id)
        self.live.remove(order_id)
        self.deleted[order_id] = str(row["source_uuid"]).strip("#")
        self.told["deleted"] += 1

    def merge(self, gone: int | None = None) -> None:
        """An operator joins two cards with one phone: one id dies, and its fields live on only if that was ticked."""
        by_phone: dict[str, list[int]] = {}
        for row in self.world.state.rows("buyers"):
            by_phone.setdefault(row["phones"][0], []).append(row["id"])
        double = [ids for ids in by_phone.values() if len(ids) > 1 and (gone is None or gone in ids)]
        if not double:
            return
        ids = self.choose.choice(double)
        dead = self.choose.choice(ids) if gone is None else gone
        survivor = self.choose.choice([one for one in ids if one != dead])
        self.world.state.merge_buyers(survivor, dead, keep_fields=self.choose.random() < 0.5)
        self.told["merged" if gone is None else "merged while written"] += 1

    def deliver(self) -> None:
        """Of what the CRM has to post some is lost, some comes twice, some late, and never in order."""
        self.waiting += self.world.state.take_webhooks()
        self.choose.shuffle(self.waiting)
        for _ in range(self.choose.randint(0, len(self.waiting))):
            body = self.waiting.pop()
            dice = self.choose.random()
            for _copy in range(0 if dice < 0.2 else 2 if dice < 0.4 else 1):
                receiving.receive(channel="webhook", body=json.dumps(body, default=str).encode(), now=self.now)

    def work_for_a_while(self) -> None:
        dice = self.choose.random()
        self.is_stormy = dice < 0.25
        before = self.world.state.counters["over_limit"]
        if self.is_stormy:
            self.world.state.set_switches(**self.choose.choice(STORMS))
        elif dice < 0.4:
            where = self.world.faults_before if self.choose.random() < 0.5 else self.world.faults_after
            where.append(Dead() if self.choose.random() < 0.7 else Surprise())
        elif dice < 0.5:
            self.is_merging = True
        try:
            for _ in range(self.choose.randint(1, 25)):
                if not self.step():
                    break
        except (Dead, Surprise) as error:
            self.told["died" if isinstance(error, Dead) else "surprised"] += 1
            self.pass_time(self.choose.choice((1, 400)))
        except CrmTemporary as error:
            # A poll met a storm, or the line was full: the cursor stays where it was.
            self.told[error.code] += 1
        finally:
            self.world.faults_before.clear()
            self.world.faults_after.clear()
            self.is_merging = False
        if self.is_stormy:
            self.told["storms"] += 1
            self.world.state.set_switches(**CALM)
        else:
            self.refused += self.world.state.counters["over_limit"] - before

    def step(self) -> bool:
        dice = self.choose.random()
        if dice < 0.04:
            polling.poll(self.crm, name=polling.UPDATED, rules=RULES, now=self.now, at_most_pages=3)
        elif dice < 0.06:
            polling.poll(self.crm, name=polling.CREATED, rules=RULES, now=self.now, at_most_pages=3)
        elif dice < 0.25:
            writing_back.prepare(now=self.now)
            return writing_back.push_next(self.crm, fields=self.fields, now=self.now) is not None or dice < 0.2
        else:
            return applying.apply_next(self.crm, rules=RULES, now=self.now) is not None
        return True

    # --- rest

    def settle(self) -> None:
        """Webhooks stop; polling finds what was lost; deleted orders are found and decided; codes of cancelled orders are proven dead; cards are brought up
        to date.
        """
        self.world.state.set_switches(**CALM)
        self.world.state.take_webhooks()
        self.crm = self.world.client(line=self._line())  # as patient as it is by default
        before = self.world.state.counters["over_limit"]
        self._poll_and_apply()
        self._decide_what_vanished()
        for hold in list(Hold.objects.filter(code__isnull=False, order__state="cancelled", again=None)):
            if hold.state == "releasing":
                holding.release_hold(hold_id=hold.pk, now=self.now, actor="panel", is_proven=True)
            elif hold.state == "captured":
                refunding.prove_code_dead(hold_id=hold.pk, now=self.now, actor="panel")
        for _ in range(20):
            self.pass_time(400)
            writing_back.prepare(now=self.now)
            pushed = 0
            while writing_back.push_next(self.crm, fields=self.fields, now=self.now):
                pushed += 1
            if not pushed and not BuyerLink.objects.filter(retry_at__isnull=False).exists():
                break
        self.refused += self.world.state.counters["over_limit"] - before

    def _poll_and_apply(self) -> None:
        for _ in range(40):
            self.pass_time(400)
            for name in (polling.CREATED, polling.UPDATED):
                while (
                    polled := polling.poll(self.crm, name=name, rules=RULES, now=self.now)
                ) is not None and not polled.is_done:
                    pass
            if not self._apply_all() and not CrmOrder.objects.filter(asked_at__isnull=False, stuck_reason="").exists():
                break

    def _apply_all(self) -> int:
        done = 0
        while applying.apply_next(self.crm, rules=RULES, now=self.now):
            done += 1
        return done

    def _decide_what_vanished(self) -> None:
        """After a week nobody has looked at the orders, so each is looked at; a day later those that are gone wait for a person, who says one or the other."""
        self.pass_time(8 * 24 * 3600)
        while vanishing.ask_for_stale(now=self.now):
            self._apply_all()
        for _ in range(6):
            self._apply_all()
            self.pass_time(25 * 3600)
            self._apply_all()
            gone = CrmOrder.objects.filter(stuck_reason__in=[Reason.VANISHED, "crm_not_found"]).order_by("pk")
            for row in gone:
                if not CrmOrder.objects.filter(pk=row.pk).exclude(stuck_reason="").exists():
                    continue  # deciding about one of its family had it looked at again
                verdict = self.choose.choice(list(vanishing.Verdict)).value
                vanishing.set_aside(
                    crm_id=row.crm_id, verdict=verdict, reason="looked for it", actor="olena", now=self.now
                )
                self.verdicts[row.crm_id] = verdict
                self.told[verdict] += 1
            if not gone and not CrmOrder.objects.filter(asked_at__isnull=False, stuck_reason="").exists():
                break

    def wrong(self) -> list[str]:
        """Everything that is not as it must be."""
        return [*self._wrong_orders(), *self._wrong_customers(), *self._wrong_cards()]

    def _rows(self) -> dict[int, list[dict[str, Any]]]:
        groups: dict[int, list[dict[str, Any]]] = {}
        for row in self.world.state.all("orders"):
            groups.setdefault(row["parent_id"] or row["id"], []).append(row)
        return groups

    def _wrong_orders(self) -> list[str]:
        wrong = [
            f"CRM {row.crm_id} is stuck: {row.stuck_reason} {row.stuck_detail}"
            for row in CrmOrder.objects.exclude(stuck_reason="")
        ]
        self.earned: Counter[int] = Counter()
        self.spent: Counter[int] = Counter()
        self.moved = _captured_by_order()
        for root_id, parts in self._rows().items():
            live = [part for part in parts if part["status_group_id"] != 6]
            is_completed = bool(live) and all(part["status_group_id"] == 5 for part in live)
            base = sum((grand_total(part) for part in live), Decimal(0))
            wrong += self._wrong_order(
                root_id, str(parts[0]["source_uuid"]).strip("#"), base if is_completed else None, is_known=True
            )
        for root_id, number in self.deleted.items():
            wrong += self._wrong_order(root_id, number, self._last_base(root_id, number), is_known=False)
        return wrong

    def _last_base(self, root_id: int, number: str) -> Decimal | None:
        """Of a deleted order: what was applied last, unless a person said that it did not happen. (It may also have been cancelled, or never seen.)"""
        newest = OrderSnapshot.objects.filter(order__number=number).exclude(actor="olena").order_by("-revision").first()
        if newest is None or newest.stage != "completed" or self.verdicts.get(root_id) == "cancelled":
            return None
        return Decimal(newest.grand_total)

    def _wrong_order(self, root_id: int, number: str, base: Decimal | None, *, is_known: bool) -> list[str]:
        """`base` is what a completed order earns of; None: it is not completed. `is_known`: the ledger must have it."""
        wrong = []
        points = int((base / 10).to_integral_value(ROUND_DOWN)) if base is not None else 0
        order = Order.objects.filter(number=number).first()
        if order is None:
            return [f"order {number} is not in the ledger"] if is_known else []
        amount, payer = self.used.get(root_id, (0, 0))
        captured = amount if base is not None else 0
        if order.granted - order.clawed_back != points:
            wrong.append(f"order {number} earned {order.granted - order.clawed_back}, not {points}")
        if self.moved[order.pk] != captured:
            wrong.append(f"order {number} spent {self.moved[order.pk]}, not {captured}")
        self.earned[order.customer_id or 0] += points
        self.spent[payer] += captured
        return wrong

    def _wrong_customers(self) -> list[str]:
        wrong = []
        for customer_id in self.people.values():
            stored = dict(Account.objects.filter(customer_id=customer_id).values_list("kind", "balance"))
            lots = sum(lot.remaining for lot in Lot.objects.filter(customer_id=customer_id))
            have = lots + (stored["held"] or 0) + (stored["debt"] or 0)
            should = GIFT + self.earned[customer_id] - self.spent[customer_id]
            if have != should or lots != stored["available"]:
                wrong.append(f"customer {customer_id} has {have} ({stored}, lots {lots}), not {should}")
        return wrong

    def _wrong_cards(self) -> list[str]:
        wrong = [
            f"link {link.pk} is stuck: {link.stuck_reason} {link.stuck_detail}"
            for link in BuyerLink.objects.exclude(stuck_reason="")
        ]
        behind = [link.pk for link in BuyerLink.objects.exclude(buyer_id=None) if writing_back.is_behind(link)]
        wrong += [f"links {behind} are behind"] if behind else []
        for row in self.world.state.all("buyers"):
            phone = row["phones"][0]
            customer = Customer.objects.filter(phone=phone).first()
            if customer is None:
                continue
            available, held, _owed = scenes.has(customer.pk, now=self.now)
            shown = row["custom_fields"]
            figures = (shown.get(self.fields.available), shown.get(self.fields.reserved))
            if figures != (str(available), str(held)):
                wrong.append(f"buyer {row['id']} shows {figures}, not {available} and {held}")
        return wrong


def _captured_by_order() -> Counter[int]:
    """Points that each order spent, from the entries: captured and owed, less what was given back."""
    found: Counter[int] = Counter()
    for entry in LedgerEntry.objects.select_related("debit", "credit").filter(order__isnull=False):
        if entry.kind == "capture" or (entry.kind == "incur_debt" and entry.credit.kind == "redemption"):
            found[entry.order_id or 0] += entry.points
        elif entry.kind == "reinstate":
            found[entry.order_id or 0] -= entry.points
    return found
