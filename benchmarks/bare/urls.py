"""`/claim?amount=100` hands out a code; `/empty` does nothing, which is what Django and the server cost by themselves."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

from benchmarks.handwritten import claim_code


def claim(request: HttpRequest) -> JsonResponse:
    amount = int(request.GET["amount"])
    with transaction.atomic(), connection.cursor() as cursor:
        code = claim_code(cursor, amount_uah=amount, now=dt.datetime.now(dt.UTC))
    return JsonResponse({"success": True, "promo_code": code, "amount": amount})


def empty(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"success": True})


urlpatterns = [path("claim", claim), path("empty", empty)]
