"""What the diet changes in installed packages, beside the same packages without it."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

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
    "model_fields_set", "__pydantic_extra__", "__fields__", "content", "role", "reasoning_content", "tool_calls", "usage", "delta",
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


# Streams of all kinds of pieces, most like the one before; says what LiteLLM made of each, which is then
# changed as others do who get it.
PIECES = """
import copy, random, re, sys, time
sys.path.insert(0, sys.argv[1])
import diet, diet_streams, diet_pieces
moment = [0.5]
time.time = lambda: moment[0]
import litellm
from litellm.litellm_core_utils import streaming_handler
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.types import utils
from litellm.types.utils import ModelResponseStream, StreamingChoices, Usage
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel
utils.generate_id = lambda: f"made up {moment[0]}"
streaming_handler.litellm.REPEATED_STREAMING_CHUNK_LIMIT = 4
litellm._custom_providers.append("my-own")
litellm.suppress_debug_info = True
cast, casts = diet_pieces.Mould.cast, []
diet_pieces.Mould.cast = lambda *given: casts.append(1) or cast(*given)

PROVIDERS = ["openai", "openai", "azure", "mistral", "groq", "sagemaker", "anthropic", "gemini", "cached_response",
    "hosted_vllm", "my-own", "vllm"]
TEXTS = ["a", "bcd", " word", "<s>", "</s>", "<think>", "so </think>", "0", "\\n", "None", "[DONE]", "\\u00e9", "again", "again",
    "again"]
ODD = {
    "id": ["chat-2", "", None], "model": ["another", "", None], "created": [5, None], "system_fingerprint": ["print", None],
    "usage": [Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)], "citations": [["a.example"], None],
    "provider_specific_fields": [{"a": 1}, {}], "_hidden_params": [{"provider_specific_fields": {"b": 2}}, {"is_finished": False}, "text"],
    "service_tier": ["default", None], "x_groq": [{"id": 1}, "plain"], "stream": [True], "object": ["another.object"],
    "obfuscation": ["once", 7, None], "hidden_params": ["text", {"a": 1}],
}
ODD_CHOICE = {"finish_reason": ["stop", "length", "eos"], "logprobs": [{"content": []}], "index": [1, None], "enhancements": [{"a": 1}],
    "other": ["thing"]}
ODD_DELTA = {"role": ["assistant", "user", None], "tool_calls": [[], [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"},
    "type": "function"}]], "reasoning_content": ["because"], "reasoning": ["why"], "provider_specific_fields": [{"c": 3}],
    "annotations": [[]], "refusal": ["no"], "content": ["", None], "thinking_blocks": [[]], "audio": [{"id": "1"}], "other": ["thing"]}

def oddly(chance, data, odd):
    name = chance.choice(list(odd))
    data[name] = copy.deepcopy(chance.choice(odd[name]))

def chunk(chance, kind, usual, text, oddity):
    whole = {"id": "chat-1", "created": 3, "model": "model-1", **usual.get("whole", {})}
    choice, delta = {"index": 0, "finish_reason": None, **usual.get("choice", {})}, {"content": text, **usual.get("delta", {})}
    for _ in range(chance.choice([1, 1, 2]) if oddity else 0):
        oddly(chance, *chance.choice([(whole, ODD), (choice, ODD_CHOICE), (delta, ODD_DELTA)]))
    if usual.get("padded"): whole.setdefault("obfuscation", "x" * chance.randrange(9))
    hidden = whole.pop("_hidden_params", None)
    choices = [dict(choice, delta=delta)] * chance.choice([1] * 9 + [0, 2]) if oddity else [dict(choice, delta=delta)]
    if kind is ModelResponseStream:
        made = kind(choices=[StreamingChoices(**one) for one in copy.deepcopy(choices)], **whole)
    else:
        made = kind.construct(**{"object": "chat.completion.chunk", **whole, "choices": copy.deepcopy(choices)})
    if hidden: made._hidden_params = hidden
    return made

