"""This finds free ports for gateways and for copies of services. The gateway of tests/stack uses it as well."""

import contextlib
import random
import socket


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, from below those that the kernel gives to whoever connects: a
    gateway that is stopped and started again wants the same ones."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports += [port] if port not in ports else []
    return ports
