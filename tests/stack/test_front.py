"""The door as it is in front of the real services: whom it believes, what one client may take of it, and
what it says to who comes to a wrong place."""

import ast
import re
import resource
import socket
import time
import warnings
from contextlib import ExitStack

import httpx
import openai
import pytest

# A header's name in quotes, with a word of who somebody is or where they come from.
NAME = re.compile(r"""["']([A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*-[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*)["']""")
WORDS = set(
    "forwarded remote real original rewrite client user email mail group groups role roles ip proxy authenticated"
    " principal identity ssl cert https scheme customer username fullname addr".split()
)
# What nginx says itself, in place of what a client has said.
SAID = {"host", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}

# Names of the same form that give nobody an identity, or that are meant for whoever has a key.
HARMLESS = {
    # Which program asks.
    "user-agent", "x-user-agent", "x-client-name", "x-client-source", "x-gateway-client", "ai-client-type", "x-s6r-client",
    "x-vscode-user-agent-library-version",
    # An agent's key is held to what this user may do as well: it narrows, and would widen if it were taken away.
    "x-litellm-user-id",
    # For whom the owner of a key asks, by the owner's own word: it is what that customer's budget is for.
    "x-litellm-customer-id", "x-litellm-end-user-id",
    # Which tools a key's owner wants of those that the key allows.
    "x-mcp-access-groups",
    # Of a connection, or of HTTP's own log-in at a proxy.
    "proxy-authenticate", "proxy-authorization", "proxy-connection",
    # What is sent to others or said in answers, and never looked at in a request.
    "lasso-user-id", "user-api-key-alias", "user-api-key-team-id", "user-api-key-user-id", "x-goog-user-project",
    "x-amzn-bedrock-agentcore-runtime-user-id", "openwebui-user-id", "openwebui-user-email", "openwebui-user-name",
    "x-litellm-model-group", "x-litellm-model_group", "llm_provider-azureml-model-group", "ai-resource-group",
    "x-litellm-response-cost-original", "x-proxy-location",
    # No headers at all.
    "all-proxy-mcpservers", "all-proxy-models", "cli-user", "deleted-user", "litellm-proxy", "litellm-proxy-budget",
    "m2m-client-credentials", "mcp-client", "mcp-client-2025-04-04", "messages-proxy", "my-original-response",
    "stored-user-token",
}  # fmt: skip


def names_in(texts):
    """Each name of such a header that a program has as a value, and a place where it stands."""
    found = {}
    for where, text in texts:
        names = {name for name in NAME.findall(text) if WORDS & set(re.split("[-_]", name.lower()))}
        if names - found.keys():
            # An example in a description is no value.
            for name in names & values_in(text):
                found.setdefault(name.lower(), where)
    return found


def values_in(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = ast.walk(ast.parse(text))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def sources(gateway):
    """The text of every module of those that look at headers."""
    packages = {"litellm": ("litellm", "uvicorn", "starlette"), "open-webui": ("open_webui", "uvicorn", "starlette")}
    for payload, names in packages.items():
        [site] = (gateway.home / "state/payloads" / payload / "current/lib").glob("python3*/site-packages")
        for name in names:
            for path in (site / name).rglob("*.py"):
                text = path.read_text(errors="replace")
                if "header" in text.lower():
                    yield str(path.relative_to(site)), text


def taken_away(gateway):
    """Headers that nginx empties, wherever it passes a request on."""
    text = (gateway.home / "run/nginx/nginx.conf").read_text()
    places = re.findall(r"proxy_set_header ([A-Za-z0-9-]+) '';", text)
    return {name.lower() for name in places}


def test_a_name_is_found_in_quotes_of_either_kind():
    text = """'As in "x-old-client"'; a = headers.get("X-New-User-Mail"); b = headers['x-new-remote-addr']; c = "no-thing" """
    assert set(names_in([("here", text)])) == {"x-new-user-mail", "x-new-remote-addr"}


def test_every_header_of_an_identity_that_is_installed_is_known(gateway):
    found, known = names_in(sources(gateway)), taken_away(gateway) | SAID | HARMLESS
    # The search works: these are believed where somebody sets them up.
    assert {"x-forwarded-for", "x-forwarded-port", "x-litellm-user-email", "x-openwebui-user-email"} <= set(found)
    unknown = {name: where for name, where in found.items() if name not in known}
    assert not unknown, f"take them away in src/services/nginx/headers.rs, or say here why they are harmless: {unknown}"
    # The list of what is harmless is no longer than it has to be.
    assert HARMLESS <= set(found)


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("half", [b"GET /health HTTP/1.1\r\nHost: a\r\nX: ", b"POST /api/litellm/v1/chat/completions HT"])
def test_half_requests_of_one_client_keep_nobody_out(gateway, client, many_files, half):
    with ExitStack() as opened:
        for _ in range(1150):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=5))
            connection.sendall(half)
        for _ in range(3):
            began = time.monotonic()
            assert httpx.get(f"{gateway.url}/health", timeout=10, trust_env=False).status_code == 200
            # Without limits it was half a minute.
            assert time.monotonic() - began < 5
            assert client.models.list().data


@pytest.mark.parametrize("base", ["", "/v1", "/api/litellm", "/openai-is-not-here/.."])
def test_a_client_with_a_wrong_base_is_told_the_right_one(gateway, key, base):
    asking = openai.OpenAI(
        base_url=gateway.url + base,
        api_key=key,
        max_retries=0,
        http_client=httpx.Client(trust_env=False, timeout=60),
    )
    with pytest.raises(openai.NotFoundError) as refused:
        asking.chat.completions.create(model="echo", messages=[{"role": "user", "content": "Hello?"}])
    assert refused.value.code == "wrong_base_url"
    right = re.search(r"http://\S+/v1", refused.value.message)[0]
    # And that one works.
    answer = asking.with_options(base_url=right).chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "Hello?"}]
    )
    assert answer.choices[0].message.content == "Hello?"
