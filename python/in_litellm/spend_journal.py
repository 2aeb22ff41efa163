"""Every request whose answer was acknowledged is counted, whatever is killed and whenever.

LiteLLM works out what a request cost after its answer and keeps the result in memory for seconds: a
SIGKILL loses it. Here the result is written to a journal (spend_file.py) before the last piece of the
answer is sent, and from there into the database (spend_commit.py), by this process or by a later one.

What a request adds to which sum is LiteLLM's own decision: its `_batch_database_updates` runs as ever,
on queues that collect what it wants to add. Each request has an `Entry` from the moment at which
LiteLLM schedules its success callbacks; the answer's last piece waits for it. What cannot be journaled
(no space, another LiteLLM) is kept by LiteLLM in its own way.

Caller: gateway_app.py, by `journaled`.
"""

from __future__ import annotations

import asyncio
import copy
import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import diet
import spend_commit
import spend_file
import spend_hooks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from spend_file import Record


FOLDER = "spend-journal"
# For which an answer waits for its record: a callback of somebody's may be slow, or may have hung.
ANSWER_SECONDS = 5
# For which a start waits for what an earlier process has left, so that budgets are right from the first
# request, and a stop for the database.
START_SECONDS = 20
STOP_SECONDS = 10
# What ends a stream for its reader, though more may follow: `[DONE]` of chats, and the last events of
# Anthropic's, OpenAI's Responses' and Google's streams.
LAST_WORDS = (b"[DONE]", b"message_stop", b"response.completed", b"response.incomplete", b"finishReason")

# The answer of the request that is being worked on, and the entry whose callbacks are running.
ANSWER: ContextVar[Answer | None] = ContextVar("spend_answer", default=None)
ENTRY: ContextVar[Entry | None] = ContextVar("spend_entry", default=None)


class Entry:
    """A request's record to be, from when its callbacks are scheduled until it is durable."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.done = loop.create_future()
        # The callbacks, until they have recorded the cost, and each record until it is durable.
        self.open = 1
        self.called = False

    def opened(self) -> None:
        self.open += 1

    def closed(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.done.done():
            self.done.set_result(None)

    def has_been_called(self) -> None:
        if not self.called:
            self.called = True
            self.closed()


class Answer:
    """Sends a request's answer, and its last piece when the request's entries are done."""

    def __init__(self, send: Send) -> None:
        self.send, self.loop = send, asyncio.get_running_loop()
        self.entries: list[Entry] = []
        self.held: Message | None = None
        self.failed = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.failed = message["status"] >= 400
        await self.settled()
        if self.held is not None:
            held, self.held = self.held, None
            await self.send(held)
        body = message.get("body", b"")
        if message.get("more_body") and any(word in body for word in LAST_WORDS):
            # The callbacks are scheduled when the stream is asked for more, which it is after this.
            self.held = message
            return
        await self.send(message)

    async def end(self) -> None:
        """For an application that ends without an end of its answer."""
        if self.held is not None:
            await self.settled()
            await self.send(self.held)

    async def settled(self) -> None:
        until = self.loop.time() + ANSWER_SECONDS
        # Once more for those that are scheduled while others are waited for.
        while not self.failed and (waiting := [entry.done for entry in self.entries if not entry.done.done()]):
            _, late = await asyncio.wait(waiting, timeout=max(0, until - self.loop.time()))
            if late:
                print(f"WARNING: an answer is sent whose cost is not recorded after {ANSWER_SECONDS} s", flush=True)
                break
        self.entries.clear()


def with_entry(coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """The coroutine of a request's callbacks, with an entry for which the request's answer waits."""
    answer = ANSWER.get()
    if answer is None or ENTRY.get() is not None or getattr(coroutine, "cr_code", None) is watched.__code__:
        return coroutine
    if asyncio._get_running_loop() is not answer.loop:  # a thread of LiteLLM's
        return coroutine
    entry = Entry(answer.loop)
    answer.entries.append(entry)
    return watched(coroutine, entry)


async def watched(coroutine: Coroutine[Any, Any, Any], entry: Entry) -> Any:
    token = ENTRY.set(entry)
    try:
        return await coroutine
    finally:
        ENTRY.reset(token)
        entry.has_been_called()


class Collector:
    """In a queue's place: keeps what is put in."""

    def __init__(self) -> None:
        self.updates: list[Any] = []

    async def add_update(self, update: Any) -> None:
        self.updates.append(update)


