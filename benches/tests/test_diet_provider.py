"""The provider that LiteLLM is asked through, over HTTP."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from ai_gateway_benches.diet import provider, provider_process

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with provider_process.running() as port:
        yield port


def ask(port: int, path: str, body: dict[str, Any]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read()


def test_a_chat_is_answered_at_once(port: int) -> None:
    answer = json.loads(ask(port, "/v1/chat/completions", {"stream": False}))
    assert answer["choices"][0]["message"]["content"] == " ".join(provider.WORDS)
    assert answer["usage"] == provider.USAGE


def test_a_stream_has_its_pieces_at_its_pace(port: int) -> None:
    began = time.monotonic()
    said = ask(port, "/v1/chat/completions", {"stream": True}).decode()
    taken = time.monotonic() - began
    *events, done = [line.removeprefix("data: ") for line in said.splitlines() if line]
    pieces = [json.loads(event) for event in events]
    deltas = [choice["delta"].get("content") for piece in pieces for choice in piece["choices"]]
    assert done == "[DONE]"
    assert len([delta for delta in deltas if delta]) == provider_process.PIECES
    assert [piece["choices"][0]["finish_reason"] for piece in pieces[-2:-1]] == ["stop"]
    assert pieces[-1]["usage"] == provider.USAGE
    assert taken >= (provider_process.PIECES - 1) / provider_process.PACE


def test_the_same_text_has_the_same_vector(port: int) -> None:
    first, other, again = json.loads(ask(port, "/v1/embeddings", {"input": ["a", "b", "a"]}))["data"]
    assert len(first["embedding"]) == provider.NUMBERS
    assert first["embedding"] == again["embedding"] != other["embedding"]
