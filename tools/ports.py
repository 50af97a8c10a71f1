"""Free and taken ports on the loopback address."""

from __future__ import annotations

import random
import socket

from tools.places import Refusal

LOOPBACK = "127.0.0.1"
_BELOW_OUTGOING = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on at this moment. Somebody else may take it before you do.

    Not from the range that the kernel gives to outgoing connections: there a client of a stopped server can take the server's port, or connect to itself.
    """
    for port in random.sample(_BELOW_OUTGOING, 100):
        if is_port_free(port):
            return port
    raise Refusal("A hundred ports in a row are taken on this machine: something is wrong with it.")


def is_port_free(port: int) -> bool:
    """Whether a server could listen on the port now, a connection still in TIME_WAIT notwithstanding."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def port_taken_sentence(port: int, *, variable: str = "PORT") -> str:
    """What to say when a port is taken: which, and how to choose another."""
    return f"Port {port} is taken by another program. Stop it, or choose another port: make run {variable}={port + 100}"
