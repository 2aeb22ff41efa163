"""One gateway for all the tests: set up and started once, and removed with all that it has started.

AI_GATEWAY_BINARY names the program. After set-up, which fetches packages, the tests and the gateway
go on in a network of their own, in which an attempt to leave the machine is seen.
"""

import os
import signal
import time

import network as own_network
import pytest
from gateway import Gateway, figures, timed
from provider import Provider

# They look at what all the others have left.
LAST = ("test_secrets.py", "test_network.py")


def pytest_configure():
    # Whoever ends the tests ends the gateway too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LAST.index(item.path.name) + 1 if item.path.name in LAST else 0)


def pytest_terminal_summary(terminalreporter):
    for figure in figures:
        terminalreporter.write_line(figure)


# So many that each of two workers has answered one.
LOOKS = 20


@pytest.fixture(scope="session")
def stack():
    gateway = Gateway(os.environ["AI_GATEWAY_BINARY"])
    try:
        with timed("set up"):
            gateway.set_up()
        gateway.set_up_at = time.time()
        try:
            gateway.network = own_network.enter()
            gateway.no_network = None
        except own_network.Unavailable as reason:
            gateway.network, gateway.no_network = None, str(reason)
        # Only now is there nothing but the demo model. Each look is a connection, to either worker.
        with timed("ready for the first time, with two workers"):
            gateway.command("start", seconds=300, environment={"AI_GATEWAY_WORKERS": "2"})
        gateway.first_models = [gateway.admin().models() for _ in range(LOOKS)]
        gateway.first_answer = gateway.command("ask", "Hello?")
        gateway.stop()
        with timed("ready"):
            gateway.start()
        yield gateway
    finally:
        with timed("stopped and removed"):
            left = gateway.remove()
    assert not left, f"processes were left: {left}"


@pytest.fixture
def gateway(stack):
    """The gateway, ready, whatever the test before has done to it."""
    stack.ensure_ready()
    return stack


@pytest.fixture(scope="session")
def provider(stack):
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def models(stack, provider):
    """A real model for each behaviour of the provider, under the behaviour's name."""
    stack.ensure_ready()
    admin = stack.admin()
    admin.add_model("echo", **provider.model("echo"))
    stack.models_after_the_first = admin.models()
    for behaviour in ("gated", "refuses-429", "refuses-500", "breaks"):
        admin.add_model(behaviour, **provider.model(behaviour))
    admin.add_model("hangs", **provider.model("hangs", timeout=1))
    # 20 dollars a word: more than the whole budget.
    admin.add_model("dear", **provider.model("echo", input_cost_per_token=10, output_cost_per_token=10))
    admin.add_model("cheap", **provider.model("echo", input_cost_per_token=0.001, output_cost_per_token=0.001))


@pytest.fixture
def key(gateway, models):
    """A virtual key, which only the database can know."""
    return gateway.admin().key()


@pytest.fixture
def client(gateway, key):
    return gateway.openai(key)
