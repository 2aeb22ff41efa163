"""One gateway in a folder of its own, driven as people drive it: by the program's commands.

PostgreSQL refuses to run as root, so where the tests were started by root the gateway is `nobody`'s.
"""

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai

# What the benchmarks have for gateways of their own.
sys.path.append(str(Path(__file__).resolve().parents[2] / "benches"))
from ai_gateway_benches.common.ports import free_ports  # noqa: E402

SERVICES = ("litellm", "nginx", "open-webui", "postgres")
NOBODY = 65534

# Where packages come from on this machine. The gateway itself gets none of these.
PACKAGE_VARIABLES = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


# How long things took, for whoever reads the end of the tests.
figures = []


@contextmanager
def timed(what):
    began = time.monotonic()
    yield
    figures.append(f"{what}: {time.monotonic() - began:.1f} s")


def until(what, attempt, seconds=60):
    """Asks again and again, where nothing can be waited on, until the answer is something."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := attempt()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.wait(0.1)
    return found


class Gateway:
    def __init__(self, binary):
        self.root = os.geteuid() == 0
        self.folder = Path(tempfile.mkdtemp(prefix="gw-"))
        self.home = self.folder / "home"
        self.home.mkdir()
        # The folder that it was built in may be closed to nobody.
        self.binary = self.folder / "ai-gateway"
        shutil.copy(binary, self.binary)
        self.port, self.admin_port = free_ports(2)
        self.config = self.home / "gateway.toml"
        # One worker, as on a small machine. Its limits do nothing here: there is no cgroup of ours.
        self.config.write_text(
            f'profile = "small"\n\n[listen]\nport = {self.port}\nadmin_port = {self.admin_port}\n'
        )
        self.cache = self._make_cache()
        if self.root:
            for path in (self.folder, self.home, self.binary, self.config):
                os.chown(path, NOBODY, NOBODY)

    def _make_cache(self):
        """The packages' cache, which is kept. Nobody has no home, and root's is closed to nobody."""
        if self.root:
            cache = Path("/var/cache/ai-gateway-test")
        else:
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ai-gateway-test"
        cache.mkdir(parents=True, exist_ok=True)
        if self.root:
            os.chown(cache, NOBODY, NOBODY)
        return cache

    # Commands

    def _as_owner(self):
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.root else {}

    def _environment(self):
        return {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "AI_GATEWAY_HOME": str(self.home),
        }

    def run(self, *arguments, seconds=60, environment=(), text="", prefix=()):
        """A command to its end, whatever that is; `text` is what it reads, `prefix` a program that runs it."""
        return subprocess.run(
            [*prefix, self.binary, *arguments],
            env={**self._environment(), **dict(environment)},
            cwd=self.home,
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            **self._as_owner(),
        )

    def command(self, *arguments, seconds=60, environment=(), prefix=()):
        """A command that has to work."""
        done = self.run(*arguments, seconds=seconds, environment=environment, prefix=prefix)
        assert done.returncode == 0, f"ai-gateway {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def set_up(self):
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(PACKAGE_VARIABLES) or name.lower() in PROXY_VARIABLES
        }
        passed.update(
            XDG_CACHE_HOME=str(self.cache),
            UV_CACHE_DIR=str(self.cache / "uv"),
            PIP_CACHE_DIR=str(self.cache / "pip"),
            npm_config_cache=str(self.cache / "npm"),
        )
        self.command("setup", "--yes", seconds=900, environment=passed)

    def start(self):
        return self.command("start", seconds=300)

    def stop(self):
        return self.command("stop", seconds=120)

    def status(self):
        return json.loads(self.run("status", "--json").stdout)

    def service(self, name):
        return self.status()["services"][name]

    def ensure_ready(self):
        """Whatever an earlier test has left."""
        if self.status()["state"] != "ready":
            self.start()

    @contextmanager
    def lines_of(self, *arguments):
        """What a command says on both streams, a line at a time, while it runs; it has to work."""
        running = subprocess.Popen(
            [self.binary, *arguments],
            env=self._environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self._as_owner(),
        )
        # Whoever waits for a line that never comes ends with it.
        deadline = threading.Timer(180, running.kill)
        deadline.start()
        try:
            yield running.stdout
            running.stdout.read()
            assert running.wait() == 0, f"ai-gateway {' '.join(arguments)}: {running.returncode}"
        finally:
            deadline.cancel()
            running.kill()
            running.wait()
            running.stdout.close()

    @contextmanager
    def watch(self):
        """Every status from now on, as `status --watch` says it."""
        watcher = subprocess.Popen(
            [self.binary, "status", "--watch", "--json"],
            env=self._environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            **self._as_owner(),
        )
        try:
            yield Statuses(watcher.stdout)
        finally:
            watcher.kill()
            watcher.wait()
            watcher.stdout.close()

    # What is inside

    def secret(self, name):
        return (self.home / "state/secrets" / name).read_text().strip()

    def output_of(self, *command):
        """What another program says when the gateway's user runs it."""
        return subprocess.run(command, env={}, cwd="/", check=True, capture_output=True, text=True, **self._as_owner()).stdout

    def secrets(self):
        files = (self.home / "state/secrets").iterdir()
        return {file.name: file.read_text().strip() for file in files if file.is_file()}

    def log(self, service):
        return (self.home / "state/logs" / f"{service}.log").read_text(errors="replace")

    def query(self, sql, database="litellm"):
        """Asks PostgreSQL itself: LiteLLM's own word on what it has written would prove little."""
        psql = max(Path("/usr/lib/postgresql").glob("*/bin/psql"))
        asked = subprocess.run(
            [psql, "-XAt", "-v", "ON_ERROR_STOP=1", "-h", self.home / "run/postgres", "-d", database, "-c", sql],
            env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=30,
            **self._as_owner(),
        )
        assert asked.returncode == 0, asked.stderr
        return asked.stdout.strip()

    def spent(self, key):
        """How many chats the database has of a key, their cost, and the sum that its budget is held against."""
        token = hashlib.sha256(key.encode()).hexdigest()
        rows = self.query(f"SELECT count(*), sum(spend) FROM \"LiteLLM_SpendLogs\" WHERE api_key = '{token}'")
        total = self.query(f"SELECT spend FROM \"LiteLLM_VerificationToken\" WHERE token = '{token}'")
        count, cost = rows.split("|")
        return int(count), float(cost or 0), float(total)

    def engine(self):
        """The query engine of a LiteLLM with one worker, if there is one now."""
        found = (pid for pid in children(self.service("litellm")["pid"]) if "query-engine" in arguments_of(pid))
        return next(found, None)

    def daemon(self):
        return int((self.home / "state/daemon.lock").read_text().split()[0])

    def look_up(self, name):
        """Asks for a name as a service would, and does not wait for the answer."""
        asking = subprocess.Popen(["getent", "hosts", name], stdout=subprocess.DEVNULL, **self._as_owner())
        try:
            asking.wait(2)
        except subprocess.TimeoutExpired:
            asking.kill()
            asking.wait()

    # Clients

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def openai(self, key, **options):
        """The official client, through nginx. What it would try again, a test wants to see."""
        return openai.OpenAI(
            base_url=f"{self.url}/api/litellm/v1",
            api_key=key,
            max_retries=0,
            timeout=60,
            http_client=httpx.Client(trust_env=False, timeout=60),
            **options,
        )

    def admin(self):
        return Admin(f"http://127.0.0.1:{self.admin_port}", self.secret("litellm-master-key"))

    # The end

    def processes(self):
        """Every process that has something to do with this gateway, by what the kernel says of it."""
        return {pid: text for pid, text in every_process() if str(self.home) in text}

    def remove(self):
        """Leaves nothing behind, whatever has gone wrong."""
        if (self.home / "run/control.sock").exists():
            try:
                self.run("stop", seconds=120)
            except subprocess.TimeoutExpired:
                pass
        left = self.processes()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        until("the last processes end", lambda: not self.processes(), 20)
        with timed("removed"):
            shutil.rmtree(self.folder, ignore_errors=True)
        return left


