"""All settings. Values come through bonusportal.env only; what is derived or fixed is decided here.

Strict unless the stage is `local`: a deployed stage gets no default secret, no debug, no open hosts; bonusportal.checks says what is missing.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from bonusportal import env, logs, schedules

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(BASE_DIR / ".env")
env.load_parameters()

STAGE = env.text("PORTAL_STAGE")
IS_LOCAL = STAGE in {"local", "test"}
IS_ON_LAMBDA = env.is_on_lambda()
DEBUG = env.flag("DEBUG") if env.text("DEBUG") else STAGE == "local"
VAR_DIR = Path(env.text("VAR_DIR") or BASE_DIR / "var")

# An example key is enough on a laptop; the checks refuse it everywhere else.
EXAMPLE_SECRET_KEY = "local-example-key-that-signs-nothing-of-value-0000000000"  # noqa: S105
SECRET_KEY = env.text("SECRET_KEY") or (EXAMPLE_SECRET_KEY if IS_LOCAL else "")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
FIELD_KEYS = env.words("FIELD_KEYS") or (
    [base64.urlsafe_b64encode(hashlib.sha256(SECRET_KEY.encode()).digest()).decode()] if IS_LOCAL else []
)
API_KEYS = env.words("API_KEYS")

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or (["localhost", "127.0.0.1", "[::1]", "testserver"] if IS_LOCAL else [])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    # Not its default configuration: that one would put a site of its own in the place of ours.
    "bonusportal.apps.LookConfig",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "bonusportal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "corsheaders",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "import_export",
    "simple_history",
    "bonusportal.apps.FrameConfig",
    "promo.apps.PromoConfig",
    "bonuses.apps.BonusesConfig",
    "keycrm.apps.KeyCrmConfig",
    "storefront.apps.StorefrontConfig",
]

MIDDLEWARE = [
    "bonusportal.middleware.RequestFrame",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bonusportal.origins.ForeignOrigins",
    "corsheaders.middleware.CorsMiddleware",
    "bonusportal.short_way.ShortWay",
    "bonusportal.middleware.RefuseNul",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "bonusportal.urls"
WSGI_APPLICATION = "bonusportal.wsgi.application"
# The drop-in paths accept a trailing slash by themselves; a redirect would lose a POST's body.
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- rows ---------------------------------------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # Without all three, concurrent claims fail with "database is locked": IMMEDIATE takes the write lock at BEGIN, WAL lets readers go on,
    # the timeout waits for it.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
    VAR_DIR.mkdir(parents=True, exist_ok=True)
else:
    DATABASES["default"].setdefault("OPTIONS", {})
    DATABASES["default"]["CONN_MAX_AGE"] = (
        60 if IS_LOCAL else 0
    )  # behind RDS Proxy a connection is held per request only
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = not IS_LOCAL
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker and tasks -----------------------------------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
BROKER_URL = env.text("BROKER_URL")
QUEUE_PREFIX = env.text("QUEUE_PREFIX")
CELERY_BROKER_URL = BROKER_URL or REDIS_URL.replace("unix://", "redis+socket://", 1) or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_DEFAULT_QUEUE = schedules.DEFAULT_QUEUE
CELERY_TASK_ROUTES = schedules.ROUTES
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    # Above the hard limit, or a long run would be delivered a second time while the first still works.
    "visibility_timeout": 1200,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A shopper never waits for the broker: a lost nudge costs only delay.
    "socket_connect_timeout": 0.2,
}
if BROKER_URL.startswith("sqs:"):
    # For a Celery worker on a server that shares the queues; functions need none of it (bonusportal.queues).
    CELERY_BROKER_TRANSPORT_OPTIONS |= {"region": env.text("AWS_REGION"), "queue_name_prefix": QUEUE_PREFIX}
CELERY_BEAT_SCHEDULE = schedules.for_celery()
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- caches: only what may be lost --------------------------------------------------------------------------------------------------------------
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- staff ---------------------------------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "bonusportal.middleware.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "bonusportal.signing_in.show_locked_out"
OTP_TOTP_ISSUER = "Bonus portal"
SILENCED_SYSTEM_CHECKS = ["axes.W003"]
LOGIN_URL = "admin:login"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

# --- what a browser is told ------------------------------------------------------------------------------------------------------------------
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_LOCAL
SECURE_SSL_REDIRECT = (
    False  # API Gateway and CloudFront speak HTTPS only; a redirect inside would loop behind a plain proxy
)
SECURE_HSTS_SECONDS = 0 if IS_LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not IS_LOCAL
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    },
}
# The admin theme needs these two, and only there (bonusportal.apps.PortalAdminSite applies it).
ADMIN_CSP = {"script-src": ["'self'", "'unsafe-eval'"], "style-src": ["'self'", "'unsafe-inline'"]}

STOREFRONT_ORIGINS = env.words("STOREFRONT_ORIGINS")
CORS_ALLOWED_ORIGINS = STOREFRONT_ORIGINS
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_METHODS = ["GET", "POST", "DELETE", "OPTIONS"]
# The first seven are the predecessor's; the page scripts may still send them.
CORS_ALLOW_HEADERS = [
    "content-type",
    "x-amz-date",
    "authorization",
    "x-api-key",
    "x-amz-security-token",
    "x-requested-with",
    "accept-language",
    "idempotency-key",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = ["Idempotent-Replayed", "Retry-After", "X-Request-ID"]
CORS_PREFLIGHT_MAX_AGE = 86_400
DATA_UPLOAD_MAX_MEMORY_SIZE = (
    12 * 1024 * 1024
)  # an imported file; JSON bodies are cut at 64 KiB by bonusportal.jsonbody

TRUSTED_PROXIES = [ipaddress.ip_network(word) for word in env.words("TRUSTED_PROXIES")]
CLOUDFRONT_SECRET = env.text("CLOUDFRONT_SECRET")

# --- the program ------------------------------------------------------------------------------------------------------------------------------
GET_CODE_MODE = env.text("GET_CODE_MODE") or ("open" if IS_LOCAL else "guarded")
OPEN_MODE_DAILY_CAP = env.number("OPEN_MODE_DAILY_CAP")
ON_DEMAND_POOLS = env.number("ON_DEMAND_POOLS")
# Each from its variable: `balance` from RATE_BALANCE.
LIMITED = (
    *("get_code_address", "get_code_person", "balance", "report"),
    *("session_phone", "session_address", "verify_address", "crm_proxy"),
)
RATE_LIMITS = {name: env.text(f"RATE_{name.upper()}") for name in LIMITED}
SESSION_FAILED_TRIES_A_DAY = env.number("SESSION_FAILED_TRIES_A_DAY")
SESSION_MESSAGES_A_DAY = env.number("SESSION_MESSAGES_A_DAY")
SMS_GATEWAY_URL = env.text("SMS_GATEWAY_URL")
SMS_GATEWAY_KEY = env.text("SMS_GATEWAY_KEY")
SMS_SENDER = env.text("SMS_SENDER")
EMAIL_URL = env.text("EMAIL_URL")
EMAIL_FROM = env.text("EMAIL_FROM")
LOW_WATER = env.number("LOW_WATER")
TARGET_CODES = env.number("TARGET_CODES")
BATCH_ISSUES = env.number("BATCH_ISSUES")
# A milliard: a thousand addresses that guess at 30 a minute each need three weeks for one hit.
STRENGTH_FLOOR = env.number("STRENGTH_FLOOR")

# On a laptop everything counts; a deployed stage has to say since when.
PROGRAM_STARTS_AT = env.instant("PROGRAM_STARTS_AT") or (dt.datetime(2000, 1, 1, tzinfo=dt.UTC) if IS_LOCAL else None)
ANCHOR_PREFIX = env.text("ANCHOR_S3_PREFIX").strip("/") + "/"
ADJUST_MAX_POINTS = env.number("ADJUST_MAX_POINTS")
ADJUST_DAY_POINTS = env.number("ADJUST_DAY_POINTS")

PANEL_URL = env.text("PANEL_URL")
PANEL_USERNAME = env.text("PANEL_USERNAME")
PANEL_PASSWORD = env.text("PANEL_PASSWORD")
PANEL_TOTP_SECRET = env.text("PANEL_TOTP_SECRET")
PANEL_HEADED = env.flag("PANEL_HEADED")
CHROMIUM_PATH = env.text("CHROMIUM_PATH")
RUN_BUDGET_SECONDS = env.number("RUN_BUDGET_SECONDS")

S3_BUCKET = env.text("S3_BUCKET")
S3_PREFIX = env.text("S3_PREFIX").strip("/") + "/"
MIRROR_CODES_KEY = env.text("PROMO_CODES_S3_KEY") or S3_PREFIX + "available_codes.json"
MIRROR_COUNTS_KEY = env.text("USED_CODES_S3_KEY") or S3_PREFIX + "used_codes_count.json"
MIRROR_CODES_PER_POOL = 200
AWS_REGION = env.text("AWS_REGION")
AWS_ENDPOINT_URL = env.text("AWS_ENDPOINT_URL")

KEYCRM_API_TOKEN = env.text("KEYCRM_API_TOKEN")
KEYCRM_BASE_URL = env.text("KEYCRM_BASE_URL")
KEYCRM_CALLS_PER_MINUTE = env.number("KEYCRM_CALLS_PER_MINUTE")
KEYCRM_WEBHOOK_SECRETS = env.words("KEYCRM_WEBHOOK_SECRETS")
# What the program's custom fields are called in the CRM. Their uuids differ between accounts and are looked up by name.
_FIELD_ROLES = ("balance", "reserved", "expires_on", "history", "card_order", "card_points")
KEYCRM_FIELDS = {role: env.text(f"KEYCRM_FIELD_{role.upper()}") for role in _FIELD_ROLES}
KEYCRM_STATUS_STAGES, KEYCRM_SHOP_SOURCES = env.words("KEYCRM_STATUS_STAGES"), env.words("KEYCRM_SHOP_SOURCES")
KEYCRM_CARD_STATUSES, KEYCRM_WRITE_BACK = env.words("KEYCRM_CARD_STATUSES"), env.text("KEYCRM_WRITE_BACK")

DEMO_PASSWORD = env.text("DEMO_PASSWORD") if IS_LOCAL else ""

# --- files ----------------------------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# A zip for Lambda brings its own, collected when it was packaged (tools/lambda_zip.py).
_PACKAGED_STATIC = BASE_DIR / "collected"
STATIC_ROOT = _PACKAGED_STATIC if _PACKAGED_STATIC.is_dir() else VAR_DIR / "static"
if IS_LOCAL:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
MEDIA_ROOT = VAR_DIR / "files"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if not DEBUG and STAGE != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if S3_BUCKET:
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "location": "portal",
            "region_name": AWS_REGION,
            "endpoint_url": AWS_ENDPOINT_URL or None,
            "default_acl": None,
            "querystring_auth": True,
            "file_overwrite": False,
            "object_parameters": {"ServerSideEncryption": "AES256"},
        },
    }
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# --- words and times ----------------------------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "uk"
LANGUAGES = [("uk", _("Ukrainian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Kyiv"
LANGUAGE_COOKIE_NAME = "portal_language"

LOGGING = logs.configuration(level=env.text("LOG_LEVEL"), stage=STAGE)
SENTRY_DSN = env.text("SENTRY_DSN")

from bonusportal.theme import UNFOLD  # noqa: E402, F401  # the admin's look, a page of its own
