"""The tests' own surroundings: no way out of this machine, nothing of the developer's deployment, each worker on its own."""

import os
import socket
from pathlib import Path

import pytest
import pytest_socket
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers


def test_a_test_reaches_no_other_machine():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward,  # connecting one of these sends nothing
        pytest.warns(UserWarning, match="tried to use socket"),
        pytest.raises(pytest_socket.SocketConnectBlockedError),
    ):
        outward.connect(("192.0.2.1", 9))


def test_this_machine_is_within_reach():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        socket.create_connection(listening.getsockname()).close()


def test_no_key_of_the_developer_s_deployment_is_left():
    assert (settings.PANEL_PASSWORD, settings.KEYCRM_API_TOKEN, settings.S3_BUCKET, settings.SENTRY_DSN) == ("",) * 4


def test_files_are_written_far_from_the_developer_s_own():
    assert settings.STAGE == "test"
    assert not Path(settings.VAR_DIR).is_relative_to(settings.BASE_DIR)


def test_each_worker_has_a_redis_database_of_its_own(redis_url):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    expected = f"/{int(worker.removeprefix('gw')) + 1}" if worker else "/0"
    assert redis_url.endswith(expected)


def test_what_is_tried_does_not_depend_on_the_modules_that_happen_to_be_loaded():
    @given(st.integers())
    def try_some(_number):
        pass

    try_some()
    assert len(providers._local_constants) == 0
