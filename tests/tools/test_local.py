"""What `make run` keeps from start to start, what it chooses anew, and what a second start is told."""

import os
import socket
import stat
from dataclasses import astuple

import pytest
from cryptography.fernet import Fernet

from tools.local import (
    Addresses,
    AlreadyRunningError,
    choose_addresses,
    kept_secrets,
    note_addresses,
    only_one,
    read_variables,
    wanted_port,
    whole_environment,
    write_variables,
)
from tools.places import Refusal
from tools.ports import free_port, is_port_free
from tools.welcome import lines

ADDRESSES = Addresses(portal_port=8000, panel_port=8001, shop_port=8002, sms_port=8003, crm_port=8004)


def test_secrets_are_made_once_and_kept(tmp_path):
    first = kept_secrets(tmp_path / "run" / "env")
    assert kept_secrets(tmp_path / "run" / "env") == first


def test_a_secret_that_is_new_is_added_to_those_that_are_kept(tmp_path):
    write_variables(tmp_path / "env", {"SECRET_KEY": "kept"})
    kept = kept_secrets(tmp_path / "env")
    assert kept["SECRET_KEY"] == "kept"
    assert kept["KEYCRM_WEBHOOK_SECRETS"]


def test_two_checkouts_share_no_secret(tmp_path):
    one, other = kept_secrets(tmp_path / "one"), kept_secrets(tmp_path / "other")
    assert not set(one.values()) & set(other.values())


def test_secrets_are_readable_by_their_owner_only(tmp_path):
    kept_secrets(tmp_path / "env")
    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600


def test_the_kept_field_key_encrypts(tmp_path):
    box = Fernet(kept_secrets(tmp_path / "env")["FIELD_KEYS"])
    assert box.decrypt(box.encrypt(b"word")) == b"word"


def test_variables_come_back_as_they_were_written(tmp_path):
    variables = {"REDIS_URL": "redis://:a=b@127.0.0.1:1/0", "EMPTY": ""}
    write_variables(tmp_path / "env", variables)
    assert read_variables(tmp_path / "env") == variables


def test_variables_that_were_never_written_are_none_at_all(tmp_path):
    assert read_variables(tmp_path / "env") == {}


def test_a_database_of_the_developer_s_own_is_not_the_demonstration_s(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/earnest")
    assert whole_environment({})["DATABASE_URL"] == ""


def test_a_second_start_is_told_where_the_first_one_answers(tmp_path):
    lock = tmp_path / "lock"
    with only_one(lock):
        note_addresses(ADDRESSES, lock)
        with pytest.raises(AlreadyRunningError) as told, only_one(lock):
            pytest.fail("two at once")
    assert (told.value.pid, told.value.addresses) == (os.getpid(), ADDRESSES)


def test_a_second_start_in_the_middle_of_the_first_is_told_so(tmp_path):
    with only_one(tmp_path / "lock"), pytest.raises(AlreadyRunningError) as told, only_one(tmp_path / "lock"):
        pytest.fail("two at once")
    assert told.value.addresses is None


def test_after_the_first_has_ended_another_may_start(tmp_path):
    with only_one(tmp_path / "lock"):
        pass
    with only_one(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()


def test_the_simulated_services_get_the_next_ports():
    port = next(port for port in iter(free_port, None) if all(is_port_free(port + step) for step in (1, 2, 3, 4)))
    assert choose_addresses(port) == Addresses(
        portal_port=port, panel_port=port + 1, shop_port=port + 2, sms_port=port + 3, crm_port=port + 4
    )


def test_a_service_moves_when_its_port_is_taken_and_no_two_share_one():
    port = free_port()
    with socket.create_server(("127.0.0.1", port + 1)):
        chosen = choose_addresses(port)
    assert chosen.panel_port not in {port, port + 1}
    assert len(set(astuple(chosen))) == 5


def test_a_taken_portal_port_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refusal, match=rf"Port {port} is taken .* make run PORT={port + 100}"):
            choose_addresses(port)


@pytest.mark.parametrize("text", ["", "abc", "0", "65536", "-1", "٨٠٠٠", "80 00"])
def test_a_port_that_is_no_port_is_refused(text):
    with pytest.raises(Refusal, match="PORT must be a number"):
        wanted_port(text)


def test_the_welcome_names_every_address_and_the_logins():
    said = "\n".join(lines(ADDRESSES, seeded="Staff: admin / a-password\n"))
    for part in (
        "http://127.0.0.1:8000/admin/",
        "http://127.0.0.1:8000/get-code?amount=100",
        "http://127.0.0.1:8001/edit/",
        "http://127.0.0.1:8002/",
        "http://127.0.0.1:8003/",
        "http://127.0.0.1:8004/",
        "admin@demo-store.example / demo-password",
        "Staff: admin / a-password",
        "Ctrl-C",
    ):
        assert part in said
