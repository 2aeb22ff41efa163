"""A service that does nothing any more is ended and started again, also one that a signal has stopped."""

import os
import signal
import time

from gateway import children, figures, is_back
from test_chat import ask

# Three at a time: how long a service may hang is a matter of probes, and each has its own.
TOGETHER = ("litellm", "nginx", "open-webui")
# ARCHITECTURE.md, "Hung or slow", tells how they come about.
SECONDS, DATABASE_SECONDS = 70, 90
# For its end and its start, on a machine that is busy.
START_SECONDS = 60


def hang(gateway, names, processes, seconds):
    """Stops these services by a signal, and waits until each is there again under another number."""
    before = {name: gateway.service(name)["pid"] for name in names}
    began, back = time.monotonic(), {}

    def all_back(status):
        for name, pid in before.items():
            if is_back(status["services"][name], pid):
                back.setdefault(name, time.monotonic() - began)
        return len(back) == len(before)

    with gateway.watch() as statuses:
        for pid in before.values():
            for process in processes(pid):
                os.kill(process, signal.SIGSTOP)
        statuses.until(f"{names} are back", all_back, seconds + START_SECONDS)
    for name, after in back.items():
        figures.append(f"{name} stopped by a signal: ready again after {after:.1f} s")


def test_services_that_were_stopped_by_a_signal_are_started_again(gateway, client):
    # A worker of nginx answers although its main process is stopped.
    hang(gateway, TOGETHER, lambda pid: [pid, *children(pid)], SECONDS)
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    assert "a signal has stopped it" in gateway.command("why", "litellm")


def test_a_database_that_was_stopped_by_a_signal_is_started_again_and_has_lost_nothing(gateway, client, key):
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    hang(gateway, ("postgres",), lambda pid: [pid], DATABASE_SECONDS)
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"
    assert gateway.spent(key)[0] >= 1
