"""Nothing that was answered is lost or counted twice, whatever is killed and whenever.

AI_GATEWAY_ROUNDS says how often each is done; benches/campaign does it 20 times.
"""

import os
import signal

import pytest
from gateway import figures, until
from ledger import MODEL, SAME_ID_MODEL, Account, Clients, CountingProvider, agree

ROUNDS = int(os.environ.get("AI_GATEWAY_ROUNDS", "3"))


@pytest.fixture(scope="module")
def provider():
    provider = CountingProvider()
    yield provider
    provider.stop()


@pytest.fixture
def account(gateway, provider, request):
    admin = gateway.admin()
    for model in {MODEL, SAME_ID_MODEL} - admin.models():
        admin.add_model(model, **provider.model(model))
    return Account(gateway, request.node.callspec.id if hasattr(request.node, "callspec") else request.node.name)


def kill_service(name):
    def kill(gateway):
        # Chats with keys that are known by heart are answered without the database too.
        until(f"{name} is ready", lambda: gateway.service(name)["state"] == "ready", 180)
        killed = gateway.service(name)["pid"]
        os.kill(killed, signal.SIGKILL)
        seen = until(f"{name} was seen to end", lambda: has_ended(gateway.service(name), killed), 30)
        # After so many kills without a minute between them the supervisor gives up, until somebody starts it.
        if seen["state"] == "failed":
            gateway.start()

    return kill


def has_ended(service, pid):
    return service if service["pid"] != pid and service["state"] != "stopping" else None


def kill_engine(gateway):
    until("LiteLLM is ready", lambda: gateway.service("litellm")["state"] == "ready", 180)
    os.kill(until("LiteLLM has an engine", gateway.engine), signal.SIGKILL)


def kill_daemon(gateway):
    os.kill(gateway.daemon(), signal.SIGKILL)
    until("the daemon has ended", lambda: gateway.status()["state"] == "stopped")
    gateway.start()


def stop_and_start(gateway):
    gateway.stop()
    gateway.start()


def restart(gateway):
    gateway.command("restart", "litellm", seconds=300)


def reload(gateway):
    gateway.command("reload", seconds=300)


KILLS = {
    "litellm": kill_service("litellm"),
    "postgres": kill_service("postgres"),
    "engine": kill_engine,
    "nginx": kill_service("nginx"),
    "daemon": kill_daemon,
}
COMMANDS = {"stop": stop_and_start, "restart": restart, "reload": reload}


def go_through(gateway, account, provider, what, rounds):
    with Clients(account) as clients:
        for _ in range(rounds):
            clients.go_on()
            what(gateway)
        clients.go_on()
    answered = agree(account, clients, provider)
    figures.append(f"ledgers agree after {rounds} x {account.name}: {answered} of {len(clients.told)} answered")


@pytest.mark.parametrize("what", KILLS.values(), ids=KILLS)
def test_what_was_answered_is_counted_once_whatever_is_killed(gateway, account, provider, what):
    go_through(gateway, account, provider, what, ROUNDS)


@pytest.mark.parametrize("what", COMMANDS.values(), ids=COMMANDS)
def test_what_was_answered_is_counted_once_whatever_is_commanded(gateway, account, provider, what):
    go_through(gateway, account, provider, what, 1)


def test_a_provider_that_gives_every_answer_the_same_id_has_a_row_for_each(gateway, account):
    clients = Clients(account, model=SAME_ID_MODEL)
    # Plain and streamed.
    for count in range(6):
        number = f"{account.name}-{count}"
        clients.told[number] = clients.chat(number, count % 2 == 0)
    assert len(clients.answered()) == 6
    until("each has a row", lambda: account.rows()[0].total() == 6)
    sql = (
        "SELECT count(*), count(metadata->>'provider_response_id') FROM \"LiteLLM_SpendLogs\""
        f" WHERE api_key = '{account.token}' AND request_id LIKE 'chatcmpl-always%'"
    )
    rows, renamed = map(int, gateway.query(sql).split("|"))
    assert rows == 6 and renamed >= 5
    assert account.sums()["key"] == pytest.approx(account.rows()[1])


def test_what_the_journal_has_is_private_and_holds_no_words(gateway, account):
    clients = Clients(account)
    secret = f"{account.name}-words"
    assert clients.chat(secret, False) == "answered"
    folder = gateway.home / "state/services/litellm/spend-journal"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        content = file.read_text()
        assert account.key not in content and '"hello"' not in content
        # The number is in the provider's id, which is the row's, and nowhere else.
        assert content.count(secret) == content.count(f"chatcmpl-{secret}")
