"""A config.yaml, variables and secrets of the user's own, in the services that run."""

import os

import httpx
import pytest
from gateway import until
from provider import API_KEY
from test_chat import ask

NOBODY = 65534

HOOKS = '''
from litellm.integrations.custom_logger import CustomLogger


class Hook(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        with open("{told}", "a") as file:
            file.write(kwargs["model"] + "\\n")


handler = Hook()
'''


def write(gateway, name, text):
    """A file of the gateway's user, that nobody else can change."""
    path = gateway.home / "theirs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    for of, mode in [(path.parent, 0o700), (path, 0o600)]:
        of.chmod(mode)
        if gateway.root:
            os.chown(of, NOBODY, NOBODY)
    return path


def pids(gateway):
    return {name: service["pid"] for name, service in gateway.status()["services"].items()}


@pytest.fixture
def own_model(gateway, provider):
    """A model that only a config.yaml knows, whose key is a secret; afterwards all is as it was."""
    told = gateway.home / "theirs/told"
    write(gateway, "hooks.py", HOOKS.format(told=told))
    write(
        gateway,
        "models.yaml",
        "model_list:\n- model_name: own\n  litellm_params:\n    model: openai/echo\n"
        f"    api_base: {provider.url}\n    api_key: os.environ/OWN_PROVIDER_KEY\n",
    )
    path = write(
        gateway,
        "config.yaml",
        "include: [models.yaml]\nlitellm_settings:\n  max_budget: 100000\n  callbacks: hooks.handler\n"
        "general_settings:\n  master_key: sk-1234\n",
    )
    before = gateway.config.read_text()
    assert gateway.run("secret", "set", "OWN_PROVIDER_KEY", text=API_KEY).returncode == 0
    yield path, told
    gateway.config.write_text(before)
    gateway.command("reload", seconds=300)
    gateway.command("secret", "remove", "OWN_PROVIDER_KEY")


def test_a_config_of_ones_own_works_with_its_includes_callbacks_and_secrets(gateway, client, provider, own_model):
    path, told = own_model
    before = pids(gateway)
    gateway.command("config", "set", "litellm.config", str(path), seconds=300)
    after = pids(gateway)
    assert {name for name in before if before[name] != after[name]} == {"litellm"}
    checked = gateway.run("config", "check")
    assert checked.returncode == 0
    assert "litellm_settings.max_budget has no effect" in checked.stderr
    assert "general_settings.master_key has no effect" in checked.stderr
    answer = ask(client, "own", "one two three")
    assert answer.choices[0].message.content == "one two three"
    headers, _ = provider.requests[-1]
    assert headers["Authorization"] == f"Bearer {API_KEY}"
    until("the callback has told", lambda: told.exists() and "echo" in told.read_text(), 30)
    # The master key is ours still.
    assert "own" in gateway.admin().models()
    assert API_KEY not in gateway.log("litellm") + gateway.run("status", "--json").stdout

    # A mistake is refused before anything restarts, and what runs goes on.
    running = pids(gateway)
    write(gateway, "models.yaml", "model_list: [\n")
    refused = gateway.run("reload", seconds=300)
    assert refused.returncode != 0
    assert f"{path.parent}/models.yaml:" in refused.stderr
    assert pids(gateway) == running
    assert ask(client, "own", "still").choices[0].message.content == "still"


def test_a_variable_of_ones_own_restarts_the_one_service_and_is_seen(gateway):
    before, text = pids(gateway), gateway.config.read_text()
    try:
        gateway.command("config", "set", "open_webui.environment", '{ WEBUI_NAME = "Our House" }', seconds=300)
        after = pids(gateway)
        assert {name for name in before if before[name] != after[name]} == {"open-webui"}
        assert httpx.get(f"{gateway.url}/api/config", trust_env=False).json()["name"].startswith("Our House")
        refused = gateway.run("config", "set", "open_webui.environment", '{ WEBUI_NAM = "x" }')
        assert refused.returncode == 78
        assert "did you mean WEBUI_NAME?" in refused.stderr
    finally:
        gateway.config.write_text(text)
        gateway.command("reload", seconds=300)
