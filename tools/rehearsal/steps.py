"""What the rehearsal does, in the order of docs/deploy.md. Each step's first line is what it shows; it raises `Refusal` when that is not so."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests
from botocore.exceptions import ClientError
from cryptography.fernet import Fernet

from demo.panel.state import DEMO_PASSWORD, DEMO_USERNAME
from tools.places import Refusal
from tools.rehearsal.account import GROUND, Account, client_of
from tools.rehearsal.zappa import run_in, zappa

T = TypeVar("T")
AMOUNT, LOW_WATER = 700, 3
FIRST_OF_THE_STAFF = "from django.contrib.auth.models import User; User.objects.create_superuser('olena', 'olena@store.example', 'an invented password')"
GROUND_STACK = "bonusportal-ground"
FIRST_CODES = [f"BON{AMOUNT}REHE{number:04d}" for number in range(1, 6)]
SEED = f"""
from django.utils import timezone
from promo.models import Code, Pool
now = timezone.now()
pool, _ = Pool.objects.update_or_create(amount_uah={AMOUNT}, defaults={{"low_water": {LOW_WATER}, "target": 6}})
Pool.objects.exclude(pk=pool.pk).update(is_active=False)
for place, code in enumerate({FIRST_CODES}):
    Code.objects.create(pool=pool, code=code, state="available", place=place, created_at=now, changed_at=now)
"""


def lay_the_ground(account: Account) -> None:
    """Bucket (versioned, encrypted, private), queues with their dead-letter queues, logs and alarms stand"""
    stacks = account.client("cloudformation")
    # One try, so that a bad message is seen to go where it belongs without waiting.
    chosen = {"Tries": "1", "PlainHttp": "allowed"}
    stacks.create_stack(
        StackName=GROUND_STACK,
        TemplateBody=GROUND.read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
    )
    wait_for(lambda: stack_status(account) == "CREATE_COMPLETE", what="the stack of the ground")
    bucket = account.client("s3")
    name = f"bonusportal-{account.place.account}"
    expect(bucket.get_bucket_versioning(Bucket=name).get("Status"), "Enabled", "the bucket's versions")
    rules = bucket.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    expect(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256", "the bucket's encryption")


def put_the_parameters(account: Account) -> None:
    """The secrets are in the parameter store"""
    shared = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": account.database_url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "GET_CODE_MODE": "open",
    }
    panel = {"PANEL_URL": account.panel.codes_url, "PANEL_USERNAME": DEMO_USERNAME, "PANEL_PASSWORD": DEMO_PASSWORD}
    store = account.client("ssm")
    for name, variables in (("shared", shared), ("panel", panel)):
        store.put_parameter(Name=f"/bonusportal/{name}", Type="SecureString", Value=json.dumps(variables))


def deploy_web(account: Account) -> None:
    """`zappa deploy web`"""
    zappa(account, "deploy", "--disable_progress")
    apis = account.client("apigatewayv2").get_apis()["Items"]
    expect([api["ProtocolType"] for api in apis], ["HTTP"], "the gateways")
    account.notes["api"] = apis[0]["ApiId"]


def migrate(account: Account) -> None:
    """`zappa manage web migrate`, then the staff's groups and the first of the staff"""
    zappa(account, "manage", "migrate --verbosity 0")
    expect(account.rows("SELECT count(*) > 20 FROM django_migrations"), [(True,)], "the applied migrations")
    zappa(account, "manage", "seed_groups")
    zappa(account, "invoke", FIRST_OF_THE_STAFF)
    expect(account.rows("SELECT username, is_superuser FROM auth_user"), [("olena", True)], "the staff")


def take_a_code(account: Account) -> None:
    """A code over HTTP through the gateway, without a stage's name in its address, each once"""
    if "seeded" not in account.notes:
        for code in FIRST_CODES:
            account.panel_codes.add_code(code, AMOUNT)
        run_in(account, "web", {"raw_command": SEED})
        account.notes["seeded"] = True
    code = asked_for_a_code(account)
    taken = account.notes.setdefault("codes", [])
    if code in taken:
        raise Refusal(f"The code {code} was handed out twice.")
    taken.append(code)


