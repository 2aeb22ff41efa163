"""A gateway whose starter had few files open to spend, as by `ulimit -n 128` in a shell's start files."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import SERVICES, most_open_files

FEW = 128


@pytest.fixture
def start_with(gateway):
    """Starts the gateway with a soft and a hard limit of its own; another test gets it as it was."""

    def start(soft, hard):
        gateway.stop()
        gateway.command("start", seconds=300, prefix=("prlimit", f"--nofile={soft}:{hard}"))

    yield start
    gateway.stop()
    gateway.start()


def test_a_low_limit_that_may_be_raised_is_raised_for_every_service(gateway, models, start_with):
    start_with(FEW, 8192)
    for name in SERVICES:
        assert most_open_files(gateway.service(name)["pid"]) == ["8192", "8192"], name
    key = gateway.admin().key()

    def chat(_):
        answer = gateway.openai(key).chat.completions.create(model="echo", messages=[{"role": "user", "content": "a"}])
        return answer.choices[0].message.content

    with ThreadPoolExecutor(60) as clients:
        assert list(clients.map(chat, range(60))) == ["a"] * 60
    assert "files and connections" not in gateway.command("status")


def test_a_low_limit_that_may_not_be_raised_is_told_wherever_somebody_looks(gateway, start_with):
    start_with(FEW, FEW)
    told = f"only {FEW} files and connections open"
    assert told in gateway.command("status")
    assert told in doctor(gateway)
    assert told in (gateway.home / "state/logs/ai-gateway.log").read_text()


def doctor(gateway):
    """What it says. It looks up a name that everybody has, to see whether names resolve."""
    said = gateway.run("doctor", seconds=120).stdout
    if gateway.network:
        asked = [attempt for attempt in gateway.network.attempts() if attempt[1].endswith("about example.com")]
        gateway.network.forget(asked)
        assert asked
    return said
