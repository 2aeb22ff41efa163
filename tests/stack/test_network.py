"""The gateway speaks to nobody but itself and the providers that it was given."""

import socket

import pytest
from test_chat import ask

SOMEBODY = "198.51.100.7"


@pytest.fixture
def network(stack):
    if stack.network is None:
        pytest.skip(f"no network of our own to watch: {stack.no_network}")
    return stack.network


def test_an_attempt_to_leave_the_machine_is_seen(network):
    """Without this the next test would prove nothing."""
    before = list(network.attempts())
    with socket.socket() as connection:
        connection.setblocking(False)
        assert connection.connect_ex((SOMEBODY, 443))
    with pytest.raises(OSError):
        socket.create_connection(("198.51.100.8", 80), timeout=0.01)
    tried = network.attempts()[len(before) :]
    network.forget(tried)
    assert (6, SOMEBODY, 443) in tried and (6, "198.51.100.8", 80) in tried


def test_a_look_up_of_a_name_is_seen(stack, network):
    before = list(network.attempts())
    stack.look_up("example.org")
    tried = network.attempts()[len(before) :]
    network.forget(tried)
    assert {(17, "192.0.2.53, about example.org", 53)} <= set(tried)


def test_nothing_has_tried_to_leave_the_machine(gateway, network, client):
    """Through set-up's second run, every start and stop, and all the chats of the other tests."""
    ask(client, "echo")
    assert network.attempts() == []
