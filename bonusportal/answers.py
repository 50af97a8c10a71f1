"""The one shape of every error: `{"success": false, "error": sentence, "code": word, "message": the same sentence}` with the right status."""

from __future__ import annotations

from django.http import JsonResponse

from bonusportal.errors import PortalError


def error_answer(error: PortalError) -> JsonResponse:
    sentence = str(error.message)
    response = JsonResponse(
        {"success": False, "error": sentence, "code": error.code, "message": sentence, **error.details},
        status=error.status,
        json_dumps_params={"ensure_ascii": False},
    )
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response
