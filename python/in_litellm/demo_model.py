"""The demo model goes as soon as LiteLLM has taken in a real one.

Who adds a model sees it gone with the answer. The worker that answers asks its own application, as
an administrator would; LiteLLM's other workers follow when they next look into the database.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING

import httpx
from litellm.proxy import proxy_server

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


# As src/services/litellm/after_start/demo.rs has it.
ID = "ai-gateway-demo"
# As src/services/litellm/after_start/api.rs has it.
WORKER = (b"x-ai-gateway-worker", str(os.getpid()).encode())
AFRESH = b"x-ai-gateway-afresh"


def without_demo(app: ASGIApp) -> ASGIApp:
    """The application, with an end to the demo model before the answer to whoever adds another one.

    And whoever asks for the models hears which worker it was that knows them, and may have it look
    into the database first, which it would do every 30 seconds.
    """

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and (scope["method"], scope["path"])
        if asked == ("GET", "/model/info"):
            if (AFRESH, b"yes") in scope["headers"] and is_administrator(scope):
                await look()
            await app(scope, receive, named(send))
        elif asked == ("POST", "/model/new"):
            await adding(scope, receive, send)
        else:
            await app(scope, receive, send)

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        added = False

        async def send_when_gone(message: Message) -> None:
            nonlocal added
            if message["type"] == "http.response.start":
                added = 200 <= message["status"] < 300
            elif added and not message.get("more_body"):
                await remove_beside_others()
            await send(message)

        await app(scope, receive, send_when_gone)

    return watching


def is_administrator(scope: Scope) -> bool:
    expected = f"Bearer {os.environ['LITELLM_MASTER_KEY']}".encode()
    return any(name == b"authorization" and hmac.compare_digest(value, expected) for name, value in scope["headers"])


async def look() -> None:
    try:
        await proxy_server.proxy_config.add_deployment(
            prisma_client=proxy_server.prisma_client, proxy_logging_obj=proxy_server.proxy_logging_obj
        )
    except Exception as error:  # noqa: BLE001 - it does by itself, later
        print(f"WARNING: no look for new models: {error!r}", flush=True)


def named(send: Send) -> Send:
    async def send_with_name(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), WORKER]}
        await send(message)

    return send_with_name


async def remove_beside_others() -> None:
    try:
        await _remove_beside_others()
    except Exception as error:  # noqa: BLE001 - the next start of LiteLLM tries again
        print(f"WARNING: the demo model was not removed: {error!r}", flush=True)


async def _remove_beside_others() -> None:
    async with administrator() as own:
        models = (await own.get("/model/info")).raise_for_status().json()["data"]
        ids = {model["model_info"]["id"] for model in models}
        if ID in ids and len(ids) > 1:
            (await own.post("/model/delete", json={"id": ID})).raise_for_status()


def administrator() -> httpx.AsyncClient:
    """Asks this worker's own application with the rights of the administrator."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=proxy_server.app),
        base_url="http://gateway",
        headers={"Authorization": f"Bearer {os.environ['LITELLM_MASTER_KEY']}"},
    )
