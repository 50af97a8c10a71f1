"""Ports that are free, and the sentence about one that is not."""

import socket

from tools.ports import LOOPBACK, free_port, is_port_free, port_taken_sentence


def test_a_port_somebody_listens_on_is_not_free():
    with socket.create_server((LOOPBACK, 0)) as listening:
        assert not is_port_free(listening.getsockname()[1])


def test_a_port_is_free_again_as_soon_as_its_server_has_gone():
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection((LOOPBACK, port)):
            listening.accept()[0].close()  # the server closes first, so the port lingers in TIME_WAIT
    assert is_port_free(port)


def test_a_free_port_is_below_those_the_kernel_gives_to_outgoing_connections():
    assert {20_000 <= free_port() < 32_000 for _ in range(50)} == {True}


def test_the_sentence_about_a_taken_port_names_it_and_the_way_out():
    assert port_taken_sentence(8000) == (
        "Port 8000 is taken by another program. Stop it, or choose another port: make run PORT=8100"
    )
