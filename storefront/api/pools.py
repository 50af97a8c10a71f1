"""Pools, for servers that sign: which amounts there are and how many codes each has."""

from __future__ import annotations

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router

from promo.models import CodeState, Pool
from storefront.api.answering import PoolsTold, PoolTold, answers
from storefront.api.callers import Signed

router = Router(tags=["pools"], auth=Signed())


@router.get(
    "/pools",
    response=answers(PoolsTold, 401),
    operation_id="pools",
    summary=gettext_noop("Amounts and how many codes each has"),
    description=gettext_noop(
        "Signed by X-Bonus-Key, X-Bonus-Timestamp (epoch seconds) and X-Bonus-Signature: hexadecimal HMAC-SHA256 of timestamp, method, path and body, on lines."
    ),
)
def tell_pools(request: HttpRequest) -> PoolsTold:
    has_codes = Count("codes", filter=Q(codes__state=CodeState.AVAILABLE))
    pools = Pool.objects.filter(is_active=True).annotate(available=has_codes).order_by("amount_uah")
    return PoolsTold(
        pools=[
            PoolTold(amount=pool.amount_uah, available=pool.available, is_low=pool.available <= pool.low_water)
            for pool in pools
        ]
    )
