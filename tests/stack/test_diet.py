"""What the diet changes in installed packages, beside the same packages without it."""

import subprocess

# Models of all kinds, of which the same is asked in the same order; says what became of each.
ATTRIBUTES = """
import random, re, sys
from functools import cached_property
from typing import Any, Optional
sys.path.insert(0, sys.argv[1])
import diet, diet_streams
from litellm.types.utils import Delta, ModelResponseStream, StreamingChoices
from pydantic import BaseModel, ConfigDict, PrivateAttr
print(BaseModel.__getattr__.__module__, type(vars(Delta).get("content")), type(vars(StreamingChoices).get("delta")))

class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int = 1
    b: Optional[str] = None
    _own: dict = PrivateAttr(default_factory=dict)
    _absent: int
    _method: Any = PrivateAttr(default=lambda self: self.a)
    kind: "int" = 3
    @property
    def broken(self): raise AttributeError("of the property")
    @property
    def whole(self): return self.a
    @cached_property
    def kept(self): return [self.a]
class Checked(Open):
    model_config = ConfigDict(extra="allow", validate_assignment=True)
class Frozen(Open):
    model_config = ConfigDict(extra="allow", frozen=True)
class Closed(BaseModel):
    a: int = 1
    _own: str = "own"
class Ignoring(Closed):
    model_config = ConfigDict(extra="ignore")
class Own(Open):
    def __getattr__(self, name):
        if name == "made": return "made up"
        return super().__getattr__(name)
    def __setattr__(self, name, value):
        super().__setattr__(name, value)

NAMES = ["a", "b", "c", "kind", "_own", "_absent", "_method", "_c", "broken", "whole", "kept", "made", "keys", "",
    "model_fields_set", "__pydantic_extra__", "content", "role", "reasoning_content", "tool_calls", "usage", "delta",
    "finish_reason", "index", "function_call", "audio", "logprobs", "_hidden_params", "citations", "not a name", "model_new"]
MAKERS = [lambda kind=kind: kind(c="c", content="x") for kind in (Open, Checked, Frozen, Own, Ignoring)] + [
    Closed, lambda: Open.model_construct(c=1), lambda: Open.__new__(Open), lambda: Open(**{"_c": 1, "_own": 2}),
    lambda: Delta(content="text", role="assistant"), lambda: Delta(reasoning_content="so", tool_calls=[]),
    lambda: Delta(), lambda: Delta.model_validate({"content": "text", "more": 1}), lambda: Delta.model_construct(role=1),
    lambda: Delta.__new__(Delta), lambda: StreamingChoices(index=1), lambda: StreamingChoices.model_construct(index=1),
    lambda: StreamingChoices(delta=Delta(content="text"), finish_reason="stop"),
    lambda: ModelResponseStream(id="1", created=1, choices=[StreamingChoices(delta=Delta(content="text"))]),
]

def attempt(what, *arguments):
    try:
        found = what(*arguments)
    except Exception as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
    return re.sub(" at 0x[0-9a-f]+", "", found if type(found) is str else repr(found))

def look(model):
    return [attempt(lambda: (sorted(model.model_fields_set), model.model_dump(), model.__pydantic_extra__,
        model.__pydantic_private__))]

for seed in range(500):
    chance = random.Random(seed)
    model = chance.choice(MAKERS)()
    for step in range(40):
        name, what = chance.choice(NAMES), chance.choice(["get", "get", "get", "default", "set", "delete", "copy"])
        if name.startswith("__"): what = "get"
        if what == "get": said = attempt(getattr, model, name)
        elif what == "default": said = attempt(getattr, model, name, None)
        elif what == "set": said = attempt(setattr, model, name, chance.choice([step, "text", None]))
        elif what == "delete": said = attempt(delattr, model, name)
        else: said = attempt(lambda: model.model_copy(deep=True) == model)
        print(seed, type(model).__name__, what, name, said, *look(model))
"""


# uvicorn and uvloop as they are installed, a stream that is ready at once, and a WebSocket.
WRITES = """
import asyncio, http.client, sys
sys.path.insert(0, sys.argv[1])
import diet, gateway_loop, gateway_writes, uvicorn
from websockets.sync.client import connect

EVENTS = [b"data: %d\\n\\n" % number for number in range(40)]
said = []
let_go = gateway_writes.Transport.let_go
def counted(self):
    if self.held: said.append(len(self.held))
    let_go(self)
gateway_writes.Transport.let_go = counted

async def app(scope, receive, send):
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for event in EVENTS:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body"})

def visit(port):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(2):
        client.request("GET", "/")
        assert client.getresponse().read() == b"".join(EVENTS)
    with connect(f"ws://127.0.0.1:{port}", open_timeout=10) as socket:
        for text in ("one", "two" * 10_000, "three\\n\\n"):
            socket.send(text)
            assert socket.recv(10) == text

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        [server] = self.servers
        await asyncio.get_running_loop().run_in_executor(None, visit, server.sockets[0].getsockname()[1])
        self.should_exit = True

Server(uvicorn.Config(app, port=0, loop="gateway_loop:Loop", lifespan="off", log_level="error")).run()
print(gateway_loop.Base.__module__, *said)
"""


def python(gateway, script, measures):
    """What a script prints in LiteLLM's own Python, with its folder of modules and some of the diet."""
    done = subprocess.run(
        [gateway.home / "state/payloads/litellm/current/bin/python", "-B", "-c", script, gateway.home / "run/litellm"],
        env={"AI_GATEWAY_DIET": measures, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "is skipped" not in done.stderr
    return done.stdout.splitlines()


def test_attributes_that_are_found_quickly_are_those_that_are_found_slowly(gateway):
    slowly, quickly = python(gateway, ATTRIBUTES, ""), python(gateway, ATTRIBUTES, "quick_attributes")
    assert slowly[0] == "pydantic.main <class 'NoneType'> <class 'NoneType'>"
    assert quickly[0] == "diet_streams <class 'property'> <class 'property'>"
    assert len(slowly) == 20_001
    assert quickly[1:] == slowly[1:]


def test_pieces_that_are_ready_together_leave_together(gateway):
    [said] = python(gateway, WRITES, "few_writes")
    # The head with the first piece, 16 and 16, the rest with the end; and what a WebSocket says.
    stream = "2 16 16 8"
    assert said.startswith(f"uvloop {stream} {stream} 1 "), said
    assert python(gateway, WRITES, "") == ["uvloop"]