def deploy_worker(account: Account) -> None:
    """`zappa deploy worker` (here as a zip), and nothing on the internet can reach it"""
    zappa(account, "deploy", "--disable_progress", stage="worker")
    functions = account.client_of_owner("lambda")
    expect(
        len(account.client_of_owner("apigatewayv2").get_apis()["Items"]),
        1,
        "the gateways, which are the web function's alone",
    )
    refused(
        lambda: functions.get_function_url_config(FunctionName="bonusportal-worker"),
        "ResourceNotFound",
        "an address of the worker",
    )
    policy = json.loads(functions.get_policy(FunctionName="bonusportal-worker")["Policy"])
    callers = {statement["Principal"].get("Service") for statement in policy["Statement"]}
    expect(callers, {"events.amazonaws.com"}, "who may call the worker from outside")
    answer = requests.get(f"{gateway(account)}/web/worker", timeout=30)
    expect(answer.status_code, 404, "the gateway's answer for the worker")


def refill_through_the_queue(account: Account) -> None:
    """The low mark goes through SQS to the worker, whose browser makes codes at the panel"""
    while available(account) > LOW_WATER:
        account.notes["codes"].append(asked_for_a_code(account))
    wait_for(lambda: has_finished(account), what="the run at the panel", account=account, seconds=240)
    story = account.rows("SELECT kind, state, reason, detail FROM promo_replenishrun ORDER BY id")
    expect(run_states(account), ["succeeded"], f"the outcome of the run ({story}).{end_of(account)}")
    expect(available(account), 6, "the codes in stock, which is the pool's target")
    account.notes["codes"].append(asked_for_a_code(account))


def fire_a_rule(account: Account) -> None:
    """A rule of the scheduler fires by itself and its sweep runs"""
    account.rows("DELETE FROM bonusportal_heartbeat RETURNING 1")
    wait_for(
        lambda: {"beat", "worker", "browser"} <= heartbeats(account),
        what="the scheduler's ticks",
        account=account,
        seconds=150,
    )


def keep_what_fails(account: Account) -> None:
    """A message that cannot be done is not deleted: it goes to the dead-letter queue"""
    queues = account.client("sqs")
    url = queues.get_queue_url(QueueName="bonusportal-portal")["QueueUrl"]
    dead = queues.get_queue_url(QueueName="bonusportal-portal-dead")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody="garbage")
    found = wait_for(
        lambda: queues.receive_message(QueueUrl=dead).get("Messages"), what="the dead message", account=account
    )
    expect(found[0]["Body"], "garbage", "the dead message")


def hold_the_rights(account: Account) -> None:
    """The web function cannot read the panel's password nor take the panel's messages; a stranger cannot call a function at all"""
    forbidden = {
        "ssm": "get_parameter(Name='/bonusportal/panel', WithDecryption=True)",
        "sqs": "receive_message(QueueUrl=boto3.client('sqs').get_queue_url(QueueName='bonusportal-panel')['QueueUrl'])",
        "s3": f"put_object(Bucket='bonusportal-{account.place.account}', Key='elsewhere/x', Body=b'x')",
    }
    for service, call in forbidden.items():
        denied(account, "web", f"import boto3; boto3.client({service!r}).{call}")
    overwrite = "put_parameter(Name='/bonusportal/shared', Value='{}', Type='SecureString', Overwrite=True)"
    for stage in ("web", "worker"):
        denied(account, stage, f"import boto3; boto3.client('ssm').{overwrite}")
    # The negative control: the same question by the one who may ask it.
    run_in(account, "worker", {"raw_command": f"import boto3; boto3.client('ssm').{forbidden['ssm']}"})
    owner = account.client_of_owner("iam")
    owner.create_user(UserName="stranger")
    key = owner.create_access_key(UserName="stranger")["AccessKey"]
    stranger = client_of(account.aws, "lambda", key["AccessKeyId"], key["SecretAccessKey"])
    refused(
        lambda: run_in(account, "web", {"raw_command": "1"}, client=stranger), "AccessDenied", "a stranger's command"
    )


def update_web(account: Account) -> None:
    """`zappa update web`"""
    zappa(account, "update", "--disable_progress")


