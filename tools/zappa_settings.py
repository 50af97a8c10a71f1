"""`zappa_settings.json` and the policies beside it: the schedules written in, and moved to somebody's own account.

    python -m tools.zappa_settings                     write `events` from bonusportal.schedules; after a change of the schedules
    python -m tools.zappa_settings --account 111122223333 --region eu-central-1 --subnets subnet-a,subnet-b --security-groups sg-a

The files stay plain JSON that a person may edit; this only changes what stands in them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bonusportal import schedules
from tools.places import ROOT, Refusal, run_main

NAME = "zappa_settings.json"
POLICIES = "deploy/policies"
QUEUE_PREFIX = "QUEUE_PREFIX"

Settings = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """Where in AWS the portal lives."""

    account: str
    region: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def queue_arn(self, name: str) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{name}"


def read(root: Path = ROOT) -> Settings:
    """The settings by stage."""
    found: Settings = json.loads((root / NAME).read_text())
    return found


def place_of(settings: Settings) -> Place:
    """Where the settings point to; the account is a part of the bucket's name, which has to be nobody else's."""
    web = settings["web"]
    network = web["vpc_config"]
    return Place(
        account=web["s3_bucket"].rpartition("-")[2],
        region=web["aws_region"],
        subnets=tuple(network.get("SubnetIds", ())),
        security_groups=tuple(network.get("SecurityGroupIds", ())),
    )


def with_events(settings: Settings) -> Settings:
    """The same with every stage's `events` as the schedules and the queues say."""
    place = place_of(settings)
    written = {}
    for stage, its in settings.items():
        prefix: str = its["aws_environment_variables"][QUEUE_PREFIX]
        arns = {queue: place.queue_arn(prefix + queue) for queue in schedules.STAGE_OF_QUEUE}
        written[stage] = {**its, "events": schedules.for_zappa(stage, queue_arn=arns.__getitem__)}
    return written


def moved(settings: Settings, to: Place) -> Settings:
    """The same in another account, region or network."""
    here = place_of(settings)
    text = _renamed(json.dumps(settings), here, to)
    there: Settings = json.loads(text)
    for its in there.values():
        its["vpc_config"] = (
            {"SubnetIds": list(to.subnets), "SecurityGroupIds": list(to.security_groups)} if to.subnets else {}
        )
    return there


def moved_policies(settings: Settings, to: Place, *, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """(name, text) of each policy file for another account or region."""
    here = place_of(settings)
    for path in sorted((root / POLICIES).glob("*.json")):
        yield path.name, _renamed(path.read_text(), here, to)


def shown(settings: Settings) -> str:
    """The file's text."""
    return json.dumps(settings, indent=4, ensure_ascii=False) + "\n"


def _renamed(text: str, here: Place, to: Place) -> str:
    return text.replace(here.account, to.account).replace(here.region, to.region)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.zappa_settings", description=__doc__.splitlines()[0])
    parser.add_argument("--account", help="twelve digits: aws sts get-caller-identity --query Account --output text")
    parser.add_argument("--region")
    parser.add_argument("--subnets", help="private subnets of the database's network, comma separated")
    parser.add_argument("--security-groups", help="comma separated")
    asked = parser.parse_args()
    if asked.account and not (asked.account.isascii() and asked.account.isdigit() and len(asked.account) == 12):
        raise Refusal(f"An account has twelve digits, not {asked.account!r}.")
    settings = read()
    there = place_of(settings)
    there = replace(
        there,
        account=asked.account or there.account,
        region=asked.region or there.region,
        subnets=tuple(asked.subnets.split(",")) if asked.subnets else there.subnets,
        security_groups=tuple(asked.security_groups.split(",")) if asked.security_groups else there.security_groups,
    )
    for name, text in list(moved_policies(settings, there)):
        (ROOT / POLICIES / name).write_text(text)
    (ROOT / NAME).write_text(shown(with_events(moved(settings, there))))
    print(f"{NAME} and {POLICIES} are for account {there.account} in {there.region}.")
    return 0


if __name__ == "__main__":
    run_main(main)
