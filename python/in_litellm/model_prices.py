"""Who adds a model without a price is told at once, in the log.

LiteLLM takes a price from the model's own settings or from its table of known models, and counts as free
what has neither: no budget stops it. A price of 0 that somebody has entered, or that the table has for
programs that run on one's own machine, is a price.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import litellm

from demo_model import ID, administrator
from uncompressed import uncompressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


ADDING = ("POST", "/model/new")


def telling(app: ASGIApp) -> ASGIApp:
    """The application, which says of each model that is added whether it lacks a price."""

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ADDING:
            await app(scope, receive, send)
            return
        status, body = 0, b""

        async def remembering(message: Message) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")
            await send(message)

        await app(uncompressed(scope), receive, remembering)
        if 200 <= status < 300:
            await tell(body)

    return watching


async def tell(body: bytes) -> None:
    try:
        async with administrator() as own:
            asked = await own.get("/model/info", params={"litellm_model_id": json.loads(body)["model_id"]})
        for model in asked.raise_for_status().json()["data"]:
            if lacks_price(model, litellm.model_cost):
                print(warning(model["model_name"]), file=sys.stderr, flush=True)
    except Exception as error:  # noqa: BLE001 - the model works without
        print(f"WARNING: whether a new model has a price is not known: {error!r}", file=sys.stderr, flush=True)


def lacks_price(model: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]]) -> bool:
    info, name = model.get("model_info") or {}, model["litellm_params"].get("model") or ""
    # What stands for many models has the price of each; the demo model is free.
    if info.get("id") == ID or "*" in name:
        return False
    return not has_price(info) and not any(has_price(table[key]) for key in sizes(name, table))


def has_price(info: Mapping[str, Any]) -> bool:
    return any("cost" in key and isinstance(value, (int, float)) for key, value in info.items())


def sizes(name: str, table: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A model of pictures is in the table once for each size: 1024-x-1024/dall-e-3."""
    of_size = re.compile(r"\d+-x-\d+/" + re.escape(name.rpartition("/")[2]) + "$")
    return [key for key in table if of_size.search(key)]


def warning(name: str) -> str:
    return (
        f"WARNING: model {name!r} has no price, so LiteLLM counts its answers as free and no budget stops it. "
        "If it is paid for, set its price on the admin page (input and output cost). "
        "Once others have used the budget up, it is refused like them."
    )