def undeploy(account: Account) -> None:
    """`zappa undeploy` of both, the ground taken away: what is left is the bucket with its documents"""
    for stage in ("worker", "web"):
        zappa(account, "undeploy", "--yes", stage=stage)
    account.client("cloudformation").delete_stack(StackName=GROUND_STACK)
    wait_for(lambda: stack_status(account) in {"DELETE_COMPLETE", ""}, what="the end of the ground's stack")
    owner = account.client_of_owner
    expect(owner("lambda").list_functions()["Functions"], [], "the functions left")
    expect(owner("lambda").list_event_source_mappings()["EventSourceMappings"], [], "the queues' mappings left")
    expect(owner("apigatewayv2").get_apis()["Items"], [], "the gateways left")
    expect(owner("events").list_rules()["Rules"], [], "the rules left")
    expect(owner("sqs").list_queues().get("QueueUrls", []), [], "the queues left")
    kept = owner("s3").list_objects_v2(Bucket=f"bonusportal-{account.place.account}").get("Contents", [])
    expect({item["Key"].split("/")[0] for item in kept} >= {"promo-codes"}, True, "the documents left in the bucket")


# --- asking ---------------------------------------------------------------------------------------------------------------------------------------


def gateway(account: Account) -> str:
    """The stand-in's way to say https://{api}.execute-api.{region}.amazonaws.com."""
    return f"{account.aws.endpoint}/_aws/execute-api/{account.notes['api']}/$default"


def asked_for_a_code(account: Account) -> str:
    answer = requests.get(f"{gateway(account)}/get-code?amount={AMOUNT}", timeout=60)
    if answer.status_code != 200:
        raise Refusal(f"No code came: {answer.status_code} {answer.text[:500]}{end_of(account)}")
    return str(answer.json()["promo_code"])


def available(account: Account) -> int:
    (count,) = account.rows(
        f"SELECT count(*) FROM promo_code c JOIN promo_pool p ON p.id = c.pool_id WHERE c.state = 'available' AND p.amount_uah = {AMOUNT}"  # noqa: S608
    )[0]
    return int(count)


def run_states(account: Account) -> list[str]:
    return [state for (state,) in account.rows("SELECT state FROM promo_replenishrun ORDER BY id")]


def has_finished(account: Account) -> bool:
    states = run_states(account)
    return bool(states) and not {"requested", "leased"} & set(states)


def heartbeats(account: Account) -> set[str]:
    return {name for (name,) in account.rows("SELECT name FROM bonusportal_heartbeat")}


def stack_status(account: Account) -> str:
    try:
        stacks = account.client("cloudformation").describe_stacks(StackName=GROUND_STACK)["Stacks"]
    except ClientError:  # AWS's word for a stack that is gone
        return ""
    return str(stacks[0]["StackStatus"]) if stacks else ""


def wait_for(question: Callable[[], T], *, what: str, account: Account | None = None, seconds: float = 60) -> T:
    """Ask until the answer is truthy."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise Refusal(f"{seconds:.0f} s were not enough for {what}.{end_of(account) if account else ''}")
        time.sleep(0.5)
    return answer


def expect(found: Any, wanted: Any, what: str) -> None:
    if found != wanted:
        raise Refusal(f"Wrong: {what}. Wanted {wanted!r}, found {found!r}.")


def refused(act: Callable[[], object], word: str, what: str) -> None:
    """Raises `Refusal` unless AWS refuses the act, in a sentence with this word."""
    try:
        act()
    except (ClientError, RuntimeError) as error:
        if word.lower() not in str(error).lower():
            raise Refusal(f"Refused for another reason: {what}. {error}") from error
    else:
        raise Refusal(f"Not refused: {what}.")


def denied(account: Account, stage: str, command: str) -> None:
    refused(
        lambda: run_in(account, stage, {"raw_command": command}), "AccessDenied", f"the {stage} function's {command}"
    )


def end_of(account: Account) -> str:
    """What the functions said last."""
    lines = account.log().read_text(errors="replace").splitlines()[-25:]
    return "".join(f"\n    {line[:300]}" for line in lines)
