"""LiteLLM's admin page: what it asks for when somebody comes, and what it then says in red."""

import base64
import json
import time

import httpx
import pytest
from gateway import until

ADMIN = "admin"


class Page:
    """The page's own requests: a login by its form, and then whatever it asks with the session's key."""

    def __init__(self, gateway):
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{gateway.admin_port}", timeout=60, trust_env=False)

    def log_in(self, password, name=ADMIN):
        return self.http.post("/v2/login", json={"username": name, "password": password}).status_code

    def session(self, password):
        answer = self.http.post("/v2/login", json={"username": ADMIN, "password": password})
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {claims(answer.json()['token'])['key']}"
        return self

    def get(self, path):
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="module")
def password(stack):
    return stack.secret("litellm-ui-password")


@pytest.fixture(scope="module")
def page(stack, password):
    """Logged in once for all of them: the front lets an address try a few times a minute."""
    stack.ensure_ready()
    return Page(stack).session(password)


def test_the_page_greets_without_warnings(gateway, page):
    # LiteLLM reads its configuration again for this, and forgets what was only set while it runs.
    page.get("/get/config/callbacks")
    details = page.get("/health/readiness/details")
    assert details["show_env_credential_login_warning"] is False
    assert details["show_no_redis_warning"] is False
    # What LiteLLM asks a site on the internet for; test_network.py would see it.
    assert page.get("/get/latest_release_info") is None


def test_one_worker_is_not_taken_for_more_after_a_crash(gateway, page):
    # The row of one that was killed, as LiteLLM counts its workers.
    gateway.query(
        "INSERT INTO \"LiteLLM_ProxyWorkerHeartbeat\" (worker_id, hostname, last_heartbeat_at)"
        " VALUES ('killed', 'here', now()) ON CONFLICT (worker_id) DO UPDATE SET last_heartbeat_at = now()"
    )
    assert page.get("/health/readiness/details")["show_no_redis_warning"] is False


def test_the_page_shows_the_budget_that_there_is(gateway, page):
    budget = float(gateway.query("SELECT max_budget FROM \"LiteLLM_UserTable\" WHERE user_id = 'litellm-proxy-budget'"))
    assert page.get("/v2/user/info")["max_budget"] == budget
    # Where users are edited: nothing is filled in that would be saved.
    assert page.get("/v2/user/info?user_id=default_user_id")["max_budget"] is None
    # A budget of one's own is shown as it is, and an answer that is long enough to be compressed is filled in too.
    frugal, wordy = f"frugal-{time.time_ns()}", f"wordy-{time.time_ns()}"
    assert own_budget(gateway, user_id=frugal, max_budget=0.25) == 0.25
    assert own_budget(gateway, user_id=wordy, metadata={"note": "word " * 1000}) == budget


def own_budget(gateway, **user):
    key, page = gateway.admin().post("/user/new", user)["key"], Page(gateway)
    page.http.headers["Authorization"] = f"Bearer {key}"
    return page.get("/v2/user/info")["max_budget"]


def test_a_password_that_was_changed_on_the_page_stays_until_the_secret_is_another_one(gateway, page, password):
    chosen = "Chosen-on-the-page-1"
    changed = page.http.post("/user/password/change", json={"current_password": password, "new_password": chosen})
    assert changed.status_code == 200, changed.text
    try:
        gateway.command("restart", "litellm", seconds=300)
        assert (page.log_in(password), page.log_in(chosen)) == (401, 200)
        # Nor does the master key open the page.
        assert page.log_in(gateway.secret("litellm-master-key")) == 401
    finally:
        # As if the secret had been another one until now: the next start puts it in.
        gateway.query("UPDATE ai_gateway.admin_account SET password = 'of another secret'")
        gateway.command("restart", "litellm", seconds=300)
    assert (page.log_in(password), page.log_in(chosen)) == (200, 401)


def warnings_of(gateway, name):
    return [line for line in gateway.log("litellm").splitlines() if f"model '{name}' has no price" in line]


def test_who_adds_a_model_without_a_price_is_told_once(gateway, models, provider):
    admin, run = gateway.admin(), str(time.time_ns())
    silent = {
        "with-a-price": provider.model("echo", input_cost_per_token=0.001),
        "by-the-second": provider.model("echo", input_cost_per_second=0.001),
        "meant-to-be-free": provider.model("echo", input_cost_per_token=0, output_cost_per_token=0),
        "in-the-table": provider.model("gpt-4o"),
        "of-pictures": provider.model("dall-e-3"),
    }
    for name, parameters in silent.items():
        admin.add_model(f"{name}-{run}", **parameters)
    admin.add_model(f"no-price-{run}", **provider.model("echo"))
    until("the warning", lambda: warnings_of(gateway, f"no-price-{run}"))
    admin.models()
    assert len(warnings_of(gateway, f"no-price-{run}")) == 1
    assert "set its price on the admin page" in warnings_of(gateway, f"no-price-{run}")[0]
    assert not any(warnings_of(gateway, f"{name}-{run}") for name in silent)
