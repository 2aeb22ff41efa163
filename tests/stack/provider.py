"""A provider of models of our own: the OpenAI API over HTTP, good days and bad ones.

The model's name says how it behaves: `echo` repeats the last message, `gated` sends its second word
only when the test says so, `refuses-STATUS` answers with that status, `breaks` ends a stream
after two words, when the test says so, `hangs` does not answer until the test ends. Any model embeds.
"""

import json
import string
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API_KEY = "key-of-the-provider"
PATIENCE = 60


class Provider:
    def __init__(self):
        self.gate = threading.Event()
        self.ended = threading.Event()
        self.requests = []
        provider = self

        class Handler(Conversation):
            def __init__(self, *arguments):
                self.provider = provider
                super().__init__(*arguments)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def model(self, behaviour, **parameters):
        """What LiteLLM is told to reach it."""
        return {"model": f"openai/{behaviour}", "api_base": self.url, "api_key": API_KEY, **parameters}

    def stop(self):
        self.ended.set()
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


class Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.provider.requests.append((self.headers, body))
        model = body["model"]
        if self.path.endswith("/embeddings"):
            self.embed(model, [body["input"]] if isinstance(body["input"], str) else body["input"])
            return
        text = body["messages"][-1]["content"]
        # LiteLLM keeps one row for each of these.
        self.id = f"chatcmpl-{uuid.uuid4()}"
        if model.startswith("refuses-"):
            self.refuse(int(model.removeprefix("refuses-")))
        elif model == "hangs":
            self.provider.ended.wait(PATIENCE)
            self.close_connection = True
        elif body.get("stream"):
            self.stream(model, text.split(" "))
        else:
            self.answer(model, text)

    def refuse(self, status):
        self.send(status, {"error": {"message": f"the provider says {status}", "type": "provider_error", "code": None}})

    def answer(self, model, text):
        words = len(text.split())
        self.send(
            200,
            {
                "id": self.id,
                "object": "chat.completion",
                "created": 1,
                "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words},
            },
        )

    def embed(self, model, texts):
        """Vectors that are near one another where texts are of the same letters."""
        data = []
        for index, text in enumerate(texts):
            vector = [float(text.lower().count(letter)) for letter in string.ascii_lowercase + string.digits]
            data.append({"object": "embedding", "index": index, "embedding": vector})
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        self.send(200, {"object": "list", "model": model, "data": data, "usage": usage})

    def send(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self, model, words):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, word in enumerate(words):
            if number == 1 and model == "gated":
                self.provider.gate.wait(PATIENCE)
            if number == 2 and model == "breaks":
                self.provider.gate.wait(PATIENCE)
                # In the middle of a chunk: nobody can take this for an end.
                self.wfile.write(b"1000\r\ndata: {")
                self.close_connection = True
                return
            self.event(model, {"content": word if number == 0 else f" {word}"}, None)
        self.event(model, {}, "stop", len(words))
        self.write_chunk(b"data: [DONE]\n\n")
        self.write_chunk(b"")

    def event(self, model, delta, finish_reason, words=None):
        event = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
        if words is not None:
            event["usage"] = {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}
        self.write_chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def write_chunk(self, content):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))
        self.wfile.flush()
