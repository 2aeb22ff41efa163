"""Restarts under load: nobody is refused, no answer is lost, and nobody else gets in between.

benches/campaign does each 20 times (AI_GATEWAY_ROUNDS), with more connections (AI_GATEWAY_CONNECTIONS).
"""

import contextlib
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from gateway import descendants, figures
from load import under_load
from test_crash import kill
from websockets.sync.client import connect

CLIENTS = 8
CONNECTIONS = [int(count) for count in os.environ.get("AI_GATEWAY_CONNECTIONS", str(CLIENTS)).split()]


def rounds(few):
    return int(os.environ.get("AI_GATEWAY_ROUNDS", few))


def load(gateway, models, meanwhile, key=None, second_after=None, clients=CLIENTS):
    at = ("127.0.0.1", gateway.port, "/api/litellm/v1/chat/completions")
    key = key or gateway.secret("litellm-master-key")
    return under_load(at, key, "echo", clients, meanwhile, second_after)


def restarts(gateway, name, times):
    def run():
        for _ in range(times):
            gateway.command("restart", name, seconds=180)

    return run


@pytest.mark.parametrize("clients", CONNECTIONS)
@pytest.mark.parametrize(("name", "few"), [("nginx", 5), ("litellm", 3)])
def test_a_planned_restart_fails_no_request(gateway, models, name, few, clients):
    before, times = gateway.service(name)["pid"], rounds(few)
    outcome = load(gateway, models, restarts(gateway, name, times), clients=clients)
    figures.append(f"{times} restarts of {name} under {clients} connections: {outcome}")
    assert outcome.failures == []
    assert outcome.answered > clients and outcome.streamed > clients
    assert gateway.service(name)["pid"] != before


@pytest.mark.parametrize("clients", CONNECTIONS)
def test_a_reload_that_changes_the_front_fails_no_request(gateway, models, clients):
    before, times = gateway.service("nginx")["pid"], rounds(5)

    def reloads():
        for turn in range(times):
            gateway.command("config", "set", "diet.static_files", str(turn % 2 == 1).lower())
            gateway.command("reload", seconds=180)
            # A reload takes a moment, and is to meet requests of every age.
            time.sleep(1)

    try:
        outcome = load(gateway, models, reloads, clients=clients)
    finally:
        gateway.command("config", "set", "diet.static_files", "true")
        gateway.command("reload", seconds=180)
    figures.append(f"{times} reloads that change nginx under {clients} connections: {outcome}")
    assert outcome.failures == []
    assert outcome.answered > clients and outcome.streamed > clients
    assert gateway.service("nginx")["pid"] == before, "it reads its files again and is not restarted"


def test_a_reload_of_nginx_waits_for_no_websocket_and_cuts_none(gateway):
    address = f"ws://127.0.0.1:{gateway.port}/ws/socket.io/?EIO=4&transport=websocket"
    before = gateway.service("nginx")["pid"]
    try:
        with connect(address, origin=f"http://127.0.0.1:{gateway.port}") as page:
            assert page.recv(timeout=20).startswith("0{")
            began = time.monotonic()
            gateway.command("config", "set", "front.trusted_proxies", "192.0.2.7")
            took = time.monotonic() - began
            with pytest.raises(TimeoutError):
                page.recv(timeout=2)
    finally:
        gateway.command("config", "set", "front.trusted_proxies", "[]")
    figures.append(f"a reload of nginx with a WebSocket open took {took:.1f} s")
    assert took < 5, "it does not wait for the page to go"
    assert gateway.service("nginx")["pid"] == before


