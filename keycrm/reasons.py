"""Why something of the CRM waits for a person, or was ignored: machine words in rows, sentences on pages. Words of the client's errors are reasons as well."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Reason(StrEnum):
    UNREADABLE = "unreadable"
    UNKNOWN_EVENT = "unknown_event"
    NO_NUMBER = "no_number"
    HISTORY = "history"
    SAME_NUMBER = "same_number"
    VANISHED = "vanished"
    PART_VANISHED = "part_vanished"
    PARENT_LOOP = "parent_loop"
    NO_MOMENT = "no_moment"
    NO_PAYER = "no_payer"
    SET_ASIDE = "set_aside"
    DROPPED = "dropped"
    NO_BUYER = "no_buyer"
    CHANGED_BY_HAND = "changed_by_hand"
    SHARED_CARD = "shared_card"
    CARD_WITHOUT_ORDER = "card_without_order"
    CARD_WITHOUT_POINTS = "card_without_points"
    CARD_OTHER_STATUS = "card_other_status"
    RESERVED_BEFORE = "reserved_before"
    NOTHING_LEFT = "nothing_left"
    ORDER_CLOSED = "order_closed"
    DISCOUNT_CHANGED = "discount_changed"
    DISCOUNT_UNPAID = "discount_unpaid"
    ORDER_OF_ANOTHER = "order_of_another"
    CARD_USED = "card_used"
    GIVEN_BACK = "given_back"
    CANNOT_APPLY = "cannot_apply"
    UNEXPECTED = "unexpected"
    WORKERS_DIED = "workers_died"


SENTENCES = {
    Reason.UNREADABLE: _("What was sent cannot be understood."),
    Reason.UNKNOWN_EVENT: _("An event of a kind that says nothing about orders or cards."),
    Reason.NO_NUMBER: _("It names no order and no card."),
    Reason.HISTORY: _("Placed before the program started: it moves nothing."),
    Reason.SAME_NUMBER: _(
        "Two orders of the CRM have the same number and neither is split off from the other. Set one of them aside."
    ),
    Reason.VANISHED: _("The CRM has not had this order for a day. Decide what that means."),
    Reason.PART_VANISHED: _("The CRM has not had one part of this order for a day. Decide what that means."),
    Reason.PARENT_LOOP: _("The chain of orders that it was split off from does not end."),
    Reason.NO_MOMENT: _("The CRM does not say when it was placed."),
    Reason.NO_PAYER: _(
        "A code that was handed out without a hold stands in an order without a phone: nobody can pay for it."
    ),
    Reason.SET_ASIDE: _("A person set this order aside."),
    Reason.DROPPED: _("Older than what was applied, or than what a person decided: it changes nothing."),
    Reason.NO_BUYER: _("Nobody in the CRM has this phone."),
    Reason.CHANGED_BY_HAND: _("Changed by hand in the CRM."),
    Reason.SHARED_CARD: _(
        "One card of the CRM has the phones of several customers. Merge these customers, or take a phone off the card and try again."
    ),
    Reason.CARD_WITHOUT_ORDER: _("The card names no order that the CRM knows."),
    Reason.CARD_WITHOUT_POINTS: _("The card asks for no points."),
    Reason.CARD_OTHER_STATUS: _("The card is in a status that reserves nothing."),
    Reason.RESERVED_BEFORE: _("Points were reserved by hand for this order before."),
    Reason.NOTHING_LEFT: _("There are no points, or the order's discounts have used up its share."),
    Reason.ORDER_CLOSED: _("The order is completed or cancelled: nothing can be reserved for it."),
    Reason.DISCOUNT_CHANGED: _("The order's discount was changed by hand after the points were reserved."),
    Reason.DISCOUNT_UNPAID: _(
        "The discount was written at the moment at which the points were given back. Take it off the order in the CRM, then look once more."
    ),
    Reason.ORDER_OF_ANOTHER: _("The order that was found is not the card's contact's: another phone stands in it."),
    Reason.CARD_USED: _(
        "This card was used for another order or for other points. Make a new card, or put back what was reserved and look once more."
    ),
    Reason.GIVEN_BACK: _("The points that this card reserved were given back."),
    Reason.CANNOT_APPLY: _("The ledger refused it."),
    Reason.UNEXPECTED: _(
        "It failed several times in a way that nobody foresaw. Tell whoever looks after the portal, then look once more."
    ),
    Reason.WORKERS_DIED: _(
        "One worker after the other died at it. Tell whoever looks after the portal, then look once more."
    ),
    "crm_unauthorized": _("The CRM refuses our key."),
    "crm_not_configured": _("No key or address of the CRM is configured."),
    "crm_not_found": _("The CRM does not know it."),
    "crm_invalid_request": _("The CRM refused what was asked."),
    "crm_payload_invalid": _("The CRM's answer cannot be understood."),
    "crm_fields_missing": _("Custom fields are missing in the CRM."),
}


def say_reason(word: str) -> str:
    """The sentence of a stored word; the word itself where there is none."""
    return str(SENTENCES.get(word, word))
