"""Open WebUI's first account: an administrator's, made before anybody can reach the sign-up page.

Whoever signs up first would become the administrator, and an administrator's functions are Python
that runs as the gateway's user. So set-up makes the account after the migrations, and each start of
Open WebUI makes sure of it before it accepts a connection: a database may have been restored or
emptied in between. Where there are accounts already, none is made.

The environment says what the account is to be; the password comes from a file that only the
gateway's user can read. What was done is written beside it, for `ai-gateway key`.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI


async def ensure() -> None:
    """Makes the account if there is none. Raises if there is none afterwards."""
    from open_webui.models.users import Users
    from open_webui.utils.auth import create_admin_user

    made = Path(os.environ["AI_GATEWAY_FIRST_ACCOUNT"])
    if await Users.has_users():
        if not made.exists():
            # Somebody else has made the accounts: the password that set-up keeps opens none.
            remember(made, None)
        return
    email = os.environ["AI_GATEWAY_FIRST_EMAIL"]
    password = Path(os.environ["AI_GATEWAY_FIRST_PASSWORD_FILE"]).read_text().rstrip("\r\n")
    # Before the account is made: after a crash between the two there is still no account, and the
    # next start writes it again.
    remember(made, email)
    await create_admin_user(email, password, os.environ["AI_GATEWAY_FIRST_NAME"])
    if not await Users.has_users():
        raise RuntimeError(f"the administrator's account {email} could not be made: nobody is let in")


def remember(path: Path, email: str | None) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps({"email": email}))
    beside.replace(path)


async def apply_signup() -> None:
    """Makes the database say of sign-up what gateway.toml says, so that the page shows it."""
    from open_webui.config import ENABLE_SIGNUP
    from open_webui.models.config import Config

    if await Config.get("ui.enable_signup") != ENABLE_SIGNUP:
        await Config.upsert({"ui.enable_signup": ENABLE_SIGNUP})


def before_the_door_opens(app: FastAPI) -> FastAPI:
    """Has the application make sure of its administrator as the last part of its start."""
    start = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with start(app) as state:
            await ensure()
            await apply_signup()
            yield state

    app.router.lifespan_context = lifespan
    return app


if __name__ == "__main__":
    # Set-up runs it: Open WebUI migrates when its configuration is imported. Then, before anybody can reach
    # the sign-up page, there is an account.
    import open_webui.config  # noqa: F401

    asyncio.run(ensure())
