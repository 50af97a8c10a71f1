"""Messengers built from settings, and which of them this stage has."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext

from storefront.errors import ChannelUnavailable
from storefront.models import Channel
from storefront.ports import Messenger


def channels() -> list[Channel]:
    """Ways to send that are set up, the usual one first."""
    found = []
    if settings.SMS_GATEWAY_URL:
        found.append(Channel.SMS)
    if settings.IS_LOCAL:
        found.append(Channel.CONSOLE)
    if settings.EMAIL_URL:
        found.append(Channel.EMAIL)
    return found


def channel_for(asked: str | None) -> Channel:
    """The channel asked for, or the usual one. Raises ChannelUnavailable."""
    known = channels()
    if asked is None and known:
        return known[0]
    for channel in known:
        if channel.value == asked:
            return channel
    raise ChannelUnavailable


def messenger_for(channel: str) -> Messenger:
    """Raises ChannelUnavailable."""
    if channel == Channel.SMS and settings.SMS_GATEWAY_URL:
        from storefront.adapters.sms_gateway import SmsGateway

        return SmsGateway(url=settings.SMS_GATEWAY_URL, key=settings.SMS_GATEWAY_KEY, sender=settings.SMS_SENDER)
    if channel == Channel.EMAIL and settings.EMAIL_URL:
        from storefront.adapters.mail import Mail

        return Mail(url=settings.EMAIL_URL, sender=settings.EMAIL_FROM, subject=gettext("Your code"))
    if channel == Channel.CONSOLE and settings.IS_LOCAL:
        from storefront.adapters.console import Console

        return Console()
    raise ChannelUnavailable
