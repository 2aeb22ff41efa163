"""What is typed while the gateway runs."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gateway import timed, until
from test_chat import ask, words


def made_by_set_up(gateway):
    """What would be another if set-up did anything: the payloads, the secrets, the record."""
    state = gateway.home / "state"
    found = [state / "setup.json", *state.glob("payloads/*"), *state.glob("payloads/*/*"), *state.glob("payloads/*/*/*")]
    found.extend(state.glob("secrets/*"))
    return {str(path): (os.lstat(path).st_ino, os.lstat(path).st_mtime_ns) for path in found}


def test_a_second_set_up_does_nothing_and_does_not_take_long(gateway):
    before = made_by_set_up(gateway)
    assert len(before) > 20
    with timed("set up again"):
        done = gateway.run("setup", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The gateway was set up already.")
    assert made_by_set_up(gateway) == before
    assert gateway.run("setup", "--dry-run").stdout.startswith("Nothing to do")


def test_a_second_start_finds_it_running(gateway):
    before = gateway.status()["services"]
    assert "ai-gateway is ready" in gateway.start()
    after = gateway.status()["services"]
    assert {n: s["pid"] for n, s in after.items()} == {n: s["pid"] for n, s in before.items()}


def test_a_second_daemon_says_that_there_is_one(gateway):
    second = gateway.run("run")
    assert second.returncode == 1
    assert "runs already" in second.stderr


def test_the_status_is_what_the_contract_says(gateway):
    status = gateway.status()
    assert status["state"] == "ready"
    assert set(status) == {"state", "profile", "limits", "urls", "services", "configuration", "diet"}
    assert status["configuration"]["differs"] == []
    assert status["configuration"]["refused"] is None
    assert status["diet"] == {"skipped": []}
    assert set(status["services"]) == {"postgres", "litellm", "open-webui", "nginx"}
    for service in status["services"].values():
        assert service["state"] == "ready"
        assert Path(f"/proc/{service['pid']}").exists()
        assert service["memory"]["current"] > 0


@pytest.mark.parametrize("verb", [("restart", "litellm"), ("stop",)])
def test_whoever_waits_for_requests_is_told_for_how_many(gateway, client, provider, verb):
    asked, said = len(provider.requests), []
    provider.gate.clear()

    def gated(_):
        return words(ask(client, "gated", "one two three", stream=True))

    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(gated, range(2))
        until("both have reached the provider", lambda: len(provider.requests) == asked + 2)
        with gateway.lines_of(*verb) as lines:
            for line in lines:
                said.append(line)
                if "2 requests" in line:
                    break
            provider.gate.set()
        assert "waiting for 2 requests of litellm" in said[-1], said
        assert list(answers) == [["one", " two", " three"]] * 2
    gateway.ensure_ready()
