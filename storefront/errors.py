"""What can go wrong at the door, drawn as a tree.

PortalError
├── ChannelUnavailable                    400   this stage cannot send that way
├── CodeWrong                             401   with how many tries are left
├── SwitchedOff                           403   staff switched this customer off
├── SessionOver                           409   unknown, used, out of tries or of time: one answer for all
├── TriesExhausted · MessagesExhausted    429   of this phone today · of everybody today
└── StorefrontOff                         503   staff switched the storefront off
MessageError
├── MessageTemporary   the gateway may take it later
├── MessengerRefusesUs  it takes none of ours: a wrong key or address, or an account without money
└── MessagePermanent   it will never take this one
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bonusportal.errors import BadInput, Conflict, Forbidden, TooMany, Unauthorised, Unavailable


class ChannelUnavailable(BadInput):
    code = "channel_unavailable"

    def __init__(self) -> None:
        super().__init__(_("Codes cannot be sent this way here."))


class CodeWrong(Unauthorised):
    code = "code_wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(_("This is not the code that was sent."), details={"tries_left": tries_left})


class SwitchedOff(Forbidden):
    code = "switched_off"

    def __init__(self) -> None:
        super().__init__(_("Bonus points are switched off for this phone number. Please ask the shop."))


class SessionOver(Conflict):
    code = "session_over"

    def __init__(self) -> None:
        super().__init__(_("This code can no longer be used. Please ask for a new one."))


class TriesExhausted(TooMany):
    code = "tries_exhausted"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            _("Too many wrong codes for this phone number today. Please try again tomorrow or ask the shop."),
            retry_after_seconds=retry_after_seconds,
        )


class MessagesExhausted(TooMany):
    code = "messages_exhausted"

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(_("No more codes can be sent today."), retry_after_seconds=retry_after_seconds)


class StorefrontOff(Unavailable):
    code = "storefront_off"

    def __init__(self) -> None:
        super().__init__(_("Bonus points are switched off for the moment."), retry_after_seconds=300)


class MessageError(Exception):
    """What became of a message. The text is free of personal data."""


class MessageTemporary(MessageError):
    """Not taken, or nobody knows; sending it again does no harm."""


class MessengerRefusesUs(MessageError):
    """It says nothing of the message or of the phone: staff have to see to it, and the message waits."""


class MessagePermanent(MessageError):
    """Refused for good."""
