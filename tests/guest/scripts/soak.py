"""Everything that people ask of a gateway, mixed, for a while, and not one request that fails.

    soak.py SECONDS STATE UNIT_GROUP

STATE is the gateway's folder of state, for its keys; UNIT_GROUP its cgroup, in which each service has
one, to see how much memory it takes at most that the kernel could not take back. Short chats, streamed ones, prompts of 200 kB,
documents and chats in Open WebUI, keys and models made and removed; two callers at a time, and a
provider of models of our own behind LiteLLM. Needs Python's own library alone. Prints a line for
each kind of request; ends with 1 if one has failed.
"""

import http.client
import json
import pathlib
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FRONT, ADMIN = 3000, 4000
CALLERS = 2
PATIENCE_SECONDS = 120
WORDS = "one two three four five six seven eight nine ten".split()
ADMINISTRATOR = "admin@localhost"


class Provider(BaseHTTPRequestHandler):
    """Answers as OpenAI does: words that are always the same, and vectors."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            data = [{"object": "embedding", "index": i, "embedding": [0.01] * 1536} for i in range(len(texts))]
            self.say({"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
        elif body.get("stream"):
            self.stream(body["model"])
        else:
            message = {"role": "assistant", "content": " ".join(WORDS)}
            self.say(self.completion("chat.completion", body["model"], message=message, finish_reason="stop")
                     | {"usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}})

    def completion(self, kind, model, **choice):
        return {"id": f"chatcmpl-{uuid.uuid4()}", "object": kind, "created": int(time.time()), "model": model,
                "choices": [{"index": 0, **choice}]}

    def say(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def stream(self, model):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        first = self.completion("chat.completion.chunk", model, delta={"role": "assistant"}, finish_reason=None)
        for word in WORDS:
            first["choices"][0]["delta"] = {"content": word + " "}
            self.wfile.write(b"data: " + json.dumps(first).encode() + b"\n\n")
        first["choices"][0] = {"index": 0, "delta": {}, "finish_reason": "stop"}
        self.wfile.write(b"data: " + json.dumps(first).encode() + b"\n\ndata: [DONE]\n\n")
        self.close_connection = True


class Failed(Exception):
    pass


class Memory(threading.Thread):
    """How much each service's cgroup has held at most, in bytes: all but what is a copy of a file."""

    EVERY_SECONDS = 1
    COPIES = ("active_file", "inactive_file", "slab_reclaimable")

    def __init__(self, unit_group):
        super().__init__(daemon=True)
        self.groups = [group for group in unit_group.iterdir() if group.is_dir()]
        self.most = {group.name: 0 for group in self.groups}
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.EVERY_SECONDS):
            self.look()

    def look(self):
        for group in self.groups:
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            held = int((group / "memory.current").read_text()) - sum(int(stat[copy]) for copy in self.COPIES)
            self.most[group.name] = max(self.most[group.name], held)


class Caller:
    """One connection after the other, as a browser and a program have them."""

    def __init__(self, port, token):
        self.port, self.token = port, token

    def ask(self, method, path, body=None, kind="application/json", expect=200):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != expect:
            raise Failed(f"{method} {path}: {answer.status} {text[:200]!r}")
        return text

    def json(self, *arguments, **options):
        return json.loads(self.ask(*arguments, **options))