class Statuses:
    """The lines of `status --watch --json`, each with a deadline."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = b""
        self.next(30)

    def next(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            readable, _, _ = select.select([self.stream], [], [], max(0, deadline - time.monotonic()))
            assert readable, f"no change within {seconds} s"
            chunk = os.read(self.stream.fileno(), 1 << 16)
            assert chunk, "the daemon has gone"
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def until(self, what, condition, seconds):
        deadline = time.monotonic() + seconds
        seen = []
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"not within {seconds} s: {what}; seen: {seen}"
            status = self.next(left)
            seen.append({name: service["state"] for name, service in status["services"].items()})
            if condition(status):
                return status


class Admin:
    """LiteLLM's administration."""

    def __init__(self, url, key):
        self.http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )

    def post(self, path, body):
        answer = self.http.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path):
        answer = self.http.get(path)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def key(self, **limits):
        return self.post("/key/generate", limits)["key"]

    def models(self):
        return {model["model_name"] for model in self.get("/model/info")["data"]}

    def add_model(self, name, **parameters):
        self.post("/model/new", {"model_name": name, "litellm_params": parameters})
        until(f"LiteLLM has model {name}", lambda: name in self.models())


def children(pid):
    """The processes that this one has started and that are still there."""
    found = []
    # A thread may end between the two looks at it, and a process that restarts has no number.
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def is_back(service, before):
    """Whether a service is there again: ready, under another number than before."""
    return service["state"] == "ready" and service["pid"] != before


def most_open_files(pid):
    """The soft and the hard limit of how many files a process may have open, as the kernel writes them."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[3:5] for line in lines if line.startswith("Max open files"))


def arguments_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def every_process():
    """Each process with its arguments, environment and folders, as far as we may see them."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        texts = []
        for name in ("cmdline", "environ"):
            try:
                texts.append((entry / name).read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                pass
        for name in ("cwd", "exe"):
            try:
                texts.append(os.readlink(entry / name))
            except OSError:
                pass
        yield int(entry.name), " ".join(texts)


def started_at(pid):
    """With this a pid names one process only; none: it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else fields[19]


def descendants(pid):
    """A process and all that come from it, as (pid, when it was started)."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = set(), [pid]
    while todo:
        one = todo.pop()
        found.add((one, started_at(one)))
        todo.extend(children.get(one, []))
    return found
