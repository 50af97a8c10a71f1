"""No program that the tooling starts outlives it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.children import start_child, stop_child, wait_until_ready
from tools.places import ROOT, Refusal

SLEEPER = [sys.executable, "-c", "import time; print('asleep', flush=True); time.sleep(60)"]
# Starts a sleeper as the tooling does, says its number, and waits to be killed.
PARENT = """
import sys, time
from tools.children import start_child
child = start_child([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than an entry waiting to be read (a zombie)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int, *, timeout_seconds: float = 5) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_does_not_outlive_a_killed_parent(deadly):
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(deadly)
        parent.wait(timeout=5)
    assert wait_until_gone(child)


def test_a_stopped_child_is_gone_and_its_status_is_told(tmp_path):
    child = start_child(SLEEPER, log=tmp_path / "log")
    assert stop_child(child) == -signal.SIGTERM
    assert not is_running(child.pid)


def test_a_child_that_ignores_the_request_is_killed(tmp_path):
    log = tmp_path / "log"
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = start_child([sys.executable, "-c", stubborn], log=log)
    wait_until_ready(lambda: "deaf" in log.read_text(), child=child, name="The stubborn one")
    assert stop_child(child, patience_seconds=0.1) == -signal.SIGKILL


def test_a_child_that_has_ended_by_itself_is_not_signalled(tmp_path):
    child = start_child([sys.executable, "-c", "raise SystemExit(3)"])
    child.wait()
    assert stop_child(child) == 3


def test_a_child_is_out_of_reach_of_the_terminal_s_ctrl_c(tmp_path):
    child = start_child(SLEEPER, log=tmp_path / "log")
    try:
        assert os.getpgid(child.pid) == child.pid
    finally:
        stop_child(child)


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(tmp_path):
    child = start_child([sys.executable, "-c", "raise SystemExit('the disk is full')"], log=tmp_path / "log")
    with pytest.raises(Refusal, match=r"It stopped at once with status 1\.\n.*\n    the disk is full"):
        wait_until_ready(lambda: False, child=child, name="It", log=tmp_path / "log")


def test_a_server_that_never_answers_is_given_up(tmp_path):
    child = start_child(SLEEPER, log=tmp_path / "log")
    try:
        with pytest.raises(Refusal, match="It did not answer within 0 s"):
            wait_until_ready(lambda: False, child=child, name="It", timeout_seconds=0.05)
    finally:
        stop_child(child)