class Soak:
    def __init__(self, state):
        secret = lambda name: (state / "secrets" / name).read_text().strip()
        self.admin = Caller(ADMIN, secret("litellm-master-key"))
        self.program = Caller(FRONT, secret("open-webui-virtual-key"))
        self.provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        self.provider.daemon_threads = True
        threading.Thread(target=self.provider.serve_forever, daemon=True).start()
        self.prepare()
        self.person = self.sign_in(secret("open-webui-admin-password"))
        self.lock = threading.Lock()
        self.times, self.failures = {}, []

    def prepare(self):
        self.models = [self.add_model(name) for name in ("soak", "text-embedding-3-small")]

    def tidy_up(self):
        """Nobody is behind them any more."""
        for model in self.models:
            self.admin.ask("POST", "/model/delete", {"id": model})

    def add_model(self, name):
        reach = {"model": f"openai/{name}", "api_key": "none",
                 "api_base": f"http://127.0.0.1:{self.provider.server_port}/v1"}
        return self.admin.json("POST", "/model/new", {"model_name": name, "litellm_params": reach})["model_id"]

    def sign_in(self, password):
        login = {"email": ADMINISTRATOR, "password": password}
        person = Caller(FRONT, Caller(FRONT, "").json("POST", "/api/v1/auths/signin", login)["token"])
        person.json("GET", "/api/models?refresh=true")
        return person

    # What is asked

    def question(self, text, **more):
        return {"model": "soak", "messages": [{"role": "user", "content": text}], **more}

    def short(self):
        answer = self.program.json("POST", "/api/litellm/v1/chat/completions", self.question("Hello"))
        self.expect(answer["choices"][0]["message"]["content"])

    def streamed(self):
        text = self.program.ask("POST", "/api/litellm/v1/chat/completions", self.question("Hello", stream=True)).decode()
        events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
        if events[-1] != "[DONE]":
            raise Failed(f"a stream ends with {events[-1][:200]}")
        words = [choice["delta"].get("content") or "" for event in events[:-1] for choice in json.loads(event)["choices"]]
        self.expect("".join(words).strip())

    def long(self):
        self.program.ask("POST", "/api/litellm/v1/chat/completions", self.question("word " * 40_000))

    def page(self):
        self.person.ask("GET", "/")
        self.person.ask("GET", "/api/config")

    def chat(self):
        answer = self.person.json("POST", "/api/chat/completions", self.question("Hello", stream=False))
        self.expect(answer["choices"][0]["message"]["content"])

    def document(self):
        border = uuid.uuid4().hex
        text = f"A document {border}. " + "It says something about gateways. " * 200
        body = (f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{border}.txt"\r\n'
                f"Content-Type: text/plain\r\n\r\n{text}\r\n--{border}--\r\n").encode()
        file = self.person.json("POST", "/api/v1/files/?process=true&process_in_background=false", body,
                                kind=f"multipart/form-data; boundary={border}")
        self.person.ask("GET", f"/api/v1/files/{file['id']}")
        self.person.ask("DELETE", f"/api/v1/files/{file['id']}")

    def keys(self):
        key = self.admin.json("POST", "/key/generate", {"max_budget": 1, "models": ["soak"]})["key"]
        Caller(FRONT, key).ask("POST", "/api/litellm/v1/chat/completions", self.question("Hello"))
        self.admin.ask("POST", "/key/delete", {"keys": [key]})

    def models_of_administrator(self):
        model = self.add_model(f"model-{uuid.uuid4().hex[:8]}")
        self.admin.ask("GET", "/model/info")
        self.admin.ask("POST", "/model/delete", {"id": model})

    def expect(self, said):
        if said != " ".join(WORDS):
            raise Failed(f"the answer is {said[:200]!r}")

    # How it is asked

    MIX = (short, streamed, short, page, chat, streamed, long, short, streamed, document, chat, keys, short, models_of_administrator)

    def run(self, seconds):
        end = time.monotonic() + seconds
        callers = [threading.Thread(target=self.call, args=(end, turn * len(self.MIX) // CALLERS)) for turn in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    def call(self, end, turn):
        while time.monotonic() < end:
            request = self.MIX[turn % len(self.MIX)]
            turn += 1
            began = time.monotonic()
            try:
                request(self)
                failure = None
            except (Failed, OSError, http.client.HTTPException, ValueError, LookupError) as error:
                failure = f"{request.__name__}: {error!r}"
            with self.lock:
                self.times.setdefault(request.__name__, []).append(time.monotonic() - began)
                self.failures += [failure] if failure else []

    def report(self):
        for name, times in self.times.items():
            times.sort()
            print(f"{len(times)} × {name.replace('_', ' ')}: median {times[len(times) // 2] * 1000:.0f} ms, "
                  f"99 of 100 within {times[int(len(times) * 0.99)] * 1000:.0f} ms")
        print(f"{sum(map(len, self.times.values()))} requests, {len(self.failures)} failed")
        for failure in self.failures[:10]:
            print(f"failed: {failure}")
        return not self.failures and len(self.times) == len(set(self.MIX))


if __name__ == "__main__":
    soak, memory = Soak(pathlib.Path(sys.argv[2])), Memory(pathlib.Path(sys.argv[3]))
    memory.start()
    soak.run(float(sys.argv[1]))
    memory.over.set()
    soak.tidy_up()
    for name, held in memory.most.items():
        print(f"{name} needs {held} bytes")
    sys.exit(not soak.report())
