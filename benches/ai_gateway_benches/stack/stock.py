"""The same four programs without the gateway. `stacks` makes one, and `throughput` makes two of its own.

`ABOUT` tells people what is stock, and the part `stack` puts it into the page. `stock_files` says how each
program is configured, and `stock_commands` how it is started.
"""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from ..common import process
from ..common.ports import free_ports
from ..report.figures import STOCK
from . import stock_commands, stock_files
from .gateway import Gateway

ABOUT = """\
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

PAUSE_SECONDS = 0.05
READY_SECONDS = 600
FOLDERS = ("webui", "litellm", "absent", "logs", "body", "proxy", "fastcgi", "uwsgi", "scgi")
# Clients first, and the fast shutdown for the database.
ENDS = {
    "nginx": signal.SIGTERM,
    "open-webui": signal.SIGTERM,
    "litellm": signal.SIGTERM,
    "postgres": signal.SIGINT,
}


class Stock:
    """`options` are LiteLLM's; `webui` whether Open WebUI is started as well, and `whole` the
    environment with all that it requires, if it is that one."""

    def __init__(
        self,
        ours: Gateway,
        folder: Path,
        name: str = STOCK,
        options: Sequence[str] = (),
        webui: bool = True,
        whole: Path | None = None,
    ) -> None:
        self.name, self.ours, self.options, self.whole = name, ours, options, whole
        self.folder = Path(tempfile.mkdtemp(prefix="stock-", dir=folder))
        self.ports = dict(zip(("front", "litellm", "webui", "database"), free_ports(4), strict=True))
        self.with_webui = webui
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: set[str] = set()
        front = f"http://127.0.0.1:{self.ports['front']}"
        self.api, self.webui = f"{front}/api/litellm/v1", front
        self.litellm = f"http://127.0.0.1:{self.ports['litellm']}"
        self.prepare()

    def prepare(self) -> None:
        """Folders, files and the copy of a cluster that nobody has open."""
        for name in FOLDERS:
            (self.folder / name).mkdir()
        (self.folder / "litellm/config.yaml").write_text(stock_files.LITELLM)
        (self.folder / "absent/httptools.py").write_text(stock_files.NO_HTTPTOOLS)
        (self.folder / "nginx.conf").write_text(stock_files.nginx(self.folder, self.ports))
        cluster = self.folder / "cluster"
        subprocess.run(["cp", "-a", self.ours.home / "state/postgres", cluster], check=True)
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        (cluster / "pg_hba.conf").write_text(stock_files.POSTGRES_ACCESS)
        for path in [self.folder, *self.folder.rglob("*")]:
            if path != cluster:
                self.ours.own(path)
        if self.with_webui:
            # Its first start makes its database, which is no part of a start on a warm disk.
            self.start()
            self.stop()

    def start(self) -> float:
        """All at once, LiteLLM as soon as its database answers. Seconds until all are ready."""
        began = time.monotonic()
        try:
            self.launch_all()
        except BaseException:
            self.kill()
            raise
        return time.monotonic() - began

    def launch_all(self) -> None:
        self.launch("postgres", stock_commands.postgres(self.folder, self.ports["database"]))
        self.launch("nginx", stock_commands.nginx(self.folder))
        if self.with_webui:
            self.launch("open-webui", stock_commands.open_webui(self.ours, self.folder, self.ports, self.whole))
        self.until(self.database_answers)
        self.launch("litellm", stock_commands.litellm(self.ours, self.folder, self.ports, self.options))
        urls = [f"{self.webui}/health", f"{self.litellm}/health/readiness"]
        if self.with_webui:
            urls.append(f"http://127.0.0.1:{self.ports['webui']}/ready")
        for url in urls:
            self.until(functools.partial(connected, url))

    def database_answers(self) -> bool:
        where = ["-h", "127.0.0.1", "-p", str(self.ports["database"])]
        program = stock_commands.postgres_programs() / "pg_isready"
        return subprocess.run([str(program), "-q", *where]).returncode == 0

    def launch(self, part: str, start: stock_commands.Start) -> None:
        folder = self.folder / {"open-webui": "webui", "litellm": "litellm"}.get(part, ".")
        self.ended.discard(part)
        with open(self.folder / "logs" / part, "ab") as log:
            clean = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
            self.children[part] = subprocess.Popen(
                start.command,
                cwd=folder,
                start_new_session=True,
                env={**clean, **start.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.ours.identity(),
            )

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_SECONDS
        while not holds():
            for part, child in self.children.items():
                if child.poll() is not None:
                    said = self.log(part)[-3000:]
                    raise SystemExit(f"{self.name}: {part} has ended with {child.returncode}:\n{said}")
            if time.monotonic() > end:
                raise SystemExit(f"{self.name}: not ready within {READY_SECONDS} s")
            time.sleep(PAUSE_SECONDS)

    def log(self, part: str) -> str:
        return (self.folder / "logs" / part).read_text(errors="replace")

    def processes(self) -> list[tuple[str, int]]:
        """(part, pid) of everything."""
        found: list[tuple[str, int]] = []
        for part, child in self.children.items():
            if child.poll() is not None:
                self.tell_of_end(part, child.returncode)
                continue
            pids = [child.pid, *process.descendants(child.pid)]
            found += [("engine" if process.name(pid) == "node" else part, pid) for pid in pids]
        return found

    def tell_of_end(self, part: str, status: int) -> None:
        """Once: whatever is measured from here on lacks the part."""
        if part not in self.ended:
            self.ended.add(part)
            last = "\n".join(self.log(part).splitlines()[-20:])
            said = f"{self.name}: {part} ended by itself, with {status}. It said last:\n{last}"
            print(said, file=sys.stderr, flush=True)

    def stop(self) -> None:
        for part, how in ENDS.items():
            if part in self.children:
                self.end(self.children.pop(part), how)

    def end(self, child: subprocess.Popen[bytes], how: signal.Signals) -> None:
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

    def kill(self) -> None:
        self.stop()


def connected(url: str) -> bool:
    """Whether it answers 200, and where it tells of its database, has one."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        body: bytes = answer.read()
        found: bool = answer.status == 200 and (b'"db"' not in body or b'"connected"' in body)
        return found
    return False
