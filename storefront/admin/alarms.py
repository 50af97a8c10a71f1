"""What of the door stands on the stock board until somebody has seen to it: a messenger that takes nothing of ours, so that nobody can prove a phone."""

from __future__ import annotations

import datetime as dt

from django.urls import reverse
from django.utils.translation import gettext as _

from promo.admin.board import WATCHERS, Banner
from storefront.models import Channel
from storefront.services import sending


def find_banners(now: dt.datetime) -> list[Banner]:
    where = reverse("admin:storefront_proof_changelist")
    return [
        Banner(
            "danger",
            "sms_failed",
            _("No digits go out by %(channel)s: whoever carries them takes no messages of ours.")
            % {"channel": Channel(channel).label},
            _(
                "Look at its key, its address and the account's money. Messages are tried again while their digits are good."
            ),
            since,
            address=where,
        )
        for channel, since in sending.refused_us_since().items()
    ]


WATCHERS.append(find_banners)
