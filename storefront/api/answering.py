"""What is answered: one class for each answer, so that the document tells the truth, and which refusals a path can give."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import ConfigDict, Field


def _one_of(*words: str) -> Any:
    return Field(json_schema_extra={"enum": list(words)})


ChannelWord = Annotated[str, _one_of("console", "sms", "email")]
RedemptionState = Annotated[str, _one_of("open", "releasing", "captured", "released", "expired")]
NoticeKind = Annotated[str, _one_of("credit", "returned", "spend", "expiring", "expired", "clawback", "debt", "repaid", "adjusted")]  # fmt: skip


class Refusal(Schema):
    """The one shape of every refusal. Some carry more fields, named by their code."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "description": gettext_noop("The one shape of every refusal. Some carry more fields, named by their code.")
        },
    )
    success: Literal[False]
    error: str
    code: str
    message: str


class SessionStarted(Schema):
    session: str
    channel: ChannelWord
    expires_at: dt.datetime
    digits: Literal[6] = 6


class SessionProven(Schema):
    token: str
    expires_at: dt.datetime


class Expiring(Schema):
    points: int
    last_day: dt.date


class RedemptionShown(Schema):
    id: str
    promo_code: str | None
    points: int
    status: RedemptionState
    expires_at: dt.datetime | None


class BalanceShown(Schema):
    available: int
    held: int
    expected: int
    pending: int
    debt: int
    expiring: list[Expiring]
    max_payable: int | None
    payable: list[int]
    redemption: RedemptionShown | None


class RedemptionMade(Schema):
    id: str
    promo_code: str
    points: int
    expires_at: dt.datetime | None


class ReleaseAsked(Schema):
    id: str
    status: RedemptionState


class OrderReported(Schema):
    points_expected: int


class NoticeTold(Schema):
    kind: NoticeKind
    points: int
    at: dt.datetime
    cursor: str
    order_id: str | None = None
    last_day: dt.date | None = None
    days: int | None = None


class NoticesTold(Schema):
    notices: list[NoticeTold]
    cursor: str
    has_more: bool


class Acknowledged(Schema):
    success: Literal[True] = True


class PoolTold(Schema):
    amount: int
    available: int
    is_low: bool


class PoolsTold(Schema):
    pools: list[PoolTold] = Field(default_factory=list)


def answers(good: type[Schema], *statuses: int, status: int = 200) -> dict[int, Any]:
    """`response=` of a path: its success, its own refusals, and those that every path can give."""
    always = {400, 403, 405, 413, 429, 503}
    return {status: good, **dict.fromkeys(sorted({*always, *statuses}), Refusal)}
