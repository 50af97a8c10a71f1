"""The command line: `python -m tools.rehearsal`, or `make deploy-rehearsal`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from tools.children import unwinding_signals
from tools.places import run_main
from tools.rehearsal import steps
from tools.rehearsal.account import Account, empty_account

Step = Callable[[Account], None]
STEPS: tuple[Step, ...] = (
    steps.lay_the_ground,
    steps.put_the_parameters,
    steps.deploy_web,
    steps.migrate,
    steps.take_a_code,
    steps.deploy_worker,
    steps.refill_through_the_queue,
    steps.fire_a_rule,
    steps.keep_what_fails,
    steps.hold_the_rights,
    steps.update_web,
    steps.take_a_code,
    steps.undeploy,
)


def main() -> int:
    """Every step in turn; the first that fails ends it."""
    argparse.ArgumentParser(prog="python -m tools.rehearsal", description=__doc__).parse_args()
    began = time.monotonic()
    with unwinding_signals(), empty_account() as account:
        print(f"An empty account on a stand-in for AWS, after {time.monotonic() - began:.0f} s.", flush=True)
        for step in STEPS:
            step_began = time.monotonic()
            step(account)
            print(f"  {time.monotonic() - step_began:5.1f} s  {(step.__doc__ or '').splitlines()[0]}", flush=True)
    print(f"From an empty account to codes and back out in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    run_main(main)
