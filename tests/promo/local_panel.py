"""A panel in memory: what the store's grid would hold, with ways to break. Implements the port; no browser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from promo.errors import CodeRefused, PanelError, PanelReason, PanelTemporary
from promo.ports import GridReading, GridRow, NewCode, RowStatus


class LocalPanel:
    """`rows` is the truth of the far side. `before_*` are called first and may raise, to break a run at that point."""

    def __init__(self) -> None:
        self.rows: dict[str, GridRow] = {}
        self.before_create: Callable[[NewCode], None] = lambda new: None
        self.after_create: Callable[[NewCode], None] = lambda new: None
        self.before_read: Callable[[], None] = lambda: None
        self.created: list[str] = []
        self.silently_loses = False

    def put(
        self,
        code: str,
        amount_uah: int | None = 1100,
        status: RowStatus = RowStatus.ACTIVE,
        valid_until: dt.date | None = None,
    ) -> None:
        self.rows[code] = GridRow(
            code=code, amount_uah=amount_uah, status=status, valid_until=valid_until or dt.date(2027, 3, 14)
        )

    def sign_in(self) -> None:
        pass

    def saved_session(self) -> str:
        return "{}"

    def read_codes(self, *, amount_uah: int | None) -> GridReading:
        self.before_read()
        rows = tuple(row for row in self.rows.values() if amount_uah is None or row.amount_uah in {amount_uah, None})
        return GridReading(rows=rows, total=len(rows))

    def create_code(self, new: NewCode) -> None:
        self.before_create(new)
        if new.code in self.rows:
            raise CodeRefused(PanelReason.DUPLICATE)
        self.created.append(new.code)
        if not self.silently_loses:
            self.put(new.code, new.amount_uah, valid_until=new.valid_until)
        self.after_create(new)

    def check_form(self) -> dict[str, object]:
        return {}

    def delete_codes(self, rows: Sequence[GridRow]) -> None:
        for row in rows:
            self.rows.pop(row.code, None)


def broken(reason: PanelReason) -> PanelError:
    return PanelTemporary(reason)
