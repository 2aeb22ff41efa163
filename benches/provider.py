#!/usr/bin/env python3
"""A provider of models at a provider's pace: the OpenAI API over HTTP, for benches/diet.

benches/provider.py PIECES PACE prints its port, then answers until its standard input ends. A stream
has PIECES pieces of text, PACE of them a second; what is not streamed is answered at once. Any model
embeds, with as many numbers as the one that Open WebUI asks for.
"""

import asyncio
import json
import random
import sys

WORDS = "A gateway answers every question that its users have, one word after the other. ".split()
NUMBERS = 1536
USAGE = {"prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120}


def piece(number, delta, **more):
    return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1700000000, "model": "bench",
            "system_fingerprint": "fp_1", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}


def event(data):
    text = f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(text), text)


class Provider:
    def __init__(self, pieces, pace):
        self.pieces, self.pace = pieces, pace
        self.number = 0

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = sum(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                             if line.lower().startswith(b"content-length:"))
                asked = json.loads(await reader.readexactly(length) or "{}")
                self.number += 1
                if b"/embeddings " in head:
                    await self.embed(writer, asked["input"])
                else:
                    await (self.stream if asked.get("stream") else self.answer)(writer, self.number)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it has what it wanted
        finally:
            writer.close()

    async def answer(self, writer, number):
        message = {"role": "assistant", "content": " ".join(WORDS)}
        body = json.dumps({"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1700000000,
                           "model": "bench", "usage": USAGE,
                           "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
        await self.send(writer, body)

    async def embed(self, writer, texts):
        texts = [texts] if isinstance(texts, str) else texts
        data = []
        for index, text in enumerate(texts):
            vector = random.Random(str(text)).choices((0.01, 0.02, 0.03), k=NUMBERS)
            data.append({"object": "embedding", "index": index, "embedding": vector})
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        await self.send(writer, json.dumps({"object": "list", "model": "bench", "data": data, "usage": usage}).encode())

    async def send(self, writer, body):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                     % (len(body), body))
        await writer.drain()

    async def stream(self, writer, number):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        loop = asyncio.get_running_loop()
        began = loop.time()
        writer.write(event(piece(number, {"role": "assistant", "content": ""})))
        for place in range(self.pieces):
            await asyncio.sleep(began + place / self.pace - loop.time())
            writer.write(event(piece(number, {"content": f"{WORDS[place % len(WORDS)]} "})))
        last = piece(number, {})
        last["choices"][0]["finish_reason"] = "stop"
        writer.write(event(last))
        writer.write(event({**piece(number, {}), "choices": [], "usage": USAGE}))
        writer.write(event("[DONE]") + b"0\r\n\r\n")
        await writer.drain()


async def main():
    provider = Provider(int(sys.argv[1]), float(sys.argv[2]))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
