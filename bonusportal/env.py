"""The only reader of the process environment. Settings ask here; nothing else does.

Every variable is listed once in `VARIABLES` with what it means, so that `.env.example` and the checks can be held against it. The predecessor's
names are understood as second names: a deployment can keep its environment.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

import environ


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: `also` are older names that count when the first is not set; `secret` values never reach logs or check messages."""

    name: str
    about: str
    default: str = ""
    also: tuple[str, ...] = ()
    secret: bool = False


VARIABLES = (
    Variable("PORTAL_STAGE", "local, test, or the name of a deployed stage (anything else is deployed)", "local"),
    Variable("DEBUG", "yes only on a developer's machine", ""),
    Variable("SECRET_KEY", "signs sessions and tokens", secret=True),
    Variable("SECRET_KEY_FALLBACKS", "former signing keys, comma separated", secret=True),
    Variable("ALLOWED_HOSTS", "host names of the portal, comma separated", ""),
    Variable("CSRF_TRUSTED_ORIGINS", "origins of the portal behind a proxy, comma separated", ""),
    Variable("DATABASE_URL", "postgres://…; empty: SQLite in VAR_DIR", "", secret=True),
    Variable(
        "REDIS_URL", "redis://…, rediss://… or unix:///path; empty: limits are counted in the database", "", secret=True
    ),
    Variable("BROKER_URL", "sqs:// for queues in the cloud; empty: the broker is REDIS_URL", ""),
    Variable("QUEUE_PREFIX", "what the names of the queues in the cloud begin with", "bonusportal-"),
    Variable("PORTAL_SSM_PATH", "on Lambda: parameters that hold variables as JSON objects, comma separated", ""),
    Variable("VAR_DIR", "where local files live", ""),
    Variable("FIELD_KEYS", "Fernet keys for what is encrypted at rest, newest first, comma separated", secret=True),
    Variable("API_KEYS", "name:secret pairs for signed calls, comma separated, at most two per name", secret=True),
    Variable("LOG_LEVEL", "INFO, DEBUG, WARNING", "INFO"),
    Variable("SENTRY_DSN", "errors are reported there when set", "", secret=True),
    Variable("STOREFRONT_ORIGINS", "exact origins of the shop, comma separated", ""),
    Variable("TRUSTED_PROXIES", "networks whose X-Forwarded-For is believed, comma separated", ""),
    Variable("CLOUDFRONT_SECRET", "value of X-Origin-Secret that CloudFront adds", "", secret=True),
    Variable("GET_CODE_MODE", "open or guarded; empty: open locally, guarded when deployed", ""),
    Variable("OPEN_MODE_DAILY_CAP", "codes per pool and day in open mode", "50"),
    Variable("ON_DEMAND_POOLS", "pools that customers' asking may make in all; 0: none", "0"),
    Variable("RATE_GET_CODE_ADDRESS", "per address", "30/minute"),
    Variable("RATE_GET_CODE_PERSON", "per phone or session", "5/hour"),
    Variable("RATE_BALANCE", "per address", "60/minute"),
    Variable("RATE_REPORT", "per address", "20/minute"),
    Variable("RATE_SESSION_PHONE", "codes asked for, per phone", "3/hour"),
    Variable("RATE_SESSION_ADDRESS", "codes asked for, per address", "20/hour"),
    Variable("RATE_VERIFY_ADDRESS", "codes brought back, per address", "60/hour"),
    Variable("SESSION_FAILED_TRIES_A_DAY", "wrong codes per phone and day", "15"),
    Variable("SESSION_MESSAGES_A_DAY", "messages with a code in all per day", "1000"),
    Variable("SMS_GATEWAY_URL", "where text messages are posted; empty: none are sent", ""),
    Variable("SMS_GATEWAY_KEY", "the gateway's key", "", secret=True),
    Variable("SMS_SENDER", "the name that a text message comes from", ""),
    Variable("EMAIL_URL", "smtp://user:password@host:587; empty: no code goes by e-mail", "", secret=True),
    Variable("EMAIL_FROM", "the address that an e-mail comes from", ""),
    Variable("LOW_WATER", "codes left that make a pool low, for new pools", "3", also=("MIN_CODES_THRESHOLD",)),
    Variable("TARGET_CODES", "codes that a new pool fills up to", "10", also=("TARGET_CODES_PER_AMOUNT",)),
    Variable("BATCH_ISSUES", "issues over all pools that ask for refills", "20", also=("BATCH_THRESHOLD",)),
    Variable("STRENGTH_FLOOR", "guesses that one hit must cost on average, or the pool is warned about", "1000000000"),
    Variable("PANEL_URL", "the codes page of the store's admin panel", "", also=("ADMIN_URL",)),
    Variable("PANEL_USERNAME", "who signs in to the panel", "", also=("ADMIN_USERNAME", "BON_LOGIN"), secret=True),
    Variable("PANEL_PASSWORD", "with which password", "", also=("ADMIN_PASSWORD", "BON_PASSWORD"), secret=True),
    Variable("PANEL_TOTP_SECRET", "second factor by app, when the panel asks for one", "", secret=True),
    Variable("PANEL_HEADED", "yes: a developer watches the browser", "", also=("PLAYWRIGHT_HEADED",)),
    Variable("CHROMIUM_PATH", "a system Chromium; empty: the one Playwright installed", ""),
    Variable("RUN_BUDGET_SECONDS", "a run checkpoints and goes on later after this long", "600"),
    Variable("S3_BUCKET", "bucket of the mirror; empty: files in VAR_DIR", "", also=("SESSION_S3_BUCKET",)),
    Variable("S3_PREFIX", "key prefix of the mirror's documents", "promo-codes/"),
    Variable("PROMO_CODES_S3_KEY", "full key of available_codes.json, when it is not below S3_PREFIX", ""),
    Variable("USED_CODES_S3_KEY", "full key of used_codes_count.json, when it is not below S3_PREFIX", ""),
    Variable("AWS_REGION", "region of bucket and queues", "eu-north-1", also=("AWS_DEFAULT_REGION",)),
    Variable("AWS_ENDPOINT_URL", "an AWS stand-in; empty: AWS", ""),
    Variable(
        "PROGRAM_STARTS_AT",
        "the bonus program's first moment, e.g. 2026-01-01T00:00:00+02:00; orders placed before it move no points",
        "",
    ),
    Variable(
        "ANCHOR_S3_PREFIX",
        "key prefix of the ledger's anchors: the bucket's policy must forbid to delete or overwrite below it",
        "anchors/",
    ),
    Variable("ADJUST_MAX_POINTS", "points that staff may adjust in one action", "500"),
    Variable("ADJUST_DAY_POINTS", "points that one person may adjust in a day", "2000"),
    Variable("KEYCRM_API_TOKEN", "the CRM's key", "", secret=True),
    Variable("KEYCRM_BASE_URL", "the CRM's address", "https://openapi.keycrm.app/v1"),
    Variable(
        "KEYCRM_CALLS_PER_MINUTE", "calls of all processes together; the CRM allows 60, the rest is a margin", "50"
    ),
    Variable(
        "KEYCRM_WEBHOOK_SECRETS",
        "secrets in the webhook's address, comma separated: two are valid at a time",
        "",
        secret=True,
    ),
    Variable("KEYCRM_FIELD_BALANCE", "name of the buyer's field for points that can be spent", "Бонуси"),
    Variable(
        "KEYCRM_FIELD_RESERVED", "name of the buyer's field for points set aside in open orders", "Бонуси в резерві"
    ),
    Variable(
        "KEYCRM_FIELD_EXPIRES_ON", "name of the buyer's field for the last day of the next points", "Бонуси діють до"
    ),
    Variable("KEYCRM_FIELD_HISTORY", "name of the buyer's field for the history", "Історія бонусів"),
    Variable("KEYCRM_FIELD_CARD_ORDER", "name of the pipeline card's field for the order's number", "Номер замовлення"),
    Variable(
        "KEYCRM_FIELD_CARD_POINTS", "name of the pipeline card's field for points to set aside", "Використати бонуси"
    ),
    Variable(
        "KEYCRM_STATUS_STAGES", "statuses that mean something else than their group, e.g. 31:confirmed,40:cancelled", ""
    ),
    Variable("KEYCRM_SHOP_SOURCES", "ids of the CRM's sources that are the shop, comma separated; empty: all are", ""),
    Variable("KEYCRM_CARD_STATUSES", "ids of the statuses in which a pipeline card reserves points; empty: all", ""),
    Variable(
        "KEYCRM_WRITE_BACK",
        "balances reach the buyers' cards: on, off, or after_migration (once it is marked finished)",
        "after_migration",
    ),
    Variable("RATE_CRM_PROXY", "calls of one key to the read-only CRM proxy", "20/minute"),
    Variable("DEMO_PASSWORD", "of the demonstration's staff users, local only; empty: the public ones", secret=True),
)
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def load_dotenv(path: Path) -> None:
    """Read a `.env` file into the environment; what is already set wins."""
    if path.is_file():
        environ.Env.read_env(str(path))


