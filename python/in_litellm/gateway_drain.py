"""An end without a failed request.

uvicorn closes every connection that it believes to be idle when it is told to end. A request that is
on its way there then fails, and one that is not idempotent is not sent again. Instead:

1. The server stops accepting. Who connects from now on waits in the socket's queue, which the
   supervisor keeps open, for the next instance.
2. Connections stay open. A request that comes on one is answered, and each answer that begins now
   says `Connection: close`, so that the client opens a new connection for its next request.
3. When no connection is left, or nothing was asked for longer than nginx keeps an idle connection
   (AI_GATEWAY_IDLE_SECONDS), or the limit is reached (AI_GATEWAY_DRAIN_SECONDS), uvicorn's own
   shutdown follows.

The application imports this, so that it acts in each worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from uvicorn import Server

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


IDLE_SECONDS = float(os.environ.get("AI_GATEWAY_IDLE_SECONDS", "2"))
DRAIN_SECONDS = float(os.environ.get("AI_GATEWAY_DRAIN_SECONDS", "30"))
LOOK_SECONDS = 0.05
# As src/stack.rs has it, in the working folder.
IN_FLIGHT = Path("in-flight")

draining = False


def closing(app: ASGIApp) -> ASGIApp:
    """The application, whose answers end their connections once the server drains."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, with_close(send) if draining and scope["type"] == "http" else send)

    return answering


def with_close(send: Send) -> Send:
    async def send_with_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return send_with_close


async def drain(server: Server, sockets: list[socket.socket] | None) -> None:
    global draining
    draining = True
    for accepting in server.servers:
        accepting.close()
    for listening in sockets or ():
        listening.close()
    state, clock = server.server_state, asyncio.get_running_loop().time
    began = idle_since = clock()
    told = None
    while state.connections and not server.force_exit:
        if (under_way := len(state.tasks)) != told:
            told = under_way
            tell(under_way)
        now = clock()
        if state.tasks:
            idle_since = now
        if now - began > DRAIN_SECONDS:
            return
        if now - idle_since > IDLE_SECONDS:
            # A request that came while the event loop was busy is read in this turn.
            await asyncio.sleep(0)
            if not state.tasks:
                return
        await asyncio.sleep(LOOK_SECONDS)


def tell(under_way: int) -> None:
    """How many requests are waited for, for whoever waits for the stop. Of several workers each knows
    its own alone, and none says anything."""
    if os.environ.get("NUM_WORKERS") == "1":
        # A full disk is no reason to cut anybody off.
        with contextlib.suppress(OSError):
            IN_FLIGHT.write_text(str(under_way))


shut_down = Server.shutdown


async def drain_and_shut_down(server: Server, sockets: list[socket.socket] | None = None) -> None:
    try:
        await drain(server, sockets)
    except Exception as error:  # noqa: BLE001 - a stop goes on, whatever uvicorn has become
        print(f"WARNING: the connections were not drained: {error!r}", flush=True)
    with contextlib.suppress(OSError):
        IN_FLIGHT.unlink(missing_ok=True)
    await shut_down(server, sockets)


Server.shutdown = drain_and_shut_down  # type: ignore[method-assign, assignment] # its first argument is the server
