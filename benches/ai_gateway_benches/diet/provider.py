"""A provider of models that speaks the OpenAI API over HTTP, at the pace of a real one.

`provider_process` runs `python3 -m ai_gateway_benches.diet.provider PIECES PACE`. That prints its port, and then
answers until its standard input ends. A stream has PIECES pieces of text, of which PACE come in a second. What
is not streamed is answered at once. Any model embeds, with as many numbers as the one that Open WebUI asks for.
"""

import asyncio
import json
import random
import sys
from typing import Any

WORDS = "A gateway answers every question that its users have, one word after the other. ".split()
NUMBERS = 1536
USAGE = {"prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120}
COMMON = {"created": 1700000000, "model": "bench"}


def piece(number: int, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    """One piece of a stream, as OpenAI sends it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    kind = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk"}
    return {**kind, **COMMON, "system_fingerprint": "fp_1", "choices": [choice]}


def answer(number: int) -> dict[str, Any]:
    """What is not streamed, as OpenAI sends it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": " ".join(WORDS)}, "finish_reason": "stop"}
    kind = {"id": f"chatcmpl-{number}", "object": "chat.completion"}
    return {**kind, **COMMON, "usage": USAGE, "choices": [choice]}


def embeddings(asked: str | list[Any]) -> dict[str, Any]:
    """The same vector for the same text."""
    data = []
    for index, text in enumerate([asked] if isinstance(asked, str) else asked):
        vector = random.Random(str(text)).choices((0.01, 0.02, 0.03), k=NUMBERS)
        data.append({"object": "embedding", "index": index, "embedding": vector})
    return {"object": "list", "model": "bench", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def event(data: str | dict[str, Any]) -> bytes:
    """One event of a stream, as a chunk of HTTP."""
    text = f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(text), text)


def response(body: dict[str, Any]) -> bytes:
    text = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(text) + text


class Provider:
    def __init__(self, pieces: int, pace: float) -> None:
        self.pieces, self.pace = pieces, pace
        self.number = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.lower().split(b"\r\n")
                length = sum(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
                asked = json.loads(await reader.readexactly(length) or "{}")
                self.number += 1
                if b"/embeddings " in head:
                    writer.write(response(embeddings(asked["input"])))
                elif asked.get("stream"):
                    await self.stream(writer, self.number)
                else:
                    writer.write(response(answer(self.number)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it has what it wanted
        finally:
            writer.close()

    async def stream(self, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        loop = asyncio.get_running_loop()
        began = loop.time()
        writer.write(event(piece(number, {"role": "assistant", "content": ""})))
        for place in range(self.pieces):
            await asyncio.sleep(began + place / self.pace - loop.time())
            writer.write(event(piece(number, {"content": f"{WORDS[place % len(WORDS)]} "})))
        writer.write(event(piece(number, {}, finish="stop")))
        writer.write(event({**piece(number, {}), "choices": [], "usage": USAGE}))
        writer.write(event("[DONE]") + b"0\r\n\r\n")


async def main() -> None:
    provider = Provider(int(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
