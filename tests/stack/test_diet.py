"""What the diet changes in installed packages, beside the same packages without it.

The scripts of the folder diet/ run in the Python of the service that they are for. What they print is
the same with a measure and without it.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "diet"


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


def environment(gateway, service):
    """What its process has, so that its application can be imported."""
    pid = gateway.service(service)["pid"]
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def taken(gateway, service):
    """All its measures, as it was started with."""
    return environment(gateway, service)["AI_GATEWAY_DIET"]


def python(gateway, service, script, measures, *arguments, folder, environment=()):
    """What a script prints in a service's own Python, with its folder of modules and some of the diet."""
    own = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DATA_DIR": str(folder), "PYTHONHASHSEED": "0"}
    code = ["-c", script] if "\n" in script else [SCRIPTS / script]
    done = subprocess.run(
        [gateway.home / f"state/payloads/{service}/current/bin/python", "-B", *code, gateway.home / "run" / service, *arguments],
        env={**dict(environment), **own, "AI_GATEWAY_DIET": measures},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "is skipped" not in done.stderr
    return done.stdout.splitlines()


def without_and_with(gateway, service, script, measures, tmp_path, environment=()):
    """What it prints without any measure and with these, both at the same time."""

    def run(taken):
        folder = tmp_path / ("with" if taken else "without")
        folder.mkdir()
        return python(gateway, service, script, taken, folder=folder, environment=environment)

    with ThreadPoolExecutor(2) as pool:
        return pool.map(run, ["", measures])


@pytest.mark.parametrize("service", ["litellm", "open-webui"])
def test_no_measure_is_skipped_on_the_locked_versions(gateway, service):
    assert json.loads((gateway.home / "run" / service / "diet-skipped.json").read_text()) == []
    assert taken(gateway, service)


@pytest.mark.parametrize(("collections", "meanwhile"), [("20", ""), ("60", ""), ("60", "meanwhile")])
def test_no_question_misses_a_document(stack, tmp_path, collections, meanwhile):
    said = python(
        stack, "open-webui", "chroma.py", "few_indexes", str(tmp_path / "vectors"), collections, meanwhile, folder=tmp_path
    )
    assert said == ["lost: []"]


def test_plugins_find_what_they_would_without_a_diet(gateway, tmp_path):
    own = environment(gateway, "open-webui")
    without, with_it = without_and_with(gateway, "open-webui", "plugins.py", taken(gateway, "open-webui"), tmp_path, own)
    assert without[-3:-1] == ["True True True", "True False"]
    assert with_it == without


# Each with so many lines at least, or it would have compared nothing.
@pytest.mark.parametrize(
    ("service", "script", "lines"),
    [("open-webui", "changelog.py", 2), ("litellm", "litellm_imports.py", 700), ("litellm", "litellm_at_work.py", 300)],
)
def test_the_diet_changes_nothing_that_is_asked_for(gateway, tmp_path, service, script, lines):
    own = environment(gateway, service)
    without, with_it = without_and_with(gateway, service, script, taken(gateway, service), tmp_path, own)
    assert len(without) >= lines
    assert with_it == without


def test_a_stop_waits_for_the_tasks_that_count_and_for_no_others(gateway, tmp_path):
    said = python(gateway, "litellm", "stopping.py", "", folder=tmp_path, environment=environment(gateway, "litellm"))
    assert said == ["['any']"]


def test_pieces_that_are_ready_together_leave_together(gateway, tmp_path):
    [said] = python(gateway, "litellm", WRITES, "few_writes", folder=tmp_path)
    # The head with the first piece, 16 and 16, the rest with the end; and what a WebSocket says.
    stream = "2 16 16 8"
    assert said.startswith(f"uvloop {stream} {stream} 1 "), said
    assert python(gateway, "litellm", WRITES, "", folder=tmp_path) == ["uvloop"]
