"""Open WebUI as a browser uses it: signs up, lists the models, chats, over HTTP and a WebSocket."""

import json
import uuid

import httpx
import pytest
from gateway import until
from websockets.sync.client import connect

PERSON = {"name": "Ada", "email": "ada@example.org", "password": "a long pass phrase"}


@pytest.fixture(scope="module")
def first_account(stack):
    """The answer to the first sign-up."""
    stack.ensure_ready()
    return httpx.post(f"{stack.url}/api/v1/auths/signup", json=PERSON, timeout=60, trust_env=False)


@pytest.fixture
def browser(gateway, first_account):
    token = first_account.json()["token"]
    with httpx.Client(
        base_url=gateway.url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
    ) as client:
        yield client


def chat(browser, text, **more):
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], "stream": False, **more}
    return browser.post("/api/chat/completions", json=body)


def test_the_page_comes(gateway):
    page = httpx.get(gateway.url, trust_env=False)
    assert page.status_code == 200
    assert "<title>Open WebUI</title>" in page.text


def test_the_first_account_is_the_administrator(first_account):
    assert first_account.status_code == 200, first_account.text
    assert first_account.json()["role"] == "admin"


def test_nobody_else_can_sign_up(gateway, first_account):
    second = {**PERSON, "email": "eve@example.org"}
    answer = httpx.post(f"{gateway.url}/api/v1/auths/signup", json=second, timeout=60, trust_env=False)
    assert answer.status_code == 403, answer.text


def test_the_models_of_litellm_are_listed(browser, models):
    def listed():
        answer = browser.get("/api/models", params={"refresh": "true"})
        assert answer.status_code == 200, answer.text
        return "echo" in {model["id"] for model in answer.json()["data"]}

    until("Open WebUI lists the model", listed)


def test_a_chat_is_answered(browser, models):
    browser.get("/api/models", params={"refresh": "true"})
    answer = chat(browser, "hello there")
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "hello there"


def test_a_chat_comes_over_the_websocket(gateway, browser, models):
    """As the page does it: the question over HTTP, the answer's words over socket.io."""
    browser.get("/api/models", params={"refresh": "true"})
    token = browser.headers["Authorization"].removeprefix("Bearer ")
    address = f"ws://127.0.0.1:{gateway.port}/ws/socket.io/?EIO=4&transport=websocket"
    with connect(address, origin=gateway.url, proxy=None) as socket:
        assert socket.recv(timeout=20).startswith("0{")
        socket.send("40" + json.dumps({"token": token}))
        answer = socket.recv(timeout=20)
        assert answer.startswith("40{"), answer
        socket.send("42" + json.dumps(["user-join", {"auth": {"token": token}}]))
        session = json.loads(answer[2:])["sid"]
        message = str(uuid.uuid4())
        begun = chat(browser, "over the wire", stream=True, session_id=session, chat_id="local:" + str(uuid.uuid4()), id=message)
        assert begun.status_code == 200, begun.text
        assert finished(socket) == "over the wire"


def finished(socket):
    """The answer in the events' words."""
    content, frames = "", []
    while True:
        frame = socket.recv(timeout=30)
        if frame == "2":
            socket.send("3")
        elif frame.startswith("42"):
            name, event = json.loads(frame[2:])[:2]
            frames.append(event)
            data = event.get("data", {})
            if name == "events" and data.get("type") == "chat:completion":
                for item in data["data"].get("output") or []:
                    content = "".join(part.get("text", "") for part in item.get("content", [])) or content
                if data["data"].get("done"):
                    assert content, frames
                    return content


# More than Open WebUI's store keeps in memory (few_indexes in docs/diet.md).
DOCUMENTS = 10


def test_documents_are_found_when_their_index_is_no_longer_in_memory(gateway, browser, models, provider):
    embeds = "text-embedding-3-small"
    gateway.admin().add_model(embeds, **provider.model(embeds))
    added = []
    for number in range(DOCUMENTS):
        file = (f"document-{number}.txt", f"What document {number} says.".encode(), "text/plain")
        at_once = {"process_in_background": "false"}
        answer = browser.post("/api/v1/files/", params=at_once, files={"file": file})
        assert answer.status_code == 200, answer.text
        added.append(answer.json()["id"])
    for number, document in enumerate(added):
        question = {"collection_name": f"file-{document}", "query": "What does it say?", "k": 1}
        answer = browser.post("/api/v1/retrieval/query/doc", json=question)
        assert answer.status_code == 200, answer.text
        assert answer.json()["documents"] == [[f"What document {number} says."]]
    for document in added:
        assert browser.delete(f"/api/v1/files/{document}").status_code == 200
    assert "few_indexes is skipped" not in gateway.log("open-webui")


def test_another_sites_page_gets_no_websocket(gateway, first_account):
    address = f"ws://127.0.0.1:{gateway.port}/ws/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(Exception, match="HTTP 400|HTTP 403"):
        connect(address, origin="https://evil.example", proxy=None)


def test_a_revoked_key_is_replaced_when_litellm_starts_again(gateway, browser, models):
    admin = gateway.admin()
    old = gateway.secret("open-webui-virtual-key")
    admin.post("/key/delete", {"keys": [old]})
    assert chat(browser, "refused").status_code >= 400
    before = gateway.service("open-webui")["pid"]
    gateway.command("restart", "litellm", seconds=300)
    new = gateway.secret("open-webui-virtual-key")
    assert new != old

    def is_back():
        service = gateway.service("open-webui")
        return service["state"] == "ready" and service["pid"] != before

    until("Open WebUI starts again with its new key", is_back, seconds=180)
    browser.get("/api/models", params={"refresh": "true"})
    answer = chat(browser, "back again")
    assert answer.json()["choices"][0]["message"]["content"] == "back again"


def test_open_webuis_key_belongs_to_its_team_and_is_not_the_master_key(gateway):
    key = gateway.secret("open-webui-virtual-key")
    assert key != gateway.secret("litellm-master-key")
    info = gateway.admin().get(f"/key/info?key={key}")["info"]
    assert info["team_id"] == "open-webui-team"
    assert info["key_alias"] == "Open WebUI Key"
