"""What may be spent is what can be spent."""

import json
import os
import signal
from datetime import datetime, timedelta, timezone

import openai
import pytest
from gateway import until
from test_chat import ask

# Two words asked and two answered, at a thousandth of a dollar each.
CHEAP = 4 * 0.001


def refused(client, model):
    """The refusal, or nothing if there was an answer."""
    try:
        ask(client, model)
    except openai.APIStatusError as error:
        return error
    return None


def assert_over_budget(error):
    assert 400 <= error.status_code < 500
    assert "budget has been exceeded" in str(error).lower()


def told(gateway):
    """What `budget` says of what was spent."""
    return json.loads(gateway.command("budget", "--json"))["spend"]


def test_what_is_spent_and_when_the_budget_starts_anew_is_told(gateway, client):
    before = told(gateway)
    ask(client, "cheap", "one two")
    ask(client, "echo", "one two")
    until("it is told", lambda: told(gateway)["spent_usd"] > before["spent_usd"] and "echo" in told(gateway)["free_models"], 120)
    spend = told(gateway)
    assert spend["spent_usd"] == pytest.approx(before["spent_usd"] + CHEAP)
    assert spend["budget_usd"] == 15
    assert "cheap" not in spend["free_models"]
    anew = datetime.fromisoformat(spend["resets_at"])
    assert timedelta() < anew - datetime.now(timezone.utc) <= timedelta(days=31)
    for command in ("budget", "status"):
        seen = gateway.command(command)
        assert f" of $15.00 spent; it starts anew on {anew:%Y-%m-%d} (in " in seen, seen
        assert "No budget stops what has no price: " in seen and "echo" in seen, seen


def test_a_database_without_sums_by_name_is_asked_for_what_it_has(gateway, client, provider):
    """One from before there were any, and one of a LiteLLM without a journal."""
    gateway.admin().add_model("known-to-litellm", **provider.model("known-to-litellm"))
    ask(client, "known-to-litellm", "one two")
    until("it is told", lambda: "known-to-litellm" in told(gateway)["free_models"], 30)
    gateway.query("ALTER TABLE ai_gateway.model_spend RENAME TO away")
    try:
        spend = told(gateway)
    finally:
        gateway.query("ALTER TABLE ai_gateway.away RENAME TO model_spend")
    assert "known-to-litellm" in spend["free_models"]
    assert spend["budget_usd"] == 15


def test_what_was_spent_before_a_budget_started_anew_is_not_counted_again(gateway, models, key):
    """LiteLLM sets the sums to nothing at the end of a period; what is replayed after a kill is from before it."""
    client = gateway.openai(key)
    ask(client, "cheap", "one two")
    # And with it all that was answered before: the journal goes in order.
    until("it is counted", lambda: gateway.spent(key)[2] == pytest.approx(CHEAP), 30)
    gateway.query('UPDATE "LiteLLM_VerificationToken" SET spend = 0')
    gateway.query("UPDATE \"LiteLLM_UserTable\" SET spend = 0 WHERE user_id = 'litellm-proxy-budget'")
    os.kill(gateway.service("litellm")["pid"], signal.SIGKILL)
    gateway.ensure_ready()
    ask(client, "cheap", "one two")
    until("the next one is counted", lambda: gateway.spent(key)[2] > 0, 30)
    assert gateway.spent(key) == (2, pytest.approx(2 * CHEAP), pytest.approx(CHEAP))
    assert told(gateway)["spent_usd"] == pytest.approx(CHEAP)


def test_a_key_that_has_spent_its_budget_is_refused_and_no_other(gateway, models):
    admin = gateway.admin()
    poor, rich = (gateway.openai(admin.key(max_budget=budget)) for budget in (0.001, 10))
    assert refused(poor, "cheap") is None
    assert_over_budget(until("the key's budget is spent", lambda: refused(poor, "cheap")))
    assert refused(rich, "cheap") is None


def test_the_gateway_stops_at_its_budget_and_goes_on_with_a_larger_one(gateway, client):
    assert refused(client, "dear") is None
    # The rest of the minute that LiteLLM would take by itself is not given to it.
    assert_over_budget(until("the gateway's budget is spent", lambda: refused(client, "dear"), 40))
    # Not that model, not that key: all spending.
    assert_over_budget(refused(gateway.openai(gateway.admin().key()), "cheap"))
    # LiteLLM would take these to mean that there is no budget.
    for nothing in ("0", "0.0", "-0", "1e-9"):
        assert gateway.run("budget", nothing).returncode == 2
    assert_over_budget(refused(client, "dear"))
    gateway.command("budget", "0.01", seconds=300)
    assert_over_budget(refused(client, "cheap"))
    gateway.command("budget", "1000000", seconds=300)
    assert refused(client, "cheap") is None