def look(model):
    if isinstance(model, BaseModel):
        return [type(model).__name__, look(model.__dict__), look(model.__pydantic_extra__), sorted(model.__pydantic_fields_set__),
            look(model.__pydantic_private__)]
    if isinstance(model, dict): return {name: look(value) for name, value in model.items()}
    if isinstance(model, (list, tuple)): return [look(value) for value in model]
    return re.sub(" at 0x[0-9a-f]+", "", repr(model))

def spoil(chance, answer):
    if not isinstance(answer, ModelResponseStream): return
    for spoiling in chance.sample(range(8), 2):
        if spoiling == 0: answer.model = "renamed"
        elif spoiling == 1 and type(answer._hidden_params) is dict: answer._hidden_params["spoilt"] = answer._hidden_params["usage"] = 1
        elif spoiling == 2 and answer.choices: answer.choices[0].delta.content = "spoilt"
        elif spoiling == 3 and answer.choices: answer.choices[0].finish_reason = "spoilt"
        elif spoiling == 4: answer.choices = []
        elif spoiling == 5: answer.spoilt = 1
        elif spoiling == 6 and answer.choices: answer.choices[0].delta.spoilt = 1
        elif spoiling == 7: answer.choices.append(StreamingChoices())

for seed in range(1000):
    chance = random.Random(seed)
    provider, kind = chance.choice(PROVIDERS), chance.choice([ModelResponseStream, ChatCompletionChunk])
    logging = Logging(model="model-1", messages=[], stream=True, call_type="acompletion", start_time=0, litellm_call_id="1",
        function_id="1")
    logging.model_call_details.update(custom_llm_provider=provider, litellm_params={"merge_reasoning_content_in_choices": chance.random() < .1})
    options = chance.choice([None, None, {"include_usage": True}])
    stream = litellm.CustomStreamWrapper(None, "model-1", logging, provider, stream_options=options)
    usual = {"padded": chance.random() < .3}
    for part, odd in [("whole", ODD), ("choice", ODD_CHOICE), ("delta", ODD_DELTA)]:
        if chance.random() < .15: oddly(chance, usual.setdefault(part, {}), odd)
    rarely, given = chance.choice([0, .05, .3]), None
    for step in range(20):
        moment[0] += 1
        fresh = chunk(chance, kind, usual, chance.choice(TEXTS), chance.random() < rarely)
        if given is not None and chance.random() < .3:  # the same, with another text, as LiteLLM's own demonstration does
            given.choices = fresh.choices
        else:
            given = fresh
        try:
            answer = stream.chunk_creator(given)
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}".splitlines()[0]
        print(seed, step, provider, look(answer), answer is given)
        print({name: look(value) for name, value in vars(stream).items() if name not in ("_mould", "logging_obj", "chunks", "rules")})
        if isinstance(answer, ModelResponseStream):
            stream.chunks.append(answer)
            print(answer.model_dump_json())
            if chance.random() < .2: spoil(chance, answer)
print(len(casts))
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


def without_and_with(gateway, script, measures):
    with ThreadPoolExecutor(2) as pool:
        return pool.map(lambda taken: python(gateway, script, taken), ["", measures])


def test_attributes_that_are_found_quickly_are_those_that_are_found_slowly(gateway):
    slowly, quickly = without_and_with(gateway, ATTRIBUTES, "quick_attributes")
    assert slowly[0] == "pydantic.main <class 'NoneType'> <class 'NoneType'>"
    assert quickly[0] == "diet_streams <class 'property'> <class 'property'>"
    assert len(slowly) == 20_001
    assert quickly[1:] == slowly[1:]


def test_pieces_that_are_copied_are_those_that_are_made_anew(gateway):
    anew, copied = without_and_with(gateway, PIECES, "copied_pieces quick_attributes")
    assert anew.pop() == "0"
    assert int(copied.pop()) > 5_000
    assert len(anew) > 50_000
    assert [pair for pair in zip(anew, copied, strict=True) if pair[0] != pair[1]][:1] == []


def test_pieces_that_are_ready_together_leave_together(gateway):
    [said] = python(gateway, WRITES, "few_writes")
    # The head with the first piece, 16 and 16, the rest with the end; and what a WebSocket says.
    stream = "2 16 16 8"
    assert said.startswith(f"uvloop {stream} {stream} 1 "), said
    assert python(gateway, WRITES, "") == ["uvloop"]
