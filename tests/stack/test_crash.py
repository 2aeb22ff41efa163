"""A service that is killed comes back, and the others do not notice."""

import os
import signal

import pytest
from gateway import NOBODY, SERVICES, until
from test_chat import ask

COMES_BACK = {"litellm": 180, "nginx": 10, "open-webui": 120, "postgres": 30}


def kill(gateway, name):
    """Kills a service and waits until it is ready again. Its status before and all after."""
    before = gateway.status()["services"]
    with gateway.watch() as statuses:
        os.kill(before[name]["pid"], signal.SIGKILL)
        after = statuses.until(
            f"{name} is back",
            lambda status: (service := status["services"][name])["state"] == "ready"
            and service["pid"] != before[name]["pid"],
            COMES_BACK[name],
        )
    return before, after["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_comes_back_and_the_others_do_not_notice(gateway, name):
    before, after = kill(gateway, name)
    assert after[name]["restarts"] == before[name]["restarts"] + 1
    for other in set(SERVICES) - {name}:
        for figure in ("pid", "restarts", "state", "since"):
            assert after[other][figure] == before[other][figure], other


def test_after_a_crash_of_nginx_a_chat_is_answered(gateway, client):
    kill(gateway, "nginx")
    assert ask(client, "echo", "hello").choices[0].message.content == "hello"


def test_after_a_crash_of_the_database_litellm_reads_and_writes_it_again(gateway, models):
    admin = gateway.admin()
    # Never used: LiteLLM does not know it by heart.
    unused = admin.key()
    litellm = gateway.service("litellm")
    kill(gateway, "postgres")

    # Its pool notices by itself, at the first question.
    fresh = until("LiteLLM makes a key again", lambda: made_key(gateway), 30)
    for key in (unused, fresh):
        assert ask(gateway.openai(key), "echo", "hello").choices[0].message.content == "hello"
    after = gateway.service("litellm")
    assert (after["pid"], after["restarts"]) == (litellm["pid"], litellm["restarts"])


def test_a_query_engine_that_ends_while_it_starts_is_started_once_more(gateway, models):
    litellm, first = gateway.service("litellm")["pid"], gateway.engine()
    os.kill(first, signal.SIGKILL)
    second = until("another is started", lambda: (found := gateway.engine()) != first and found)
    os.kill(second, signal.SIGKILL)
    until("LiteLLM makes a key again", lambda: made_key(gateway), 30)
    assert gateway.service("litellm")["pid"] == litellm


def test_why_tells_what_has_happened(gateway):
    kill(gateway, "nginx")
    assert "signal 9" in gateway.command("why", "nginx")


def made_key(gateway):
    """Made, written and read again; nothing while LiteLLM has no database."""
    answer = gateway.admin().http.post("/key/generate", json={})
    return answer.json()["key"] if answer.is_success else None


def test_a_number_of_somebody_else_in_the_lock_of_the_database_does_not_keep_it_down(gateway):
    other = gateway.service("nginx")["pid"]
    gateway.command("stop", "postgres", seconds=120)
    for path in ("state/postgres/postmaster.pid", "run/postgres/.s.PGSQL.5432.lock"):
        lock = gateway.home / path
        lock.write_text(f"{other}\n{gateway.home}/state/postgres\n1\n5432\n")
        if gateway.root:
            os.chown(lock, NOBODY, NOBODY)
    gateway.command("start", "postgres", seconds=120)
    assert gateway.service("postgres")["state"] == "ready"
    gateway.ensure_ready()
