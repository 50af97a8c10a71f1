"""What a call to the CRM can end in, drawn as a tree. The client raises *temporary* or *permanent*; its caller decides to retry or to ask a person.

CrmError
├── CrmTemporary          may succeed later; `retry_after_seconds` where somebody named a time
│   ├── RateLimited       over the limit: the CRM said so (429), or our own limiter had no turn left in time
│   ├── CrmUnavailable    no connection, no answer, 5xx, a page instead of JSON, or the breaker is open: nothing was changed
│   └── OutcomeUnknown    something was sent and no usable answer came: it may have been done
└── CrmPermanent          the same call will fail the same way until somebody changes something
    ├── NotConfigured     no key or no address of the CRM in the settings
    ├── Unauthorized      the key is wrong, or has no right to this (401, 403)
    ├── NotFound          the row is not there: deleted, merged away, or never was (404)
    ├── InvalidRequest    the CRM refused what was asked (400, 413, 422); `fields` are its own words per field
    ├── PayloadInvalid    an answer or a webhook that cannot be understood; `where` is the path of the field
    └── FieldsMissing     custom fields that an administrator of the CRM has to make; `steps` say how
`detail` is one sentence for staff and logs: no key, no phone, no name, no value of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CrmError(Exception):
    """`code` is a machine word (also the reason with which a row becomes stuck); `status` is the HTTP status that was seen, 0 where there was none."""

    code = "crm_error"

    def __init__(self, detail: str = "", *, status: int = 0) -> None:
        super().__init__(f"{self.code}: {detail}" if detail else self.code)
        self.detail = detail
        self.status = status


class CrmTemporary(CrmError):
    code = "crm_temporary"

    def __init__(self, detail: str = "", *, status: int = 0, retry_after_seconds: float | None = None) -> None:
        super().__init__(detail, status=status)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(CrmTemporary):
    code = "crm_rate_limited"


class CrmUnavailable(CrmTemporary):
    code = "crm_unavailable"


class OutcomeUnknown(CrmTemporary):
    code = "crm_outcome_unknown"


class CrmPermanent(CrmError):
    code = "crm_permanent"


class NotConfigured(CrmPermanent):
    code = "crm_not_configured"


class Unauthorized(CrmPermanent):
    code = "crm_unauthorized"


class NotFound(CrmPermanent):
    code = "crm_not_found"


class InvalidRequest(CrmPermanent):
    code = "crm_invalid_request"

    def __init__(self, detail: str = "", *, status: int = 0, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(detail, status=status)
        self.fields = {name: tuple(words) for name, words in (fields or {}).items()}


class PayloadInvalid(CrmPermanent):
    code = "crm_payload_invalid"

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(f"{where} is not {expected}")
        self.where = where


class FieldsMissing(CrmPermanent):
    code = "crm_fields_missing"

    def __init__(self, steps: Sequence[str]) -> None:
        super().__init__(" ".join(steps))
        self.steps = tuple(steps)
