"""The rows of the simulated CRM and everything that can happen to them. Knows nothing of HTTP.

Account     rows, dictionaries, switches, events, the file
 Buyers     and buyers' cards
  Orders    and orders
   CrmState and cards of the pipeline: the whole
"""

from collections.abc import Mapping
from typing import Any

from demo.crm import samples
from demo.crm.account import RefusedError, UnknownRowError
from demo.crm.orders import Orders
from demo.crm.rows import Row

__all__ = ["CrmState", "RefusedError", "UnknownRowError"]


class CrmState(Orders):
    """One account, whole."""

    def create_card(self, *, client_id: int, title: str = "", order_id: int | None = None) -> Row:
        with self.lock:
            now = self.now()
            row: Row = {
                "id": self._take("cards"),
                "contact_id": client_id,
                "client_id": client_id,
                "source_id": self.sources[0]["id"],
                "manager_id": None,
                "target_id": order_id,
                "target_type": "order" if order_id else None,
                "status_id": samples.CARD_STATUSES[0]["id"],
                "title": title,
                "custom_fields": {},
                "status_changed_at": now,
                "created_at": now,
                "updated_at": now,
            }
            self._rows["cards"][row["id"]] = row
            return self._saved(row)

    def update_card(
        self, number: int, *, status_id: int | None = None, custom_fields: Mapping[str, Any] | None = None
    ) -> Row:
        with self.lock:
            row = self._row("cards", number)
            self._write_fields(row, custom_fields)
            row["updated_at"] = self.now()
            if status_id is not None:
                if status_id not in {one["id"] for one in samples.CARD_STATUSES}:
                    raise RefusedError(status_id="The selected status id is invalid.")
                row.update(status_id=status_id, status_changed_at=self.now())
                self._note("lead.change_lead_status", row)
            return self._saved(row)
