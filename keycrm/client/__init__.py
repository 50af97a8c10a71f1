"""The client of the CRM: one method per call that the portal needs. Address, key, transport and the shared line come in as arguments.

    crm = KeyCrm(base_url=…, token=…, line=…)              background: patient, behind the interactive ones
    crm = KeyCrm(base_url=…, token=…, line=…, urgent=True)  a person waits
Every method raises CrmError (keycrm.errors) or returns payloads (keycrm.payloads). keycrm.wiring builds it from settings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from bonusportal.phones import PhoneInvalid, normalise_phone
from keycrm.client.asking import Span, as_fields, as_number, between, buyer_params, filled, filters, include
from keycrm.client.calling import Caller, Timeouts
from keycrm.client.lists import MAX_PAGE, Lists
from keycrm.errors import InvalidRequest, NotConfigured, NotFound
from keycrm.payloads import Buyer, Card, CustomField, Order, OrderStatus, Page, Source, Tag, digits_of
from keycrm.ports import Line, OpenLine

if TYPE_CHECKING:
    import requests

__all__ = ["ORDER_PARTS", "KeyCrm", "Timeouts"]

ORDER_PARTS = ("buyer", "products.offer", "status", "payments", "tags", "custom_fields")
BUYER_PARTS = ("custom_fields", "loyalty")
CARD_PARTS = ("contact.client", "custom_fields")
URGENT_PATIENCE_SECONDS, PATIENCE_SECONDS = 6.0, 150.0


class KeyCrm:
    """See the module."""

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        session: requests.Session | None = None,
        line: Line | None = None,
        urgent: bool = False,
        patience_seconds: float | None = None,
        timeouts: Timeouts | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not (base_url and token):
            raise NotConfigured("KEYCRM_BASE_URL or KEYCRM_API_TOKEN is not set")
        if session is None:
            import requests

            session = requests.Session()
        if patience_seconds is None:
            patience_seconds = URGENT_PATIENCE_SECONDS if urgent else PATIENCE_SECONDS
        self._caller = Caller(
            base_url=base_url.rstrip("/"),
            token=token,
            session=session,
            line=line or OpenLine(),
            urgent=urgent,
            patience_seconds=patience_seconds,
            timeouts=timeouts or (Timeouts(read_seconds=5.0, whole_seconds=6.0) if urgent else Timeouts()),
            sleep=sleep,
            clock=clock,
        )
        self._lists = Lists(self._caller, sleep=sleep)

    # --- buyers ---------------------------------------------------------------------------------------------------------------------------

    def buyers_by_phone(self, phone: str) -> tuple[Buyer, ...]:
        """Every card with that phone, with custom fields; oldest first. Several are normal: the CRM joins only equal name *and* phone."""
        canonical = normalise_phone(phone)
        digits = digits_of(canonical)
        # The filter is an exact match and accounts differ in what they store: both forms in one call, compared here.
        found = self._lists.every(
            "/buyer", Buyer.from_json, buyer_params(phones=(digits, canonical), parts=BUYER_PARTS)
        )
        return tuple(buyer for buyer in found if canonical in buyer.canonical_phones)

    def buyers_by_email(self, email: str) -> tuple[Buyer, ...]:
        """Every card with that e-mail, with custom fields."""
        wanted = email.strip().casefold()
        if not wanted or "," in wanted:  # a comma would ask for two
            return ()
        found = self._lists.every("/buyer", Buyer.from_json, buyer_params(emails=(email.strip(),), parts=BUYER_PARTS))
        return tuple(buyer for buyer in found if wanted in {one.casefold() for one in buyer.emails})

    def buyers(
        self,
        *,
        page: int = 1,
        ids: Sequence[int] = (),
        created: Span | None = None,
        updated: Span | None = None,
        parts: Sequence[str] = BUYER_PARTS,
    ) -> Page[Buyer]:
        """One page of fifty. Cards that cannot be understood are named in `unreadable`."""
        params = buyer_params(ids=ids, created=created, updated=updated, parts=parts)
        return self._lists.page("/buyer", Buyer.from_json, params, page=page, is_lenient=True)

    def buyer(self, buyer_id: int) -> Buyer:
        """Raises NotFound also for a card that was merged into another one: ask by phone again."""
        return Buyer.from_json(self._caller.call("GET", f"/buyer/{buyer_id:d}", params=[include(BUYER_PARTS)]))

    def create_buyer(
        self,
        *,
        full_name: str,
        phones: Sequence[str] = (),
        emails: Sequence[str] = (),
        custom_fields: Mapping[str, str] | None = None,
    ) -> Buyer:
        """A new card. Where an answer was lost, the card is looked for before anything is repeated."""
        body = filled(
            full_name=full_name, phone=list(phones), email=list(emails), custom_fields=as_fields(custom_fields)
        )

        def look() -> Buyer | None:
            known = [buyer for phone in phones for buyer in self._look_by_phone(phone)]
            known += [buyer for email in emails if not phones for buyer in self.buyers_by_email(email)]
            return next((buyer for buyer in known if buyer.full_name.strip() == full_name.strip()), None)

        return self._lists.post("/buyer", body, Buyer.from_json, look)

    def update_buyer(
        self, buyer_id: int, *, full_name: str, custom_fields: Mapping[str, str] | None = None, note: str | None = None
    ) -> Buyer:
        """Write fields (uuid → value) on a card. The name is always sent, because the CRM asks for it; phones and e-mails never: a list would
        replace what stands there.
        """
        body = filled(full_name=full_name, note=note, custom_fields=as_fields(custom_fields))
        return Buyer.from_json(self._caller.call("PUT", f"/buyer/{buyer_id:d}", body=body))

    # --- orders ---------------------------------------------------------------------------------------------------------------------------

    def orders(
        self,
        *,
        page: int = 1,
        limit: int = MAX_PAGE,
        source_ids: Sequence[int] = (),
        status_ids: Sequence[int] = (),
        source_uuids: Sequence[str] = (),
        phone: str = "",
        created: Span | None = None,
        updated: Span | None = None,
        parts: Sequence[str] = ORDER_PARTS,
        sort: str = "id",
    ) -> Page[Order]:
        """One page. `created` goes by the moment at the source, not by when the CRM learned of the order. An order may be missing from `updated`
        until somebody touches it: poll both. Orders that cannot be understood are named in `unreadable`.
        """
        phones = (digits_of(normalise_phone(phone)), normalise_phone(phone)) if phone else ()
        params = [
            *filters(
                source_id=[str(one) for one in source_ids],
                status_id=[str(one) for one in status_ids],
                source_uuid=source_uuids,
                buyer_phone=phones,
                created_between=between(created),
                updated_between=between(updated),
            ),
            include(parts),
            ("sort", sort),
        ]
        return self._lists.page("/order", Order.from_json, params, page=page, limit=limit, is_lenient=True)

    def orders_by_number(self, number: str, *, source_id: int | None = None) -> tuple[Order, ...]:
        """Every order with these digits at its source: more than one when it was split or entered twice."""
        digits = digits_of(number)
        if not digits:
            return ()
        params = [
            *filters(source_uuid=(digits, f"#{digits}"), source_id=[str(source_id)] if source_id else ()),
            include(ORDER_PARTS),
            ("sort", "id"),
        ]
        return tuple(order for order in self._lists.every("/order", Order.from_json, params) if order.number == digits)

    def order(self, order_id: int) -> Order:
        """Raises NotFound for an order that staff deleted."""
        return Order.from_json(self._caller.call("GET", f"/order/{order_id:d}", params=[include(ORDER_PARTS)]))

    def update_order(
        self,
        order_id: int,
        *,
        discount_amount: Decimal | None = None,
        status_id: int | None = None,
        manager_comment: str | None = None,
        custom_fields: Mapping[str, str] | None = None,
    ) -> Order:
        """Write what the CRM lets write: never buyer, promo code, payments or tags. The answer carries no included parts."""
        body = filled(
            discount_amount=as_number(discount_amount),
            status_id=status_id,
            manager_comment=manager_comment,
            custom_fields=as_fields(custom_fields),
        )
        return Order.from_json(self._caller.call("PUT", f"/order/{order_id:d}", body=body))

    # --- dictionaries ---------------------------------------------------------------------------------------------------------------------

    def statuses(self) -> tuple[OrderStatus, ...]:
        """Active ones only: the CRM shows no others."""
        return tuple(self._lists.every("/order/status", OrderStatus.from_json, [("sort", "id")]))

    def sources(self) -> tuple[Source, ...]:
        return tuple(self._lists.every("/order/source", Source.from_json, [("sort", "id")]))

    def tags(self) -> tuple[Tag, ...]:
        return tuple(self._lists.every("/order/tag", Tag.from_json, [("sort", "id")]))

    def custom_fields(self, *models: str) -> tuple[CustomField, ...]:
        """All fields of these models (order, lead, client, crm_product). A bare array, not a page."""
        found = self._caller.call("GET", "/custom-fields", params=filters(model=models))
        rows = found.get("data") if isinstance(found, dict) else found
        if not isinstance(rows, list):
            raise NotConfigured("the list of custom fields is not a list: is KEYCRM_BASE_URL the address of the API?")
        return tuple(CustomField.from_json(row, f"custom_fields[{place}]") for place, row in enumerate(rows))

    # --- cards of a pipeline ----------------------------------------------------------------------------------------------------------------

    def cards(self, *, page: int = 1, pipeline_id: int | None = None, updated: Span | None = None) -> Page[Card]:
        """One page. Raises InvalidRequest where pipelines are switched off."""
        params = [
            *filters(
                pipeline_id=[str(pipeline_id)] if pipeline_id else (),
                updated_between=between(updated),
            ),
            include(CARD_PARTS),
        ]
        return self._lists.page("/pipelines/cards", Card.from_json, params, page=page)

    def pipelines_are_on(self) -> bool:
        try:
            self._caller.call("GET", "/pipelines/cards", params=[("limit", "1")])
        except InvalidRequest:
            return False
        return True

    def card(self, card_id: int) -> Card:
        found = self._caller.call("GET", f"/pipelines/cards/{card_id:d}", params=[include(CARD_PARTS)])
        # The description says "a page with one card", live accounts answer with the card.
        if isinstance(found, dict) and isinstance(found.get("data"), list) and "id" not in found:
            for card in Page.from_json(found, Card.from_json, "card").items:
                if card.id == card_id:
                    return card
            raise NotFound("there is no such card", status=404)
        return Card.from_json(found)

    def update_card(self, card_id: int, *, custom_fields: Mapping[str, str]) -> None:
        self._caller.call("PUT", f"/pipelines/cards/{card_id:d}", body={"custom_fields": as_fields(custom_fields)})

    def _look_by_phone(self, phone: str) -> tuple[Buyer, ...]:
        try:
            return self.buyers_by_phone(phone)
        except PhoneInvalid:
            return ()
