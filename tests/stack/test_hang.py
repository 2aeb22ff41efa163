"""A service that does nothing any more is ended and started again, also one that a signal has stopped."""

import os
import signal
import time

from gateway import children, figures, is_back
from test_chat import ask

# Three at a time: how long a service may hang is a matter of probes, and each has its own.
TOGETHER = ("litellm", "nginx", "open-webui")
# Until its successor has been launched. ARCHITECTURE.md, "Hung or slow", tells how it comes about.
RESTART_SECONDS = 90
# For the successor's start, on a machine that is busy.
START_SECONDS = 60


def hang(gateway, names, processes):
    """Stops these services by a signal, and waits until each is there again under another number."""
    before = {name: gateway.service(name)["pid"] for name in names}
    began, launched, back = time.monotonic(), {}, {}

    def all_back(status):
        for name, pid in before.items():
            service = status["services"][name]
            if service["pid"] not in (None, pid):
                launched.setdefault(name, time.monotonic() - began)
            if is_back(service, pid):
                back.setdefault(name, time.monotonic() - began)
        return len(back) == len(before)

    with gateway.watch() as statuses:
        for pid in before.values():
            for process in processes(pid):
                os.kill(process, signal.SIGSTOP)
        statuses.until(f"{names} are back", all_back, RESTART_SECONDS + START_SECONDS)
    for name, after in back.items():
        figures.append(f"{name} stopped by a signal: restarted after {launched[name]:.1f} s, ready after {after:.1f} s")
    assert max(launched.values()) < RESTART_SECONDS, launched


def test_services_that_were_stopped_by_a_signal_are_started_again(gateway, client):
    # A worker of nginx answers although its main process is stopped.
    hang(gateway, TOGETHER, lambda pid: [pid, *children(pid)])
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    assert "a signal has stopped it" in gateway.command("why", "litellm")


def test_a_database_that_was_stopped_by_a_signal_is_started_again_and_has_lost_nothing(gateway, client, key):
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    hang(gateway, ("postgres",), lambda pid: [pid])
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    assert gateway.spent(key)[0] >= 1
