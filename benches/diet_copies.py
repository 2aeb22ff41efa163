"""Copies of LiteLLM and Open WebUI beside the gateway's own, each with measures of the diet of its own."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import gateway
import process

LITELLM, OPEN_WEBUI = "litellm", "open-webui"
APPLICATIONS = {LITELLM: ("gateway_app", "/health/liveliness"), OPEN_WEBUI: ("webui_app", "/health")}
MODEL = "bench"
USERS, PIECES, PACE = 10, 100, 80
TURNS, CHATS, CONNECTIONS = 8, 40, 8
# As long as LiteLLM keeps what was spent before it writes it, and a little.
SETTLE_SECONDS = 6
READY_SECONDS = 300
MAX_CONNECTIONS = 80
PAGES = 40
EMBEDS = "text-embedding-3-small"
# Some thousand characters each, of which Open WebUI makes seven pieces.
DOCUMENTS, SENTENCES = 60, 150


class Gateway:
    """The gateway that the copies are copies of: the one that is given and runs, or one for this run."""

    def __init__(self, program, folder):
        self.folder, self.gateway = folder, program
        self.given = "AI_GATEWAY_HOME" in os.environ
        self.own = gateway.Gateway(self)
        self.home = self.own.home

    def __enter__(self):
        if not self.given:
            # The copies have pools of connections of their own.
            self.own.set_up(f"\n[postgres]\nmax_connections = {MAX_CONNECTIONS}\n")
            self.own.start()
        self.status = json.loads(self.own.ask("status", "--json"))
        self.admin = self.status["urls"]["admin"].removesuffix("/ui")
        self.pids = {name: self.status["services"][name]["pid"] for name in (*APPLICATIONS, "nginx")}
        self.front = urllib.parse.urlsplit(self.status["urls"]["webui"]).port
        self.master = self.own.secret("litellm-master-key")
        self.key = self.own.secret("open-webui-virtual-key")
        return self

    def __exit__(self, *_):
        if not self.given:
            self.own.kill()

    def give(self, folder):
        """Gives the gateway's owner a folder and all that is in it."""
        for path in [folder, *folder.rglob("*")]:
            self.own.own(path)

    def administer(self, path, body):
        headers = {"Authorization": f"Bearer {self.master}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.admin + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)

    @contextlib.contextmanager
    def models(self, port):
        """One that chats and one that embeds, which both are the provider at this port, as long as it is needed."""
        added = []
        try:
            # Documents of a gateway that somebody uses must not get our vectors.
            for name in [MODEL] if self.given else [MODEL, EMBEDS]:
                added.append(self.add_model(name, port))
            yield
        finally:
            for model in added:
                self.administer("/model/delete", {"id": model})

    def add_model(self, name, port):
        parameters = {"model": f"openai/{name}", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "none"}
        return self.administer("/model/new", {"model_name": name, "litellm_params": parameters})["model_id"]

    def environment(self, service):
        entries = (process.PROC / str(self.pids[service]) / "environ").read_bytes().split(b"\0")
        return dict(entry.decode().split("=", 1) for entry in entries if b"=" in entry)

    def payload(self, service):
        return (self.home / f"state/payloads/{service}/current").resolve()


BOUNDARY = "a-part-of-the-form"


def upload(name, text):
    """A form with one text file."""
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    return f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n".encode()


def without_bytecode(payload, folder):
    """A payload as it is before its first start where set-up has compiled nothing."""
    return pathlib.Path(shutil.copytree(payload, folder / "payload", symlinks=True,
                                        ignore=shutil.ignore_patterns("__pycache__")))


class Copy:
    """A service once more, beside the gateway's own, with measures of its own."""

    def __init__(self, whole, service, taken, folder, port):
        self.service, self.port = service, port
        self.key = whole.key
        application, self.health = APPLICATIONS[service]
        environment = whole.environment(service)
        environment["AI_GATEWAY_DIET"] = " ".join(taken)
        if service == OPEN_WEBUI:
            # Two copies in one store of vectors would each see what the other does.
            environment["DATA_DIR"] = str(folder / "data")
            (folder / "data").mkdir()
        # What the gateway tells others than our modules.
        if "small_engine" not in taken:
            environment.pop("QUERY_ENGINE_NODE_OPTIONS", None)
        if "return_memory" not in taken:
            environment = {name: value for name, value in environment.items() if not name.startswith("MALLOC_")}
        payload = whole.payload(service)
        if service == LITELLM and "bytecode" not in taken:
            payload = without_bytecode(payload, folder)
        rendered = folder / "rendered"
        shutil.copytree(whole.home / "run" / service, rendered, ignore=lambda _, names: [
            name for name in names if not name.endswith((".py", ".yaml"))])
        (folder / "cwd").mkdir()
        whole.give(folder)
        line = [payload / "bin/python", "-m", "uvicorn", f"{application}:app", "--app-dir", rendered,
                "--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", "1"]
        if service == OPEN_WEBUI:
            [index] = payload.glob("lib/python3*/site-packages/open_webui/frontend/index.html")
            self.files = sorted(set(re.findall(r'"(/_app/[^"]+)"', index.read_text())))
        self.log = (folder / "log").open("wb+")
        self.began = time.monotonic()
        self.process = subprocess.Popen(line, env=environment, cwd=folder / "cwd", stdout=self.log,
                                        stderr=subprocess.STDOUT, **whole.own.identity())

    def ask(self, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST" if body else "GET", path, body)
        return connection.getresponse()

    def is_ready(self):
        try:
            return self.ask(self.health).status == 200
        except OSError:
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(self.log.read().decode(errors="replace")[-3000:])
            return False

    def pids(self):
        return [self.process.pid, *process.descendants(self.process.pid)]

    def cpu(self):
        return process.cpu(self.pids())

    def memory(self):
        """Anonymous memory in MB of the service, and of its query engine, which is a program of its own."""
        def of(pid):
            lines = process.read(pid, "smaps_rollup").splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:")) / 1000
        own, *others = self.pids()
        return of(own), sum(map(of, others))

    def chats(self, count, stream):
        """So many of each of its users, one after the other, all at once."""
        body = json.dumps({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        failed = []

        def user(share):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            for _ in range(share):
                connection.request("POST", "/v1/chat/completions", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200 or stream and b"[DONE]" not in text:
                    failed.append(text)

        users = USERS if stream else CONNECTIONS
        threads = [threading.Thread(target=user, args=(count // users,)) for _ in range(users)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise SystemExit(f"error: {len(failed)} of {count} chats failed: {failed[0][:500]!r}")

    def page(self, nginx):
        """Milliseconds of processor time for the files of one page: by nginx, if that serves them, or by us."""
        port, pids = (self.port, self.pids()) if nginx is None else nginx
        used = process.cpu(pids)
        for _ in range(PAGES):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for path in self.files:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"error: {path}: {answer.status}")
        return (process.cpu(pids) - used) / PAGES * 1000

    def documents(self, password):
        """Adds documents to Open WebUI and asks and deletes each, one after the other."""
        signed_in = self.do("POST", "/api/v1/auths/signin", {"email": "admin@localhost", "password": password})
        headers = {"Authorization": f"Bearer {signed_in['token']}"}
        for number in range(DOCUMENTS):
            text = "".join(f"Sentence {place} of document {number} tells of {number * place}. " for place in range(SENTENCES))
            document = self.do("POST", "/api/v1/files/?process_in_background=false", upload(f"{number}.txt", text),
                               {**headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})["id"]
            question = {"collection_name": f"file-{document}", "query": "What does it tell?", "k": 1}
            found = self.do("POST", "/api/v1/retrieval/query/doc", question, headers)
            if not found["documents"][0]:
                raise SystemExit(f"error: document {number} was not found")
            self.do("DELETE", f"/api/v1/files/{document}", None, headers)

    def do(self, method, path, body, headers=()):
        if not isinstance(body, (bytes, type(None))):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **dict(headers)}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"error: {method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_until_ready(copies):
    """Of each: processor time until it was ready, and how long that took."""
    ready, deadline = {}, time.monotonic() + READY_SECONDS
    while len(ready) < len(copies):
        for copy in copies:
            if copy not in ready and copy.is_ready():
                ready[copy] = {"start": copy.cpu(), "ready": time.monotonic() - copy.began}
        if time.monotonic() > deadline:
            raise SystemExit(f"error: not ready within {READY_SECONDS} s")
        time.sleep(0.02)
    return [ready[copy] for copy in copies]


def under_load(copies, count, stream):
    """Processor time of each for so many chats in each of its turns."""
    before = [copy.cpu() for copy in copies]
    for turn in range(TURNS):
        for copy in copies if turn % 2 else reversed(copies):
            copy.chats(count, stream)
    time.sleep(SETTLE_SECONDS)
    return [(copy.cpu() - used) / (TURNS * count) for copy, used in zip(copies, before)]


def compare(whole, service, taken, load):
    """Two copies with these measures, at the same time: a row of what each used."""
    # In the run's folder, which is open to nobody.
    with tempfile.TemporaryDirectory(dir=whole.folder) as folder:
        copies = []
        try:
            for number, (measures, port) in enumerate(zip(taken, gateway.free_ports(len(taken)))):
                place = pathlib.Path(folder) / str(number)
                place.mkdir()
                whole.give(pathlib.Path(folder))
                copies.append(Copy(whole, service, measures, place, port))
            rows = wait_until_ready(copies)
            if service == LITELLM:
                for copy in copies:
                    copy.chats(104, stream=False)
            time.sleep(SETTLE_SECONDS)
            for row, copy in zip(rows, copies):
                row["memory"], engine = copy.memory()
                if service == LITELLM:
                    row["engine"] = engine
            if service == LITELLM and load:
                for row, used in zip(rows, under_load(copies, CHATS, stream=False)):
                    row["chat"] = used * 1000
                for row, used in zip(rows, under_load(copies, USERS, stream=True)):
                    row["piece"] = used / PIECES * 1e6
            if service == OPEN_WEBUI and load and not whole.given:
                password = whole.own.secret("open-webui-admin-password")
                nginx = whole.front, [whole.pids["nginx"], *process.descendants(whole.pids["nginx"])]
                for row, copy, measures in zip(rows, copies, taken):
                    row["page"] = copy.page(nginx if "static_files" in measures else None)
                    copy.documents(password)
                    row["documents"], _ = copy.memory()
            return rows
        finally:
            for copy in copies:
                copy.end()
