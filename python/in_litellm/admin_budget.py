"""The admin page shows the gateway's budget to who has none of his own.

Its first page shows what was spent and "No budget set" beside it, since it looks for a budget of the
user who is logged in, although the whole gateway has one, which stops that user too. The page asks
`/v2/user/info` without a name for who is logged in. Where users are looked at or edited it asks with
one, and that answer stays as it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import litellm

from uncompressed import uncompressed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


ASKED = ("GET", "/v2/user/info")


def with_gateway_budget(app: ASGIApp) -> ASGIApp:
    """The application, whose answer on who is logged in has the gateway's budget where the user has none."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        own = scope["type"] == "http" and (scope["method"], scope["path"]) == ASKED and not scope["query_string"]
        if own and litellm.max_budget:
            await app(uncompressed(scope), receive, Filled(send))
        else:
            await app(scope, receive, send)

    return answering


class Filled:
    """Sends an answer when it is whole, and its length fits what was filled in."""

    def __init__(self, send: Send) -> None:
        self.send, self.body = send, b""
        self.start: Message = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        if message["type"] != "http.response.body":
            await self.send(message)
            return
        self.body += message.get("body", b"")
        if message.get("more_body"):
            return
        body = filled(self.body) if self.start["status"] == 200 else self.body
        others = [header for header in self.start.get("headers", ()) if header[0].lower() != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await self.send({**self.start, "headers": [*others, length]})
        await self.send({"type": "http.response.body", "body": body})


def filled(body: bytes) -> bytes:
    try:
        user = json.loads(body)
    except ValueError:
        return body
    if not isinstance(user, dict) or user.get("max_budget") is not None:
        return body
    of_gateway = {"max_budget": litellm.max_budget, "budget_duration": litellm.budget_duration}
    return json.dumps({**user, **of_gateway}).encode()