def is_on_lambda() -> bool:
    return bool(os.environ.get("AWS_LAMBDA_FUNCTION_NAME"))


def load_parameters() -> None:
    """On Lambda: take over the variables that PORTAL_SSM_PATH's parameters hold. What is set already wins, then the parameter named first.

    Elsewhere it does nothing: who runs a test or a command must not need the cloud. Raises ParametersUnreadable.
    """
    names = words("PORTAL_SSM_PATH")
    if not (names and is_on_lambda()):
        return
    from bonusportal.parameters import read_parameters

    for variable, value in read_parameters(names, region=text("AWS_REGION")):
        if variable in _BY_NAME and not os.environ.get(variable):
            os.environ[variable] = value


def text(name: str) -> str:
    """The value of a listed variable, stripped; its older names, then its default, where it is unset or empty."""
    variable = _BY_NAME[name]
    for candidate in (variable.name, *variable.also):
        value = os.environ.get(candidate, "").strip()
        if value:
            return value
    return variable.default


def flag(name: str) -> bool:
    return text(name).lower() in {"1", "yes", "true", "on"}


def number(name: str) -> int:
    """A whole number ≥ 0. Raises ValueError naming the variable."""
    value = text(name)
    if not (value.isascii() and value.isdigit()):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return int(value)


def instant(name: str) -> dt.datetime | None:
    """A moment with a time zone, in UTC; None where it is unset or not one (a check says so)."""
    try:
        found = dt.datetime.fromisoformat(text(name))
    except ValueError:
        return None
    return found.astimezone(dt.UTC) if found.tzinfo else None


def words(name: str) -> list[str]:
    return [word.strip() for word in text(name).split(",") if word.strip()]


def database(name: str, default: str) -> dict[str, object]:
    """Django's settings of a database from its address."""
    return dict(environ.Env.db_url_config(text(name) or default))
