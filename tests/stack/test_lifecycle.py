"""Down and up again: nothing is left, nothing is lost, and what was added is still there."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import openai
import pytest
from gateway import descendants
from test_chat import ask

CHATS = 100
NO_TOOLS = {
    "guardrail_name": "no-tools",
    "litellm_params": {"guardrail": "tool_permission", "mode": "pre_call", "default_action": "deny", "rules": []},
    "guardrail_info": {},
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def cycle(stack, models):
    """One stop and one start, with what was seen on the way; each test looks at one thing."""
    stack.ensure_ready()
    seen = SimpleNamespace()
    admin = stack.admin()
    key = admin.key()
    client = stack.openai(key)
    admin.post("/guardrails", {"guardrail": NO_TOOLS})
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: ask(client, "cheap", f"chat {n}"), range(CHATS)))
    seen.processes = descendants(stack.daemon())
    seen.stopped = stop_and_wait(stack, seen.processes)
    seen.left = stack.processes()
    seen.status = stack.run("status", "--json")
    seen.stop_again = stack.run("stop")
    seen.taken = {}
    for port in (stack.port, stack.admin_port):
        with socket.create_server(("127.0.0.1", port)):
            began = time.monotonic()
            seen.taken[port] = stack.run("start", seconds=120)
            seen.taken[port].seconds = time.monotonic() - began
    seen.left_of_refused = stack.processes()
    stack.start()
    seen.spent = stack.spent(key)
    seen.models = stack.admin().models()
    seen.answer = ask(stack.openai(key), "echo", "still here").choices[0].message.content
    return seen


def stop_and_wait(stack, processes):
    """The stop, and those processes that outlive it by more than the moment that a last exit takes."""
    descriptors = {os.pidfd_open(pid): pid for pid, _ in processes if os.path.exists(f"/proc/{pid}")}
    stack.stop()
    deadline = time.monotonic() + 2
    alive = set(descriptors)
    while alive and (left := deadline - time.monotonic()) > 0:
        alive -= set(select.select(list(alive), [], [], left)[0])
    pids = {descriptors[descriptor] for descriptor in alive}
    for descriptor in descriptors:
        os.close(descriptor)
    return pids


def test_a_stop_leaves_no_process_behind(cycle):
    assert len(cycle.processes) > 10
    assert cycle.stopped == set()
    assert cycle.left == {}


def test_a_stopped_gateway_says_so(cycle):
    assert cycle.status.returncode == 69
    assert '"state": "stopped"' in cycle.status.stdout
    assert cycle.stop_again.returncode == 69


def test_a_stop_right_after_many_chats_loses_none_of_them(cycle):
    # Two words, asked and answered, at a thousandth of a dollar each.
    cost = pytest.approx(CHATS * 2 * 2 * 0.001)
    assert cycle.spent == (CHATS, cost, cost)


def test_a_model_that_was_added_survives_a_restart(cycle):
    assert {"echo", "cheap"} <= cycle.models
    assert cycle.answer == "still here"


def test_a_guardrail_that_was_added_holds_after_a_restart(stack, cycle):
    client = stack.openai(stack.admin().key())
    assert ask(client, "echo", tools=[TOOL]).choices
    with pytest.raises(openai.BadRequestError, match="Tool 'look' denied"):
        ask(client, "echo", tools=[TOOL], extra_body={"guardrails": ["no-tools"]})


def test_the_demo_model_is_there_until_a_real_one_is(stack, models, cycle):
    # As soon as it is ready, and whichever worker is asked.
    assert all(models == {"demo"} for models in stack.first_models)
    assert "no provider is connected yet" in stack.first_answer.lower()
    # With the answer to whoever added the first real model, and not only after a restart.
    assert stack.models_after_the_first == {"echo"}
    assert "demo" not in cycle.models


@pytest.mark.parametrize("which", ["port", "admin_port"])
def test_a_port_of_somebody_else_is_named(stack, cycle, which):
    refused = cycle.taken[getattr(stack, which)]
    port = getattr(stack, which)
    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "listens on it" in refused.stderr
    # Where it is said, and what would do.
    assert re.search(rf"gateway.toml:\d+", refused.stderr)
    assert re.search(rf"listen.{which} = \d+", refused.stderr)
    assert refused.seconds < 5


def test_a_start_that_was_refused_leaves_nothing(cycle):
    assert cycle.left_of_refused == {}


def kill_daemon(gateway):
    """As the kernel does when memory is short: at once, and with everything else left running."""
    daemon = gateway.daemon()
    handle = os.pidfd_open(daemon)
    os.kill(daemon, signal.SIGKILL)
    select.select([handle], [], [], 10)
    os.close(handle)


def test_after_a_killed_daemon_nothing_that_was_answered_is_lost_and_three_starts_make_one(gateway, models):
    """LiteLLM writes what it has answered when it is stopped, which is before PostgreSQL."""
    gateway.ensure_ready()
    key = gateway.admin().key()
    client = gateway.openai(key)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: ask(client, "cheap", f"chat {n}"), range(CHATS)))
    logged = len(gateway.log("postgres"))
    kill_daemon(gateway)
    with ThreadPoolExecutor(3) as pool:
        starts = list(pool.map(lambda _: gateway.run("start", seconds=300), range(3)))
    assert [start.returncode for start in starts] == [0, 0, 0], starts
    assert gateway.spent(key)[0] == CHATS
    assert "database system was not properly shut down" not in gateway.log("postgres")[logged:]
    assert gateway.status()["state"] == "ready"


def test_stop_without_a_daemon_stops_in_order(gateway):
    gateway.ensure_ready()
    kill_daemon(gateway)
    stopped = gateway.run("stop", seconds=180)
    assert stopped.returncode == 0, stopped
    told = [line.split()[1] for line in stopped.stderr.splitlines() if line.startswith("stopping ")]
    assert set(told[:-1]) == {"litellm", "nginx", "open-webui"}
    assert told[-1] == "postgres"
    assert gateway.processes() == {}
    gateway.start()


def test_without_its_folder_of_sockets_no_second_daemon_begins_and_stop_still_works(gateway):
    gateway.ensure_ready()
    shutil.rmtree(gateway.home / "run")
    refused = gateway.run("start")
    assert refused.returncode == 1, refused
    assert f"process {gateway.daemon()}" in refused.stderr
    assert gateway.run("stop", seconds=180).returncode == 0
    assert gateway.processes() == {}
    gateway.start()
