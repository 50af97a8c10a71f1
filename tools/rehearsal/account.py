"""An AWS account that lasts as long as the rehearsal: the stand-in, a user with the deployer's policy, a database, the simulated panel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import psycopg

from demo.panel.server import RunningPanel, serve
from demo.panel.state import PanelState
from tools import zappa_settings
from tools.aws_standin import REGION, AwsStandIn
from tools.places import ROOT, VENV
from tools.postgresql import PostgreSQL
from tools.scratch import scratch_folder

DEPLOYER = "deployer"
# Where the stand-in asks for a right on another thing than AWS does: everything where the body of the question names it, the bus's name in a rule's address.
STANDS_FOR = (
    {
        "Effect": "Allow",
        "Action": ["lambda:CreateFunction", "events:PutTargets", "events:RemoveTargets", "events:ListTargetsByRule"],
        "Resource": "*",
    },
    {"Effect": "Allow", "Action": "events:*", "Resource": "arn:aws:events:*:*:rule/default/bonusportal-*"},
)


@dataclass
class Account:
    """Everything that the steps need to know. `variables` are those of the user who deploys; `settings_file` is for `zappa -s`."""

    folder: Path
    aws: AwsStandIn
    database_url: str
    panel: RunningPanel
    panel_codes: PanelState
    place: zappa_settings.Place
    variables: dict[str, str]
    settings_file: Path
    notes: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of the user who deploys."""
        return client_of(
            self.aws, service, self.variables["AWS_ACCESS_KEY_ID"], self.variables["AWS_SECRET_ACCESS_KEY"]
        )

    def client_of_owner(self, service: str) -> Any:
        """A client that may do everything: for looking, and for what an account's owner does once."""
        return client_of(self.aws, service, "test", "test")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as database:
            return database.execute(sql).fetchall()

    def log(self) -> Path:
        """Where the functions' own output goes."""
        return self.aws.folder / "ministack.log"


@contextmanager
def empty_account() -> Iterator[Account]:
    """An account in which nothing is but a network and a user who may deploy; settings and policies moved to it."""
    with ExitStack() as running:
        folder = running.enter_context(scratch_folder())
        aws = running.enter_context(AwsStandIn())
        database = running.enter_context(PostgreSQL())
        panel_codes = PanelState()
        panel = running.enter_context(serve(panel_codes))
        network = client_of(aws, "ec2", "test", "test")
        place = replace(
            zappa_settings.place_of(zappa_settings.read()),
            account=client_of(aws, "sts", "test", "test").get_caller_identity()["Account"],
            region=REGION,
            subnets=tuple(subnet["SubnetId"] for subnet in network.describe_subnets()["Subnets"][:2]),
            security_groups=tuple(
                group["GroupId"] for group in network.describe_security_groups()["SecurityGroups"][:1]
            ),
        )
        settings_file = write_settings(folder, place)
        variables = {**aws.environment(), **keys_of_deployer(aws, folder / "policies" / "deployer.json")}
        yield Account(folder, aws, database.url, panel, panel_codes, place, variables, settings_file)


def write_settings(folder: Path, place: zappa_settings.Place) -> Path:
    """The settings and policies as `python -m tools.zappa_settings` would move them, into a folder of ours."""
    settings = zappa_settings.read()
    policies = folder / "policies"
    policies.mkdir()
    for name, text in zappa_settings.moved_policies(settings, place):
        (policies / name).write_text(text)
    there = zappa_settings.with_events(zappa_settings.moved(settings, place))
    for its in there.values():
        for policy in ("assume_policy", "attach_policy"):
            its[policy] = str(policies / Path(its[policy]).name)
    there["worker"] |= _as_a_zip(there["web"])
    path = folder / zappa_settings.NAME
    path.write_text(zappa_settings.shown(there))
    return path


def _as_a_zip(web: dict[str, Any]) -> dict[str, Any]:
    """The stand-in runs an image only with Docker beside it, so here the worker is a zip: the same code, and the browser of this machine."""
    from tools.binaries import chromium_program

    browser = chromium_program()
    (node,) = VENV.glob("lib/python3*/site-packages/playwright/driver/node")
    variables = zappa_settings.read()["worker"]["aws_environment_variables"] | {
        "S3_BUCKET": web["s3_bucket"],
        "CHROMIUM_PATH": str(browser or ""),
        # The stand-in unpacks programs so that they cannot be run.
        "PLAYWRIGHT_NODEJS_PATH": str(node),
    }
    return {
        "exclude": web["exclude"],
        "exclude_glob": [*web["exclude_glob"], "playwright/driver/node"],
        "use_precompiled_packages": False,
        "aws_environment_variables": variables,
    }


def keys_of_deployer(aws: AwsStandIn, policy: Path) -> dict[str, str]:
    """A user who may do what the policy says and nothing else."""
    iam = client_of(aws, "iam", "test", "test")
    iam.create_user(UserName=DEPLOYER)
    document = json.loads(policy.read_text())
    document["Statement"] += STANDS_FOR
    iam.put_user_policy(UserName=DEPLOYER, PolicyName="deploys", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName=DEPLOYER)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def client_of(aws: AwsStandIn, service: str, key: str, secret: str) -> Any:
    return boto3.client(
        service, endpoint_url=aws.endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret
    )


GROUND = ROOT / "deploy" / "ground.yaml"
