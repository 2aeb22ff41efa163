"""LiteLLM's application with what we add: the demo model goes when a real one comes (demo_model.py), who
adds a model without a price is told (model_prices.py), the admin page has an account of its own
(admin_account.py) and shows the gateway's budget (admin_budget.py), the query engine has a socket that
nobody else reaches (engine_socket.py) and time to start (engine_patience.py), what an answer costs is on the
disk before the answer is acknowledged (spend_journal.py), and a stop fails no request (gateway_drain.py) and
waits until every request's cost is counted.

The cost of a request is worked out after its answer, in the background. LiteLLM writes the sums of
keys, teams and days at the beginning of its shutdown and does not wait for what is still in the
background: measured, a stop right after 400 chats lost more than half of their cost. The sums of
tags it does not write at all. By then uvicorn has answered every request, so that nothing new can
come.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import diet  # first: it changes how the rest is imported
import diet_imports  # noqa: F401 - the same, and they need the one above
import diet_litellm  # noqa: F401
import diet_models  # noqa: F401
import gateway_log  # noqa: F401 - before anybody makes a handler of their own

# isort: split

from litellm.proxy import proxy_server

import engine_environment
import engine_patience
import engine_socket
import gateway_config
import gateway_drain
import spend_journal
from admin_account import with_account
from admin_budget import with_gateway_budget
from demo_model import without_demo
from model_prices import telling

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


# Less than what a stop takes at most: the writing comes after it.
PATIENCE_SECONDS = 15


async def counted() -> None:
    # Here and not above, so that a LiteLLM without them still starts.
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
    from litellm.proxy.utils import update_daily_tag_spend

    await GLOBAL_LOGGING_WORKER.flush()
    await spend_journal.JOURNAL.none_in_the_making.wait()
    # Without a journal they go LiteLLM's own way.
    await asyncio.gather(*updates_under_way(), return_exceptions=True)
    if proxy_server.prisma_client is not None:
        await update_daily_tag_spend(proxy_server.prisma_client, proxy_server.proxy_logging_obj)


def updates_under_way() -> list[asyncio.Task[Any]]:
    """Each cost hands its updates to a task of its own, which puts them into the queues."""
    from litellm.proxy.db.db_spend_update_writer import DBSpendUpdateWriter

    code = inspect.unwrap(DBSpendUpdateWriter._batch_database_updates).__code__
    return [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "cr_code", None) is code]


engine_environment.keep_client()
engine_patience.have_client()
engine_socket.have_client()
gateway_config.have_server()
application = spend_journal.journaled(proxy_server.app, proxy_server)
answering = gateway_drain.closing(with_gateway_budget(telling(without_demo(application))))


async def counting(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "lifespan":
        await answering(scope, receive, send)
        return

    async def receive_when_counted() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            try:
                await asyncio.wait_for(counted(), PATIENCE_SECONDS)
            except Exception as error:  # noqa: BLE001 - a stop goes on, whatever LiteLLM has become
                print(f"WARNING: not every request's cost was counted: {error!r}", flush=True)
        return message

    await application(scope, receive_when_counted, with_account(send))


app = diet.watched(counting)