def health(port):
    """The first words of the answer, or none."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            return client.recv(12)


class Stranger(threading.Thread):
    """Another program of this machine, which takes a port as soon as it can."""

    def __init__(self, port):
        super().__init__()
        self.port, self.over = port, threading.Event()
        self.tries, self.taken = 0, 0

    def run(self):
        while not self.over.is_set():
            self.tries += 1
            with socket.socket() as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                try:
                    stranger.bind(("127.0.0.1", self.port))
                    stranger.listen()
                except OSError:
                    # Often enough to hit any gap, and no more than this machine can bear.
                    self.over.wait(0.0005)
                else:
                    self.taken += 1
                    return


@pytest.mark.parametrize("name", ["nginx", "litellm"])
def test_a_stranger_who_waits_for_a_port_never_gets_it(gateway, name):
    strangers = [Stranger(port) for port in (gateway.port, gateway.admin_port)]
    for stranger in strangers:
        stranger.start()
    try:
        gateway.command("restart", name, seconds=180)
        os.kill(gateway.service(name)["pid"], signal.SIGKILL)
        gateway.command("start", name, seconds=180)
    finally:
        for stranger in strangers:
            stranger.over.set()
            stranger.join()
    assert [stranger.taken for stranger in strangers] == [0, 0]
    assert all(stranger.tries > 100 for stranger in strangers)


def test_litellm_has_no_port_and_its_socket_is_in_a_folder_of_its_owner(gateway):
    services = gateway.status()["services"]
    assert services["nginx"]["listens"] == [f"127.0.0.1:{port}" for port in (gateway.port, gateway.admin_port)]
    [address] = services["litellm"]["listens"]
    path = address.removeprefix("unix:")
    assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    assert os.stat(path).st_mode & 0o777 == 0o600


def ports_of(pid):
    """The ports of TCP on which a process listens."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(descriptor))
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, _, _, _, _, _, inode, *_ = line.split()
            if state == "0A" and f"socket:[{inode}]" in sockets:
                ports.add(int(local.rsplit(":", 1)[1], 16))
    return ports


def test_nothing_but_the_front_has_ports_so_that_no_stranger_can_take_one(gateway):
    """The query engine's, for one, which LiteLLM's client would look for anew at each start of it."""
    engine = gateway.engine()
    found = {pid: ports_of(pid) for pid, _ in descendants(gateway.daemon())}
    assert engine in found
    assert set().union(*found.values()) == {gateway.port, gateway.admin_port}
    front = {gateway.daemon(), *(pid for pid, _ in descendants(gateway.service("nginx")["pid"]))}
    assert {pid for pid, ports in found.items() if ports} <= front
    folder = gateway.home / "run/litellm"
    assert folder.stat().st_mode & 0o777 == 0o700
    sockets = [each for each in folder.iterdir() if re.fullmatch(r"e\d+\.\d+", each.name)]
    assert sockets and all(each.stat().st_mode & 0o777 == 0o700 for each in sockets)


def test_the_front_is_back_within_half_a_second_of_a_kill_however_often(gateway, models):
    waits = []

    def kills():
        for _ in range(5):
            pid = gateway.service("nginx")["pid"]
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            # One that a worker of the killed nginx has just taken ends with it.
            while health(gateway.port) != b"HTTP/1.1 200":
                assert time.monotonic() < killed + 10
            waits.append(time.monotonic() - killed)
            # In service for a moment, as after any crash that is not the next of a series.
            time.sleep(1.2)

    outcome = load(gateway, models, kills)
    figures.append(f"nginx killed under load: back after {max(waits):.3f} s at most; {outcome}")
    assert max(waits) < 0.5
    # What was under way is lost with its connection, once for each client and kill, and no more.
    assert len(outcome.failures) <= 5 * CLIENTS


def kills(gateway, name, times):
    """Each as soon as requests are answered again."""

    def run():
        for _ in range(times):
            kill(gateway, name)
            time.sleep(2)

    return run


def test_a_kill_of_litellm_fails_what_was_in_flight_and_no_more(gateway, models):
    outcome = load(gateway, models, kills(gateway, "litellm", 2))
    figures.append(f"litellm killed twice under load: {outcome}")
    assert len(outcome.failures) <= 2 * CLIENTS
    assert outcome.answered > CLIENTS and outcome.streamed > CLIENTS


def test_a_kill_of_the_database_costs_no_request_that_a_second_try_does_not_cure(gateway, models, key):
    """With a virtual key, which LiteLLM asks the database for every ten seconds."""
    outcome = load(gateway, models, kills(gateway, "postgres", 3), key, second_after=1)
    figures.append(f"postgres killed three times under load: {outcome}")
    assert outcome.failures == []
    assert outcome.answered > CLIENTS and outcome.streamed > CLIENTS
