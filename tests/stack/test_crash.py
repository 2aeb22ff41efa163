"""A service that is killed comes back, and the others do not notice."""

import contextlib
import os
import signal
import threading

import openai
import pytest
from gateway import NOBODY, SERVICES, is_back, until
from test_chat import ask

COMES_BACK = {"litellm": 180, "nginx": 10, "open-webui": 120, "postgres": 30}


def kill(gateway, name):
    """Kills a service and waits until it is ready again. Its status before and all after."""
    before = gateway.status()["services"]
    with gateway.watch() as statuses:
        os.kill(before[name]["pid"], signal.SIGKILL)
        after = statuses.until(
            f"{name} is back",
            lambda status: is_back(status["services"][name], before[name]["pid"]),
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


def test_requests_at_once_that_find_no_engine_give_a_slow_one_its_time(gateway, models):
    """The attempt after an engine's death fails with the second engine, so that a request begins the third.
    LiteLLM ends a request's look into the database after ten seconds."""
    litellm, known = gateway.service("litellm")["pid"], {gateway.engine()}
    # Never used: LiteLLM has to look for them.
    keys, over = [gateway.admin().key() for _ in range(4)], threading.Event()

    def another():
        found = until("another is started", lambda: (found := gateway.engine()) not in known and found)
        known.add(found)
        return found

    def ask_on(key):
        while not over.is_set():
            with contextlib.suppress(openai.APIError):
                ask(gateway.openai(key), "echo", "hello")
            over.wait(0.2)

    os.kill(gateway.engine(), signal.SIGKILL)
    os.kill(another(), signal.SIGKILL)
    clients = [threading.Thread(target=ask_on, args=(key,)) for key in keys]
    for client in clients:
        client.start()
    try:
        third = another()
        os.kill(third, signal.SIGSTOP)
        # Longer than LiteLLM gives a request.
        over.wait(13)
        os.kill(third, signal.SIGCONT)
        until("LiteLLM makes a key again", lambda: made_key(gateway), 30)
    finally:
        over.set()
        for client in clients:
            client.join()
    assert gateway.engine() == third
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
