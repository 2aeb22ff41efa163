"""Open WebUI as a browser uses it: signs in, lists the models, chats, over HTTP and a WebSocket."""

import json
import uuid

import httpx
import pytest
from gateway import until
from websockets.sync.client import connect

EVE = {"name": "Eve", "email": "eve@example.org", "password": "a long pass phrase"}


def post(gateway, path, body):
    return httpx.post(f"{gateway.url}{path}", json=body, timeout=60, trust_env=False)


def sign_in(gateway, password=None, email="admin@localhost"):
    login = {"email": email, "password": password or gateway.secret("open-webui-admin-password")}
    return post(gateway, "/api/v1/auths/signin", login)


def sign_up(gateway):
    return post(gateway, "/api/v1/auths/signup", EVE)


def client_of(gateway, token):
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=gateway.url, headers=headers, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def first_account(stack):
    """The answer to the administrator's sign-in."""
    stack.ensure_ready()
    return sign_in(stack)


@pytest.fixture
def browser(gateway, first_account):
    with client_of(gateway, first_account.json()["token"]) as client:
        yield client


def chat(browser, text, **more):
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], "stream": False, **more}
    return browser.post("/api/chat/completions", json=body)


def test_the_page_comes(gateway):
    page = httpx.get(gateway.url, trust_env=False)
    assert page.status_code == 200
    assert "<title>Open WebUI</title>" in page.text


def test_the_administrator_was_there_before_the_first_start(gateway, first_account):
    assert first_account.status_code == 200, first_account.text
    assert first_account.json()["role"] == "admin"
    first = accounts(gateway)[0]
    assert (first["email"], first["role"]) == ("admin@localhost", "admin")
    assert first["created_at"] <= gateway.set_up_at
    login = json.loads(gateway.command("key", "--json"))["webui"]
    assert login["user"] == "admin@localhost"
    assert login["password"]["value"] == gateway.secret("open-webui-admin-password")


def accounts(gateway):
    return json.loads(gateway.command("admin", "list", "--json"))


def test_nobody_can_sign_up_whatever_the_switch_in_the_settings_says(gateway, browser):
    settings = browser.get("/api/v1/auths/admin/config").json()
    assert settings["ENABLE_SIGNUP"] is False
    opened = browser.post("/api/v1/auths/admin/config", json={**settings, "ENABLE_SIGNUP": True})
    assert opened.status_code == 200, opened.text
    # Spellings that Open WebUI or nginx take for the same path.
    for path in ("/api/v1/auths/signup", "/api/v1/auths/sign%75p", "//api/v1//auths/x/../signup", "/api/v1/auths/signup?a"):
        answer = post(gateway, path, EVE)
        assert (answer.status_code, "signup = true" in answer.text) == (403, True), f"{path}: {answer.text}"
    assert post(gateway, "/api/v1/auths/signup/", EVE).status_code >= 300
    assert [account["email"] for account in accounts(gateway)] == ["admin@localhost"]


def test_accounts_are_made_and_changed_from_the_command_line(gateway):
    def stdin(*arguments, text):
        done = gateway.run(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    stdin("admin", "create", "Bo@Example.org", "--name", "Bo 'x'", "--role", "user", "--password-stdin", text="the first\n")
    again = gateway.run("admin", "create", "bo@example.org", "--generate")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    session = sign_in(gateway, "the first", "bo@example.org").json()
    assert (session["role"], session["name"]) == ("user", "Bo 'x'")
    gateway.command("admin", "promote", "bo@example.org")
    with client_of(gateway, session["token"]) as bo:
        assert bo.get("/api/v1/auths/").json()["role"] == "admin"
        made = gateway.command("admin", "reset-password", "bo@example.org", "--generate")
        assert bo.get("/api/v1/auths/").status_code == 401, "its sessions end"
    assert sign_in(gateway, "the first", "bo@example.org").status_code == 400
    assert sign_in(gateway, made.split("Password: ")[1].strip(), "bo@example.org").status_code == 200


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


def test_the_login_that_is_shown_stays_true_and_the_key_opens_sign_up(gateway, first_account):
    before = gateway.secret("open-webui-admin-password")
    gateway.command("admin", "reset-password", "admin@localhost", "--generate")
    assert gateway.secret("open-webui-admin-password") != before
    # From here on there is no account, as after a database was restored or emptied.
    gateway.query('DELETE FROM auth; DELETE FROM "user"', database="open_webui")
    assert sign_up(gateway).status_code == 403
    gateway.command("config", "set", "open_webui.signup", "true", seconds=300)
    session = sign_in(gateway)
    assert (session.status_code, session.json().get("role")) == (200, "admin"), session.text
    assert httpx.get(f"{gateway.url}/api/config", trust_env=False).json()["features"]["enable_signup"] is True
    answer = sign_up(gateway)
    assert (answer.status_code, answer.json().get("role", "pending")) == (200, "pending"), answer.text
    gateway.command("config", "set", "open_webui.signup", "false", seconds=300)
    assert sign_up(gateway).status_code == 403
    assert httpx.get(f"{gateway.url}/api/config", trust_env=False).json()["features"]["enable_signup"] is False
