"""A stop of LiteLLM's server, by the installed uvicorn, with requests under way."""

from typing import Any

from conftest import Service


def drain(told: bool) -> None:
    """A stop that comes while a request is under way; `told` is whether its number can be written down."""
    import asyncio
    import os
    from pathlib import Path

    if not told:
        Path("in-flight").mkdir()
        Path("in-flight/full").touch()
    os.environ.update(NUM_WORKERS="1", AI_GATEWAY_IDLE_SECONDS="0.2")
    import uvicorn

    import gateway_drain

    up, begun, go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            up.set()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            begun.set()
            await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def main() -> None:
        config = uvicorn.Config(gateway_drain.closing(answer), uds="socket", lifespan="off", log_level="error")
        server = Server(config)
        serving = asyncio.ensure_future(server.serve())
        await up.wait()
        (slow, slow_writer), (other, other_writer) = [await asyncio.open_unix_connection("socket") for _ in range(2)]
        slow_writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        server.should_exit = True
        await asyncio.sleep(0.5)
        print("waits:", not serving.done(), Path("in-flight").read_text() if told else "")
        # One that comes meanwhile is answered and ends its connection.
        other_writer.write(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
        answered = (await other.read()).lower()
        print("other:", answered.startswith(b"http/1.1 200"), b"connection: close" in answered)
        go.set()
        print("slow:", (await slow.read()).startswith(b"HTTP/1.1 200"))
        await serving
        print("told of the end:", not Path("in-flight").is_file())

    asyncio.run(main())


def test_a_stop_waits_for_the_requests_that_are_under_way(litellm: Service) -> None:
    assert litellm.run(drain, True, first=[]).splitlines() == [
        "waits: True 1",
        "other: True True",
        "slow: True",
        "told of the end: True",
    ]


def test_who_cannot_be_told_of_a_drain_does_not_end_it(litellm: Service) -> None:
    said = litellm.run(drain, False, first=[]).splitlines()
    assert said == ["waits: True ", "other: True True", "slow: True", "told of the end: True"]
