"""A chat through nginx, LiteLLM and a provider, as OpenAI's own client sees it."""

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from provider import API_KEY


def ask(client, model, text="one two three", **options):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)


def words(stream):
    return [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]


def test_an_answer_comes_whole(client, provider):
    answer = ask(client, "echo", "one two three")
    assert answer.choices[0].message.content == "one two three"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 6
    headers, body = provider.requests[-1]
    assert headers["Authorization"] == f"Bearer {API_KEY}"
    assert body["model"] == "echo"


def test_an_answer_comes_word_by_word_as_it_is_made(client, provider):
    provider.gate.clear()
    stream = ask(client, "gated", "one two three", stream=True)
    heard = []
    for chunk in stream:
        if chunk.choices and (word := chunk.choices[0].delta.content):
            heard.append(word)
            # The provider says the second word only now: anything that holds words back hangs here.
            provider.gate.set()
    assert heard == ["one", " two", " three"]


def test_many_are_answered_at_once_and_each_its_own(client):
    texts = [f"number {n}" for n in range(64)]
    with ThreadPoolExecutor(16) as pool:
        whole = pool.map(lambda text: ask(client, "echo", text).choices[0].message.content, texts[:32])
        streamed = pool.map(lambda text: "".join(words(ask(client, "echo", text, stream=True))), texts[32:])
        assert [*whole, *streamed] == texts


def test_a_long_prompt_gets_through(client):
    text = "word " * 60_000 + "end"
    assert ask(client, "echo", text).choices[0].message.content == text


@pytest.mark.parametrize(
    ("model", "error", "status"),
    [("refuses-429", openai.RateLimitError, 429), ("refuses-500", openai.InternalServerError, 500)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_providers_refusal_reaches_the_client(client, model, error, status, stream):
    with pytest.raises(error) as refused:
        ask(client, model, stream=stream)
    assert refused.value.status_code == status
    assert f"the provider says {status}" in str(refused.value)


def test_a_broken_stream_is_told_from_a_whole_one(client, provider):
    provider.gate.clear()
    stream = ask(client, "breaks", "one two three four", stream=True)
    heard = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            if chunk.choices and (word := chunk.choices[0].delta.content):
                heard.append(word)
                if word == " two":
                    provider.gate.set()
    assert heard == ["one", " two"]


def test_a_provider_that_does_not_answer_is_given_up(client):
    with pytest.raises(openai.APIStatusError) as given_up:
        ask(client, "hangs")
    assert given_up.value.status_code == 408


def test_after_a_bad_day_of_one_model_the_others_answer(client):
    for _ in range(3):
        with pytest.raises(openai.APIStatusError):
            ask(client, "refuses-500")
    assert ask(client, "echo", "still here").choices[0].message.content == "still here"


def test_a_key_that_nobody_made_opens_nothing(gateway, models):
    with pytest.raises(openai.AuthenticationError):
        ask(gateway.openai("sk-nobody-made-this-one"), "echo")


def test_administration_is_not_served_to_the_public(gateway, key):
    admin = gateway.admin()
    for path in ("/api/litellm/key/list", "/api/litellm/model/info"):
        assert admin.http.get(f"{gateway.url}{path}").status_code == 403
