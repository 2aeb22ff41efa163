"""Time for the query engine to start, and none for one that has ended.

LiteLLM's database client gives an engine ten seconds, and LiteLLM ends with the first start that takes
longer. On a small machine the engine starts while everything else does, and may take longer.

While it waits, the client asks the engine again and again and does not look at the process: of one
that ended as it started, for want of memory say, it learns when all the time is over, and LiteLLM has
no database so long. When LiteLLM stops waiting, the client forgets a process that goes on. Here the
wait ends with the process, and the process with the wait.

A request that finds the database gone is what starts another engine, and LiteLLM ends a request's look
into the database after ten seconds, whatever it is doing. Here the start goes on without that request.
"""

from __future__ import annotations

import asyncio
import functools
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import database_client

if TYPE_CHECKING:
    import subprocess


# Well below what a start of LiteLLM takes at most.
PATIENCE = timedelta(seconds=90)


def have_client() -> None:
    """The same for LiteLLM's own client, where it has one of this kind."""
    names = ("prisma:Prisma", "prisma.engine:AsyncQueryEngine", "litellm.proxy.utils:PrismaClient")
    database_client.change(give_time, "to give time to", *names)


def give_time(client: Any, engine: Any, attempts: Any) -> None:
    have(client)
    watch(engine)
    outlive(attempts)


def have(client: Any) -> None:
    """Lets this class of clients wait for the engine for so long, whoever makes one."""
    defaults = client.__init__.__kwdefaults__ or {}
    if isinstance(defaults.get("connect_timeout"), timedelta):
        defaults["connect_timeout"] = PATIENCE
    else:
        print("WARNING: the database client waits for its engine as long as it likes", flush=True)


def watch(engine: Any) -> None:
    """Lets this class of engines wait for a start no longer than the started process is there."""
    spawn = getattr(engine, "spawn", None)
    if not asyncio.iscoroutinefunction(spawn) or not hasattr(os, "pidfd_open"):
        print("WARNING: the database client waits for an engine that has ended", flush=True)
        return

    async def watched(self: Any, *arguments: Any, **options: Any) -> None:
        starting = asyncio.ensure_future(spawn(self, *arguments, **options))
        # It starts the process before it waits for the first time.
        await asyncio.sleep(0)
        try:
            await first_of(starting, self.process)
        except BaseException:  # whoever waited has been told to stop, too
            starting.cancel()
            end(self.process)
            raise

    engine.spawn = watched


def outlive(client: Any) -> None:
    """Lets an attempt of this class of LiteLLM's to have an engine again go on when its asker has gone."""
    attempt = getattr(client, "attempt_db_reconnect", None)
    if not asyncio.iscoroutinefunction(attempt):
        print("WARNING: a request that is given up ends the start of a database engine", flush=True)
        return
    # A task that nobody holds may be collected.
    attempts = set()

    @functools.wraps(attempt)
    async def outliving(self: Any, *arguments: Any, **options: Any) -> Any:
        attempting = asyncio.ensure_future(attempt(self, *arguments, **options))
        attempts.add(attempting)
        attempting.add_done_callback(attempts.discard)
        return await asyncio.shield(attempting)

    client.attempt_db_reconnect = outliving


async def first_of(starting: asyncio.Future[Any], process: subprocess.Popen[Any] | None) -> Any:
    """Returns when the engine has started; raises what kept it from that."""
    if process is None or starting.done():
        return await starting
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    watched = os.pidfd_open(process.pid)
    loop.add_reader(watched, ended.set)
    ending = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        loop.remove_reader(watched)
        os.close(watched)
    if starting.done():
        return starting.result()
    raise ConnectionError(f"the query engine ended while it started, with {process.wait()}")


def end(process: subprocess.Popen[Any] | None) -> None:
    """The client would ask it to end, and block LiteLLM until it has."""
    if process is not None and process.poll() is None:
        process.kill()
        process.wait()
