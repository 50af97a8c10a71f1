"""Real services: they answer, they know nothing of each other's runs, and nothing is left of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.tools.test_children import is_running, wait_until_gone
from tools.binaries import MINISTACK
from tools.places import ROOT
from tools.postgresql import PostgreSQL
from tools.redis_server import Redis

RUN = [sys.executable, "-m", "tools.services", "run", "--"]
TELL_AND_SLEEP = (
    "import os, time; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'], flush=True); time.sleep(60)"
)


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    """One for the tests here that leave it running."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    """One for the tests here that leave it running."""
    with Redis() as server:
        yield server


def descendants(pid: int) -> list[int]:
    """Every living process below this one, the closest first."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def test_a_command_gets_a_database_it_can_write_and_a_broker_that_answers():
    asked = (
        "import os, psycopg, redis;"
        "rows = psycopg.connect(os.environ['DATABASE_URL']);"
        "rows.execute('create table t (n int)');"
        "print(rows.execute(\"select lower('ЇЖАК'), current_setting('TimeZone')\").fetchone());"
        "print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"
    )
    done = subprocess.run([*RUN, sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("('їжак', 'UTC')\nTrue\n", 0), done.stderr


def test_the_command_s_exit_status_is_ours():
    done = subprocess.run([*RUN, "sh", "-c", "exit 7"], cwd=ROOT, check=False)
    assert done.returncode == 7


def test_a_command_that_does_not_exist_is_a_sentence_and_not_a_traceback():
    done = subprocess.run([*RUN, "no-such-program"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("\nThere is no program no-such-program.\n", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("deadly", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_nothing_keeps_running(deadly):
    command = [*RUN, sys.executable, "-c", TELL_AND_SLEEP]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        below = descendants(running.pid)
        names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in below}
        assert {"postgres", "redis-server"} <= names
        if deadly == signal.SIGINT:
            os.killpg(running.pid, deadly)  # as the terminal does
        else:
            running.send_signal(deadly)
        running.wait(timeout=15)
    assert [pid for pid in below if not wait_until_gone(pid)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_password_is_in_the_list_of_processes(broker, database):
    passwords = {url.split("@")[0].rpartition(":")[2].encode() for url in (broker.url, database.url)}
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(os.getpid())]
    assert len(passwords) == 2
    assert len(commands) >= 2
    assert not [command for command in commands for password in passwords if password in command]


def test_a_stranger_without_the_password_is_turned_away(broker, database):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=broker.port).ping()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgres://portal:wrong@127.0.0.1:{database.port}/portal")


def test_a_restarted_redis_has_the_same_address_and_has_forgotten_everything(broker):
    client = redis.Redis.from_url(broker.url)
    client.set("word", "kept")
    broker.stop()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    broker.start()
    assert client.get("word") is None


def test_a_restarted_postgresql_has_kept_its_rows(database):
    with psycopg.connect(database.url) as before:
        before.execute("create table t as select 42 as n")
    database.stop()
    database.start()
    with psycopg.connect(database.url) as after:
        assert after.execute("select n from t").fetchone() == (42,)


@pytest.mark.skipif(not MINISTACK.exists(), reason="needs the stand-in for AWS: python3 -m tools.setup --for test")
def test_the_stand_in_for_aws_keeps_an_object(aws_endpoint):
    import boto3

    store = boto3.client("s3", endpoint_url=aws_endpoint)
    store.create_bucket(Bucket="tools-test", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    store.put_object(Bucket="tools-test", Key="words", Body=b"kept", IfNoneMatch="*")
    assert store.get_object(Bucket="tools-test", Key="words")["Body"].read() == b"kept"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_stopped_service_leaves_neither_process_nor_folder():
    before = set(descendants(os.getpid()))
    with Redis() as broker:
        [pid] = set(descendants(os.getpid())) - before
        folder = broker.folder
        assert folder.exists()
    assert not is_running(pid)
    assert not folder.exists()
