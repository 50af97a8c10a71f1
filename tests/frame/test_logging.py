"""Log lines: JSON on deployed stages, ids on each, nothing in them that is worth money or a person's."""

import json
import logging

import pytest

from bonusportal import context, logs


def line(message, *arguments, stage="production", exc_info=None):
    record = logging.LogRecord("promo", logging.INFO, __file__, 1, message, arguments, exc_info)
    assert logs.MaskingFilter().filter(record)
    return logs.JsonFormatter(stage).format(record)


def test_a_line_is_one_json_object_with_the_requests_id():
    token = context.request_id.set("shop-12345678")
    try:
        written = json.loads(line("issued %s", 3))
    finally:
        context.request_id.reset(token)
    assert (written["message"], written["request_id"], written["level"], written["stage"]) == (
        "issued 3",
        "shop-12345678",
        "INFO",
        "production",
    )


def test_codes_and_phones_are_masked_in_messages_arguments_and_tracebacks():
    try:
        raise ValueError("BON100H3LVAAAA of +380671234567")
    except ValueError as error:
        written = line("gave %s", "BON100H3LVAAAA", exc_info=(type(error), error, error.__traceback__))
    assert "H3LV" not in written
    assert "1234567" not in written
    assert "ValueError" in written


@pytest.mark.django_db
def test_the_access_line_of_get_code_holds_no_query_value(client, caplog):
    caplog.set_level(logging.INFO, "bonusportal.access")
    client.get("/get-code?amount=77&phone=0671234567")
    lines = [record.getMessage() for record in caplog.records if record.name == "bonusportal.access"]
    assert len(lines) == 1
    assert "0671234567" not in lines[0]
    assert lines[0].startswith("GET /get-code?amount=•••&phone=••• 404")
