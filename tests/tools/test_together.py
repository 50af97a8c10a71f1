"""Programs side by side in one terminal: one end for all of them, whatever brings it about."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.tools.test_children import wait_until_gone
from tests.tools.test_services import descendants
from tools.places import ROOT

STAYS = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
FAILS = [sys.executable, "-c", "raise SystemExit(3)"]
TOGETHER = """
import json, os, sys
from pathlib import Path
from tools.together import Together
commands = json.loads(sys.argv[1])
last = [name for name in commands if name == "panel"]
sys.exit(Together(commands, environment=os.environ, cwd=Path.cwd(), last=last).run())
"""


@contextmanager
def running_together(**commands: list[str]) -> Iterator[subprocess.Popen[str]]:
    started = [sys.executable, "-c", TOGETHER, json.dumps(commands)]
    with subprocess.Popen(started, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            running.kill()


def read_until(running: subprocess.Popen[str], line: str) -> None:
    assert running.stdout is not None
    assert any(line in said for said in running.stdout), f"never said {line!r}"


def test_each_line_says_which_program_wrote_it():
    with running_together(web=STAYS, worker=STAYS) as running:
        assert running.stdout is not None
        said = [next(running.stdout) for _ in range(2)]
    assert sorted(said) == ["web    | here\n", "worker | here\n"]


def test_one_program_that_fails_ends_the_others_and_gives_the_status():
    with running_together(web=STAYS, worker=FAILS) as running:
        below = descendants(running.pid)
        assert running.stdout is not None
        said = running.stdout.read()
        assert running.wait(timeout=10) == 3
    assert "worker has ended with status 3.\nStopping …\n" in said
    assert [pid for pid in below if not wait_until_gone(pid)] == []


def test_a_program_that_ends_well_by_itself_is_a_failure_too():
    with running_together(web=STAYS, worker=["true"]) as running:
        assert running.wait(timeout=10) == 1


def test_the_last_words_of_a_program_are_shown_even_without_a_line_feed():
    with running_together(web=["sh", "-c", "printf 'the disk is full'; exit 4"]) as running:
        assert running.stdout is not None
        assert "web | the disk is full\n" in running.stdout.read()


def test_letters_cut_in_two_by_the_pipe_are_whole_on_the_screen():
    slowly = (
        "import os, time\nfor byte in 'їжак\\n'.encode(): os.write(1, bytes([byte])); time.sleep(0.01)\ntime.sleep(60)"
    )
    with running_together(web=[sys.executable, "-c", slowly]) as running:
        assert running.stdout is not None
        assert next(running.stdout) == "web | їжак\n"


def test_ctrl_c_in_the_middle_of_a_flood_of_lines_stops_in_order():
    flood = ["sh", "-c", "while true; do echo talk; done"]
    with running_together(web=flood, worker=flood) as running:
        assert running.stdout is not None
        read_until(running, "talk")
        running.send_signal(signal.SIGINT)
        said = running.stdout.read()
        assert running.wait(timeout=10) == 0
    assert "Stopping …\n" in said
    assert "Traceback" not in said


def test_a_second_ctrl_c_ends_the_patience_with_a_program_that_does_not_stop():
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)"
    )
    with running_together(web=[sys.executable, "-c", deaf]) as running:
        read_until(running, "here")
        running.send_signal(signal.SIGINT)
        read_until(running, "Stopping")
        running.send_signal(signal.SIGINT)
        assert running.stdout is not None
        assert "web does not stop by itself: ending it.\n" in running.stdout.read()
        assert running.wait(timeout=5) == 0


def test_what_the_others_need_to_finish_is_stopped_last():
    says_goodbye = (
        "import signal, sys, time\n"
        "def stop(*_): time.sleep(float(sys.argv[2])); print(sys.argv[1], 'ends', flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('here', flush=True); time.sleep(60)"
    )
    panel = [sys.executable, "-c", says_goodbye, "panel", "0"]
    worker = [sys.executable, "-c", says_goodbye, "worker", "0.5"]
    with running_together(panel=panel, worker=worker) as running:
        read_until(running, "here")
        read_until(running, "here")
        running.send_signal(signal.SIGTERM)
        assert running.stdout is not None
        said = running.stdout.read()
    assert re.findall(r"(\w+) ends", said) == ["worker", "panel"]


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_person_who_stops_it_gets_success(asked):
    with running_together(web=STAYS) as running:
        read_until(running, "here")
        running.send_signal(asked)
        assert running.wait(timeout=10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("deadly", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_keeps_running_however_it_was_ended(deadly):
    with running_together(web=STAYS) as running:
        read_until(running, "here")
        below = descendants(running.pid)
        assert len(below) == 1
        running.send_signal(deadly)
        running.wait(timeout=10)
    assert [pid for pid in below if not wait_until_gone(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_closed_terminal_ends_it_at_the_next_line():
    talks = [sys.executable, "-c", "import time\nwhile True: print('talk', flush=True); time.sleep(0.05)"]
    terminal, end = os.openpty()
    started = [sys.executable, "-c", TOGETHER, json.dumps({"web": talks})]
    with subprocess.Popen(started, cwd=ROOT, stdout=end, stderr=end, stdin=end, start_new_session=True) as running:
        try:
            os.close(end)
            seen = b""
            while b"talk" not in seen:
                seen += os.read(terminal, 4096)
            below = descendants(running.pid)
            os.close(terminal)
            running.wait(timeout=10)
        finally:
            running.kill()
    assert [pid for pid in below if not wait_until_gone(pid)] == []


def test_a_taken_port_is_told_before_anything_is_started():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", "from tools.run import main; from tools.places import run_main; run_main(main)"],
            cwd=ROOT, env={**os.environ, "PORT": str(port)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {port} is taken by another program." in done.stderr or "running already" in done.stdout
