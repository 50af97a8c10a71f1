"""One account of the simulated CRM: its rows and dictionaries, its switches, the events that it has to post, and the file in which all that is kept."""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.crm import samples
from demo.crm.contexts import context_of
from demo.crm.rows import Row, stamp
from demo.crm.switches import Switches

GONE_AFTER = 5_000  # events kept for the page


class UnknownRowError(Exception):
    """404."""


class RefusedError(Exception):
    """422, with a map of fields."""

    def __init__(self, **fields: str) -> None:
        super().__init__(", ".join(fields))
        self.fields = {name: [words] for name, words in fields.items()}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Account:
    """Safe to use from several threads; rows are changed under `lock` and leave it as copies.

    `counters` tells what has happened: calls, over_limit, writes, webhooks; `last_headers` are the last call's. `take_webhooks` hands out what is to be posted.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        token: str = samples.DEMO_TOKEN,
        switches: Switches | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.path = Path(path) if path is not None else None
        self.token, self.clock = token, clock
        self.lock = threading.RLock()
        self.counters: Counter[str] = Counter()
        self.since_turned: Counter[str] = Counter()
        self.switches = switches or Switches()
        self.events: deque[Row] = deque(maxlen=GONE_AFTER)
        self.has_events = threading.Event()
        self.last_headers: dict[str, str] = {}
        self.clear()
        if self.path is not None and self.path.exists():
            self._load(json.loads(self.path.read_text(encoding="utf-8")))

    def clear(self) -> None:
        """An account on its first day. The switches stay."""
        with self.lock:
            self._held: Row | None = None
            self._rows: dict[str, dict[int, Row]] = {"buyers": {}, "orders": {}, "cards": {}}
            self._next: Counter[str] = Counter(buyers=501, orders=2001, cards=301, lines=1, payments=1, numbers=70401)
            self.statuses, self.sources = deepcopy(samples.STATUSES), deepcopy(samples.SOURCES)
            self.tags, self.fields = deepcopy(samples.TAGS), deepcopy(samples.FIELDS)
            self.events.clear()
            self.counters.clear()
            self.since_turned.clear()
            self.last_headers = {}

    # -- reading ---------------------------------------------------------------------------------------------------

    def now(self) -> str:
        return stamp(self.clock())

    def all(self, table: str) -> list[Row]:
        """Live rows, oldest first."""
        with self.lock:
            return deepcopy(list(self._rows[table].values()))

    def get(self, table: str, number: int) -> Row:
        """Raises UnknownRowError."""
        with self.lock:
            return deepcopy(self._row(table, number))

    def rows(self, table: str) -> list[Row]:
        """The rows themselves, for whoever holds `lock` and only reads."""
        return list(self._rows[table].values())

    def peek(self, table: str, number: int) -> Row:
        """One row itself, for whoever holds `lock` and only reads. Raises UnknownRowError."""
        return self._row(table, number)

    def _row(self, table: str, number: int) -> Row:
        try:
            return self._rows[table][number]
        except KeyError:
            raise UnknownRowError(f"{table} {number}") from None

    def status(self, number: int) -> Row:
        for one in self.statuses:
            if one["id"] == number:
                return one
        raise RefusedError(status_id="The selected status id is invalid.")

    # -- dictionaries, as an administrator changes them ----------------------------------------------------------------

    def remove_field(self, name: str, *, model: str = "client") -> None:
        with self.lock:
            self.fields = [one for one in self.fields if not (one["name"] == name and one["model"] == model)]

    def add_status(self, number: int, name: str, *, group: int, closing: bool = False) -> None:
        with self.lock:
            row = {**self.statuses[0], "id": number, "name": name, "alias": f"status_{number}"}
            self.statuses.append({**row, "group_id": group, "is_closing_order": closing})

    # -- webhooks --------------------------------------------------------------------------------------------------

    def _note(self, event: str, row: Row) -> None:
        """Put an event into the queue, as often and in the order that the switches say."""
        if not self.switches.webhooks:
            return
        self.counters["webhooks"] += 1
        every = self.switches.webhook_lost_every
        if every and self.counters["webhooks"] % every == 0:
            return
        made = {"event": event, "context": context_of(event, row)}
        copies = [deepcopy(made) for _ in range(max(1, self.switches.webhook_copies))]
        if self.switches.webhook_disorder and self._held is None:
            self._held = made
            copies = copies[1:]
        else:
            if self._held is not None:
                copies.append(self._held)
            self._held = None
        self.events.extend(copies)
        self.has_events.set()

    def take_webhooks(self) -> list[Row]:
        """What is to be posted now, each once. With nothing else to come, what was held back for disorder comes too."""
        with self.lock:
            found = list(self.events) + ([self._held] if self._held is not None else [])
            self.events.clear()
            self._held = None
            self.has_events.clear()
            return found

    # -- switches and the file ---------------------------------------------------------------------------------------

    def set_switches(self, **changes: Any) -> Switches:
        """Turn some switches now; the others stay. Raises ValueError for an unknown name or value."""
        return self.replace_switches(self.switches.with_changes(changes))

    def replace_switches(self, switches: Switches) -> Switches:
        with self.lock:
            self.switches = switches
            self.since_turned.clear()
            self._keep()
            return switches

    def _take(self, what: str) -> int:
        self._next[what] += 1
        return self._next[what] - 1

    def next_order_number(self) -> str:
        """For an order that a person places on the page."""
        with self.lock:
            return str(self._take("numbers"))

    def _saved(self, row: Row) -> Row:
        self._keep()
        return deepcopy(row)

    def _keep(self) -> None:
        if self.path is None:
            return
        content = {
            "next": dict(self._next),
            "rows": {table: list(found.values()) for table, found in self._rows.items()},
            "sources": self.sources,
            "statuses": self.statuses,
            "fields": self.fields,
            "switches": self.switches.changed(),
        }
        # Written beside and renamed, so that a killed process leaves the old file or the new one, never half of one.
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        beside.replace(self.path)

    def _load(self, content: Mapping[str, Any]) -> None:
        self._next.update({name: number - self._next[name] for name, number in content["next"].items()})
        self._rows = {table: {row["id"]: row for row in found} for table, found in content["rows"].items()}
        self.sources, self.statuses, self.fields = content["sources"], content["statuses"], content["fields"]
        self.switches = Switches().with_changes(content["switches"])
