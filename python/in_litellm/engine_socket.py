"""The query engine listens where its own user alone gets: on a Unix socket beside this file, mode 0700.

prisma-client-py looks for a free port of the loopback interface and tells the engine its number. The
engine binds it once it has reached the database: until then, and from an engine's end on, any user of the
machine could bind it, be taken for the engine, be sent LiteLLM's queries and answer them.

Each engine of the client's has a socket of its own, and the client's HTTP session goes there, whatever host
the address names. Caller: gateway_app.py, before LiteLLM makes its client.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import socket
import time
from typing import Any

import database_client

FOLDER = os.path.dirname(os.path.abspath(__file__))
# The engine reads it.
VARIABLE = "AI_GATEWAY_ENGINE_SOCKET"
# Short, as the path of a socket may not be long: a number and this process.
NAME = re.compile(r"e\d+\.\d+")
FRESH_SECONDS = 10
NUMBERS = itertools.count(1)


def have_client() -> None:
    """For LiteLLM's own client, where it has one of this kind."""
    database_client.change(have, "whose engine could have a socket", "prisma.engine:AsyncQueryEngine")


def have(engine: Any) -> None:
    """Lets the engines that this class of the client's starts listen on sockets."""
    start = getattr(engine, "_spawn_process", None)
    if start is None:
        print("WARNING: the database engine listens on a port of the loopback interface", flush=True)
        return

    @functools.wraps(start)
    def start_on_a_socket(self: Any, *arguments: Any, **options: Any) -> Any:
        os.environ[VARIABLE] = socket_of(self)
        try:
            return start(self, *arguments, **options)
        finally:
            del os.environ[VARIABLE]

    engine._spawn_process = start_on_a_socket


def socket_of(engine: Any) -> str:
    """The socket's path, one for as long as there is this engine of the client's: its session knows it."""
    path = getattr(engine, "own_socket", None)
    if path is None:
        import httpx

        remove_left()
        path = engine.own_socket = os.path.join(FOLDER, f"e{next(NUMBERS)}.{os.getpid()}")
        # The session is made at the first request.
        session = engine.session.session_kwargs
        session["transport"] = httpx.AsyncHTTPTransport(uds=path, limits=session["limits"])
    remove(path)
    return path


def remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_left() -> None:
    """Removes what engines have left that were killed."""
    for name in os.listdir(FOLDER):
        path = os.path.join(FOLDER, name)
        if NAME.fullmatch(name) and is_left(path):
            remove(path)


def is_left(path: str) -> bool:
    """Whether nobody listens there any more. One that was bound a moment ago does not yet."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            if time.time() - os.stat(path).st_mtime < FRESH_SECONDS:
                return False
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:  # it is busy, or gone by now
            return False
    return False
