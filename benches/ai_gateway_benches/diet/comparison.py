"""This compares two copies of a service, which are started at the same time and asked in turns.

`benches/diet` calls it for each pair.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..common.ports import free_ports
from . import documents
from .chats import CONNECTIONS, SETTLE_SECONDS, USERS, chat, under_load
from .copies import Copy
from .measures import LITELLM, Taken
from .original import Original
from .provider_process import PIECES
from .savings import Used

# Of whole rounds, because each connection has as many chats as the others.
WARM_UP_CHATS = 13 * CONNECTIONS
CHATS = 5 * CONNECTIONS
READY_SECONDS = 300


def compare(original: Original, service: str, taken: Taken, *, load: bool) -> list[Used]:
    """A row of what each used that has these measures."""
    # In the run's folder, which is open to nobody.
    with tempfile.TemporaryDirectory(dir=original.folder) as folder:
        copies: list[Copy] = []
        try:
            for number, (measures, port) in enumerate(zip(taken, free_ports(len(taken)), strict=True)):
                place = Path(folder) / str(number)
                place.mkdir()
                original.give(Path(folder))
                copies.append(Copy(original, service, measures, place, port))
            rows = wait_until_ready(copies)
            if service == LITELLM:
                litellm(copies, rows, load=load)
            else:
                open_webui(original, copies, rows, taken, load=load)
            return rows
        finally:
            for copy in copies:
                copy.end()


def wait_until_ready(copies: Sequence[Copy]) -> list[Used]:
    """Of each: processor time until it was ready, and how long that took."""
    ready: dict[Copy, Used] = {}
    deadline = time.monotonic() + READY_SECONDS
    while len(ready) < len(copies):
        for copy in copies:
            if copy not in ready and copy.is_ready():
                ready[copy] = {"start": copy.cpu(), "ready": time.monotonic() - copy.began}
        if time.monotonic() > deadline:
            raise SystemExit(f"error: not ready within {READY_SECONDS} s")
        time.sleep(0.02)
    return [ready[copy] for copy in copies]


def litellm(copies: Sequence[Copy], rows: Sequence[Used], *, load: bool) -> None:
    """Adds the memory after some chats, and what chats cost."""
    for copy in copies:
        chat(copy, WARM_UP_CHATS, stream=False)
    time.sleep(SETTLE_SECONDS)
    for row, copy in zip(rows, copies, strict=True):
        row["memory"], row["engine"] = copy.memory()
    if load:
        for row, used in zip(rows, under_load(copies, CHATS, stream=False), strict=True):
            row["chat"] = used * 1000
        for row, used in zip(rows, under_load(copies, USERS, stream=True), strict=True):
            row["piece"] = used / PIECES * 1e6


def open_webui(original: Original, copies: Sequence[Copy], rows: Sequence[Used], taken: Taken, *, load: bool) -> None:
    """Adds the memory, and what its page and documents cost; a gateway that was given gets no documents."""
    time.sleep(SETTLE_SECONDS)
    for row, copy in zip(rows, copies, strict=True):
        row["memory"], _ = copy.memory()
    if load and not original.given:
        password = original.own.secret("open-webui-admin-password")
        nginx = original.front, original.nginx()
        for row, copy, measures in zip(rows, copies, taken, strict=True):
            row["page"] = documents.page(copy, nginx if "static_files" in measures else None)
            documents.add_ask_and_delete(copy, password)
            row["documents"], _ = copy.memory()
