"""Clients that ask without a pause while services restart, and what became of their requests.

Plain asyncio with a connection of each client's own that is kept: a client library would hide a
refused connection behind a second try. One thing is tried again, as RFC 9112 (9.3.1) has it: a request
on a connection that had been used before and was closed before any byte of the answer came. The server
may close an idle connection at any time, and cannot know of a request that is on its way.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field


@dataclass
class Outcome:
    answered: int = 0
    streamed: int = 0
    reopened: int = 0
    cured: int = 0
    longest: float = 0.0
    failures: list = field(default_factory=list)

    def __str__(self):
        return (
            f"{self.answered} plain and {self.streamed} streamed answers, {len(self.failures)} failed, "
            f"{self.cured} only at their second try, longest wait {self.longest:.2f} s, "
            f"{self.reopened} on a connection that had been closed"
        )


class Closed(Exception):
    """The connection ended before a byte of the answer."""


class Client:
    def __init__(self, host, port, path, key, model):
        self.at = host, port
        self.head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
        self.model = model
        self.connection = None

    async def ask(self, stream):
        """Whether the connection had to be opened again for it."""
        again = self.connection is not None
        if not again:
            self.connection = await asyncio.open_connection(*self.at)
        try:
            await self.exchange(stream)
        except (Closed, ConnectionResetError, BrokenPipeError):
            self.close()
            if not again:
                raise
            self.connection = await asyncio.open_connection(*self.at)
            await self.exchange(stream)
            return True
        return False

    async def exchange(self, stream):
        reader, writer = self.connection
        body = json.dumps({"model": self.model, "stream": stream, "messages": [{"role": "user", "content": "a b c"}]})
        head = f"{self.head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())
        first = await reader.read(1)
        if not first:
            raise Closed("the connection was closed without an answer")
        answer = first + await reader.readuntil(b"\r\n\r\n")
        status, headers = int(answer.split(None, 2)[1]), answer.lower()
        if b"transfer-encoding: chunked" in headers:
            text = await chunks(reader)
        else:
            length = int(headers.split(b"content-length:")[1].split(b"\r\n")[0])
            text = await reader.readexactly(length)
        if status != 200 or (stream and b"data: [DONE]" not in text):
            raise ValueError(f"status {status}: {text[:200]}")
        if b"connection: close" in headers:
            self.close()

    def close(self):
        if self.connection:
            self.connection[1].close()
            self.connection = None


async def chunks(reader):
    text = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        text += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return text


async def client(outcome, over, asking, stream, second_after):
    """Asks until it is over. A failure costs a short pause, or a refusal would be met a thousand times."""
    while not over.is_set():
        began = time.monotonic()
        try:
            await ask_twice(outcome, asking, stream, second_after)
        except Exception as error:
            outcome.failures.append(f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.05)
        else:
            if stream:
                outcome.streamed += 1
            else:
                outcome.answered += 1
        outcome.longest = max(outcome.longest, time.monotonic() - began)
    asking.close()


async def ask_twice(outcome, asking, stream, second_after):
    """Once, and where that fails once more after so many seconds, as client libraries do; with None not."""
    for last in (second_after is None, True):
        try:
            outcome.reopened += await asking.ask(stream)
        except Exception:
            asking.close()
            if last:
                raise
            await asyncio.sleep(second_after)
        else:
            return
        outcome.cured += 1


async def _under_load(at, key, model, count, meanwhile, second_after):
    outcome, over = Outcome(), asyncio.Event()
    # Every other one is streamed.
    clients = [
        asyncio.create_task(client(outcome, over, Client(*at, key, model), n % 2 == 1, second_after)) for n in range(count)
    ]
    try:
        await asyncio.to_thread(meanwhile)
    finally:
        over.set()
        await asyncio.gather(*clients)
    return outcome


def under_load(at, key, model, count, meanwhile, second_after=None):
    """What became of the requests of so many clients while `meanwhile` ran. `at`: host, port and path."""
    return asyncio.run(_under_load(at, key, model, count, meanwhile, second_after))