class Journal:
    """The journal of this process: closed at first, open while the application runs, closed at its end."""

    def __init__(self) -> None:
        self.writer: spend_file.Writer | None = None
        # From `open` on.
        self.committer: spend_commit.Committer
        self.task: asyncio.Task[None]
        # Records that are being made. A stop waits for them.
        self.making = 0
        self.none_in_the_making = asyncio.Event()
        self.none_in_the_making.set()

    async def open(self, proxy_server: Any, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        spend_file.remove_unbegun(folder)
        loop = asyncio.get_running_loop()
        committer = spend_commit.Committer(
            spend_commit.Database(proxy_server, folder), lambda: self.writer.file if self.writer else None
        )
        left = 0
        for path in spend_file.others(folder):
            file = spend_file.claim(path)
            if file is not None:
                committer.take(file)
                left += 1
            else:
                # Another worker's, or that of a process that this one replaces: when it has died.
                threading.Thread(target=inherit, args=(path, loop, committer), daemon=True).start()
        self.committer, self.task = committer, loop.create_task(committer.run())
        if left:
            print(f"recording what an earlier process has left in the journal of spend: {left} files", flush=True)
            await self.committed(START_SECONDS)
        self.writer = spend_file.Writer(folder, committer.take)

    async def close(self) -> None:
        """Records what is left. What the database does not take now, the next start records."""
        try:
            await asyncio.wait_for(self.none_in_the_making.wait(), STOP_SECONDS)
        except TimeoutError:
            print("WARNING: a stop does not wait longer for spend that is being worked out", flush=True)
        if self.writer is None:
            return
        writer, self.writer = self.writer, None
        await asyncio.to_thread(writer.close)
        self.committer.take(writer.file)
        if not await self.committed(STOP_SECONDS):
            print("WARNING: the database has not taken all spend: the next start records it", flush=True)
        self.task.cancel()

    async def committed(self, seconds: float) -> bool:
        self.committer.at_once.set()
        try:
            await asyncio.wait_for(self.committer.all_done.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def begin_record(self) -> Entry | None:
        self.making += 1
        self.none_in_the_making.clear()
        entry = ENTRY.get()
        if entry is not None:
            entry.opened()
        return entry

    def end_record(self, entry: Entry | None) -> None:
        self.making -= 1
        if not self.making:
            self.none_in_the_making.set()
        if entry is not None:
            entry.closed()

    async def append(self, record: Record, as_ever: Callable[[], Awaitable[None]]) -> None:
        """Makes a record durable, or has LiteLLM keep it `as_ever`."""
        try:
            if self.writer is not None:
                await self.writer.append(record)
                return
        except (OSError, spend_file.JournalFull) as error:
            print(f"WARNING: spend is kept in memory, not in the journal: {error}", flush=True)
        await as_ever()

    def record(
        self, entry: Entry | None, known: dict[str, Any] | None, writer: Any, update: Any, insert: Any, options: Any
    ) -> Coroutine[Any, Any, None]:
        """A coroutine that has LiteLLM say what a request adds to which sums, and journals it with its row."""
        known = {} if known is None else known
        known["taken"] = True
        return self.make_record(entry, known, writer, update, insert, options)

    async def make_record(
        self, entry: Entry | None, known: dict[str, Any], writer: Any, update: Any, insert: Any, options: Any
    ) -> None:
        row = known.get("row")
        try:
            if self.writer is None and row is None:
                await update(writer, **options)
                return
            sums, days = Collector(), {name: Collector() for name in spend_commit.DAYS}
            collecting = copy.copy(writer)
            vars(collecting).update(days, spend_update_queue=sums)
            await update(collecting, **options)
            record = {
                "row": row,
                "sums": [
                    [each["entity_type"].value, each["entity_id"], each["response_cost"]] for each in sums.updates
                ],
                "days": {name: day.updates for name, day in days.items() if day.updates},
            }

            async def as_ever() -> None:
                if row is not None:
                    await insert(writer, row, prisma_client=options["prisma_client"])
                for name, collected in {**days, "spend_update_queue": sums}.items():
                    for each in collected.updates:
                        await getattr(writer, name).add_update(update=each)

            if known.get("at once"):
                self.committer.at_once.set()
            await self.append(record, as_ever)
        finally:
            self.end_record(entry)


def inherit(path: str, loop: asyncio.AbstractEventLoop, committer: spend_commit.Committer) -> None:
    """Waits for the death of the process that holds a file, and takes the file."""
    file = spend_file.claim(path, wait=True)
    if file is not None and not loop.is_closed():
        loop.call_soon_threadsafe(committer.take, file)


JOURNAL = Journal()


def journaled(app: ASGIApp, proxy_server: Any, folder: str = FOLDER) -> ASGIApp:
    """LiteLLM's application, with a journal of what its answers cost."""
    try:
        spend_hooks.install(JOURNAL, with_entry, ENTRY)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        diet.skipped("spend_journal", f"LiteLLM is not as it was: {error}")
        return app
    folder = os.path.abspath(folder)

    async def journaling(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            answer = Answer(send)
            ANSWER.set(answer)
            await app(scope, receive, answer)
            await answer.end()
        elif scope["type"] == "lifespan":
            await app(scope, closing(receive), opening(send))
        else:
            await app(scope, receive, send)

    def opening(send: Send) -> Send:
        async def send_when_open(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                if proxy_server.prisma_client is None:
                    diet.skipped("spend_journal", "LiteLLM has no database")
                else:
                    try:
                        await JOURNAL.open(proxy_server, folder)
                    except OSError as error:
                        diet.skipped("spend_journal", f"{folder} cannot be used: {error}")
            await send(message)

        return send_when_open

    def closing(receive: Receive) -> Receive:
        async def receive_when_closed() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await JOURNAL.close()
            return message

        return receive_when_closed

    return journaling
