"""The administrator of LiteLLM's admin page is an account in the database, with a hashed password.

LiteLLM would take the name and the password from its environment (UI_USERNAME, UI_PASSWORD) for ever,
and its page says in red that this is no good: such a password cannot be changed there. So the account is
made at a start with what the environment has, and a login by the environment is refused
(`disable_env_credential_login` in config.yaml).

A password that was changed on the page stays. The one of the environment is put in again only when it is
another than the one that was put in last, or when there is no account with a password any more. What was
put in is remembered in the database, so that a restored backup has both of the same day.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from litellm.proxy import proxy_server

import own_tables

if TYPE_CHECKING:
    from starlette.types import Message, Send


# Whose every login by the environment was, so that keys and spending stay with the same user.
USER = "default_user_id"
# LiteLLM looks an account up by this, and it may be any text.
NAME = os.environ.get("UI_USERNAME", "admin")

RETRY_SECONDS = 30
# A task that nobody holds may be collected.
TASKS: list[asyncio.Task[None]] = []

TABLE = (
    own_tables.SCHEMA,
    "CREATE TABLE IF NOT EXISTS ai_gateway.admin_account (user_id text PRIMARY KEY, password text NOT NULL)",
)
PUT_IN = "SELECT password FROM ai_gateway.admin_account WHERE user_id = $1"
REMEMBER = (
    "INSERT INTO ai_gateway.admin_account (user_id, password) VALUES ($1, $2)"
    " ON CONFLICT (user_id) DO UPDATE SET password = excluded.password"
)


def with_account(send: Send) -> Send:
    """What a server is told of its start, after the account is there."""

    async def send_when_there(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete" and not await made():
            TASKS.append(asyncio.create_task(make_later()))
        await send(message)

    return send_when_there


async def made() -> bool:
    try:
        await ensure(proxy_server.prisma_client.db, os.environ["UI_PASSWORD"])
    except Exception as error:  # noqa: BLE001 - the API works without the page
        print(
            f"WARNING: nobody can log in to the admin page, since its account was not made: {error!r}; "
            f"it is tried again every {RETRY_SECONDS} s",
            file=sys.stderr,
            flush=True,
        )
        return False
    return True


async def make_later() -> None:
    while True:
        await asyncio.sleep(RETRY_SECONDS)
        if await made():
            return


async def ensure(db: Any, password: str) -> None:
    from litellm.proxy.utils import hash_password, verify_password

    await own_tables.make(db, TABLE)
    account = await db.litellm_usertable.find_unique(where={"user_id": USER})
    put_in = await db.query_raw(PUT_IN, USER)
    if account and account.password and put_in and verify_password(password, put_in[0]["password"]):
        return
    hashed = hash_password(password)
    values = {
        "user_email": NAME,
        "user_role": "proxy_admin",
        "password": hashed,
        "password_reset_required": False,
    }
    # Two workers may do this at once, with the same end.
    await db.litellm_usertable.upsert(
        where={"user_id": USER}, data={"create": {"user_id": USER, **values}, "update": values}
    )
    await db.execute_raw(REMEMBER, USER, hashed)
