"""What may be spent is what can be spent."""

import openai
import pytest
from gateway import until
from test_chat import ask


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
