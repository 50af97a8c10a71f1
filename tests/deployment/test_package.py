"""The zip that Lambda gets: what is in it, and that it answers everything that AWS sends, with nothing else on the path."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import struct
import zipfile

import pytest

from bonusportal.celery_messages import decode
from tests.deployment.conftest import AMOUNT, password_of
from tests.deployment.events import CALLER, celery_body, http_event, rule_event, sqs_event
from tests.deployment.function import FunctionFailed, environment_of, running_function

pytestmark = pytest.mark.timeout(600)
ZIP_LIMIT, UNZIPPED_LIMIT = 40_000_000, 130_000_000  # bytes
FORGED = {"x-forwarded-for": f"198.51.100.66, 198.51.100.67, {CALLER}"}


def names_in(package):
    with zipfile.ZipFile(package.zip) as archive:
        return archive.namelist()


def test_the_zip_is_small_enough(package):
    with zipfile.ZipFile(package.zip) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    assert package.zip.stat().st_size <= ZIP_LIMIT
    assert unzipped <= UNZIPPED_LIMIT


def test_it_holds_no_browser_no_tests_no_tools_and_nothing_private(package):
    roots = {name.split("/")[0] for name in names_in(package)}
    assert roots & {
        "playwright", "greenlet", "pyee", "gunicorn", "pytest", "pytest_django", "mypy", "pip", "setuptools", "troposphere",
        "tests", "tools", "demo", "benchmarks", "docs", "deploy", "var", ".env", ".git", ".venv", "zappa_settings.json",
    } == set()  # fmt: skip
    assert roots >= {"handler.py", "zappa_settings.py", "bonusportal", "promo", "templates", "locale", "collected"}


def test_every_module_has_byte_code_that_is_not_checked_against_its_date(package):
    sources = [name for name in names_in(package) if name.endswith(".py")]
    wrong = []
    for name in sources:
        compiled = package.folder / importlib.util.cache_from_source(name)
        header = compiled.read_bytes()[:16] if compiled.exists() else b""
        source = (package.folder / name).read_bytes()
        expected = importlib.util.MAGIC_NUMBER + struct.pack("<L", 0b01) + importlib.util.source_hash(source)
        if header != expected:
            wrong.append(name)
    assert wrong == []
    assert len(sources) > 1000


def test_of_all_languages_and_services_only_ours_are_there(package):
    names = names_in(package)
    languages = {match[1] for name in names if (match := re.search(r"/locale/([^/]+)/", f"/{name}"))}
    assert languages - {"__pycache__"} == {"en", "uk"}
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/")}
    assert {name for name in services if not name.endswith(".json")} == {"s3", "sqs", "ssm", "sts"}


def test_it_is_alive(web):
    answer = web.send(http_event("GET", "/healthz"))
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok"})


def test_a_code_is_handed_out_and_a_forged_header_changes_nothing(web, cloud):
    cloud.messages("bonusportal-portal")
    cloud.rows(
        "DELETE FROM bonusportal_ratewindow RETURNING 1"
    )  # the tests of this file share one database, in any order
    answer = web.send(http_event("GET", f"/get-code?amount={AMOUNT}", headers=FORGED))
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["success"], body["amount"]) == (200, True, AMOUNT)
    addresses = cloud.rows(
        f"SELECT caller_address FROM promo_issue i JOIN promo_code c ON c.id = i.code_id WHERE c.code = '{body['promo_code']}'"
    )
    assert addresses == [(CALLER,)]
    windows = {key for (key,) in cloud.rows("SELECT key FROM bonusportal_ratewindow")}
    assert windows == {f"get_code_address:{CALLER}"}
    assert body["promo_code"] not in web.told()


def test_the_predecessors_prefix_and_zappas_own_stage_are_understood(web):
    for path, stage in (("/prod/get-code", "$default"), ("/web/get-code", "web"), ("/get-code/", "$default")):
        answer = web.send(http_event("GET", f"{path}?amount=0", stage=stage))
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "amount_invalid"), path


def test_a_posted_body_arrives_whether_the_gateway_encoded_it_or_not(web):
    plain = http_event("POST", "/get-code", body='{"amount": "x"}', headers={"content-type": "application/json"})
    encoded = {**plain, "body": base64.b64encode(plain["body"].encode()).decode(), "isBase64Encoded": True}
    for event in (plain, encoded):
        assert json.loads(web.send(event)["body"])["code"] == "amount_invalid"


def test_staff_sign_in_there_and_every_file_of_the_page_is_in_the_zip(web):
    page = web.send(http_event("GET", "/admin/login/"))
    assert page["statusCode"] == 200
    assert any(cookie.strip().startswith("csrftoken=") and "Secure" in cookie for cookie in page["cookies"])
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page["body"]))
    assert len(files) >= 3
    for file in files:
        answer = web.send(http_event("GET", file))
        assert (answer["statusCode"], "immutable" in answer["headers"]["Cache-Control"]) == (200, True), file


def test_a_tick_of_a_rule_runs_its_task(web, cloud):
    # Not forgotten first: the function writes a sign of life at most every few seconds, and an earlier test may have been its first.
    web.send(rule_event("beat-seen", "bonusportal.serverless.tick", kwargs={"schedule": "beat-seen"}))
    # Without zappa's word beside it: by the rule's name.
    web.send(rule_event("stock", "bonusportal.serverless.tick"))
    assert {name for (name,) in cloud.rows("SELECT name FROM bonusportal_heartbeat")} == {"beat", "worker"}
    assert ("requested",) in cloud.rows("SELECT state FROM promo_replenishrun")  # some pool was low
    assert [decode(body).task for body in cloud.messages("bonusportal-panel")][-1:] == ["promo.tasks.work_through_runs"]


def test_a_message_of_celerys_protocol_runs_the_real_task(web, cloud):
    web.send(sqs_event(celery_body("promo.tasks.publish_mirror")))
    document = json.loads(
        cloud.s3.get_object(Bucket=cloud.bucket, Key="promo-codes/available_codes.json")["Body"].read()
    )
    assert document["_metadata"]["portal_revision"] >= 1
    assert [code for code in document[str(AMOUNT)] if code.startswith("BON700PACK")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (celery_body("promo.tasks.no_such_task"), "UnknownTask"),
        ("garbage", "NotATaskMessage"),
        (celery_body("promo.tasks.publish_mirror", args=[1, 2, 3]), "TaskFailed"),
    ],
)
def test_what_cannot_be_done_fails_so_that_the_queue_keeps_it(web, body, kind):
    with pytest.raises(FunctionFailed) as failure:
        web.send(sqs_event(body))
    assert failure.value.kind == kind


def test_no_secret_reaches_the_log(web, cloud):
    web.send(sqs_event(celery_body("promo.tasks.publish_mirror")))  # reads the database, writes to the bucket, logs
    with pytest.raises(FunctionFailed):
        web.send(sqs_event(celery_body("promo.tasks.publish_mirror", args=[1])))
    told = web.told()
    assert '"level":"INFO"' in told  # the log is there, a JSON object a line
    assert "Traceback" in told
    assert cloud.secret_key not in told
    assert password_of(cloud.database_url) not in told


def test_a_cold_start_imports_little_and_only_from_its_folder(package, cloud, web, tmp_path):
    log = tmp_path / "log"
    with running_function(package.folder, environment=environment_of("web", cloud.environment()), log=log) as function:
        assert function.send(http_event("GET", f"/get-code?amount={AMOUNT}"))["statusCode"] == 200
        imported = function.end()
    assert imported["foreign"] == []
    heavy = {"celery", "kombu", "redis", "limits", "playwright", "phonenumbers", "requests", "import_export.formats", "tablib", "ninja", "sentry_sdk",
             "cryptography", "qrcode", "promo.admin", "bonusportal.admin", "promo.adapters", "bonusportal.serverless",
             "bonusportal.urls", "keycrm.services", "keycrm.payloads", "keycrm.client", "bonuses.services"}  # fmt: skip
    assert heavy & set(imported["modules"]) == set()
