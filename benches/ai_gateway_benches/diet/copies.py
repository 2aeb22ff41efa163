"""A copy of a service runs beside the gateway's own, with measures of the diet of its own.

Its states are launched, ready and ended. `comparison` launches two at a time, waits until they are ready and
ends them. `chats` and `documents` ask them.
"""

import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..common import process
from .measures import LITELLM, OPEN_WEBUI
from .original import Original

# Which module is the service's, and the path at which it tells that it is ready.
APPLICATIONS = {LITELLM: ("gateway_app", "/health/liveliness"), OPEN_WEBUI: ("webui_app", "/health")}
TIMEOUT_SECONDS = 60


class Copy:
    def __init__(self, original: Original, service: str, taken: Sequence[str], folder: Path, port: int) -> None:
        self.service, self.port, self.key = service, port, original.key
        application, self.health = APPLICATIONS[service]
        original_environment = original.environment(service)
        payload = original.payload(service)
        if service == OPEN_WEBUI:
            (folder / "data").mkdir()
            self.files = page_files(payload)
        if service == LITELLM and "bytecode" not in taken:
            payload = without_bytecode(payload, folder)
        rendered = folder / "rendered"
        copy_rendered(original.home / "run" / service, rendered)
        (folder / "cwd").mkdir()
        original.give(folder)
        listens = ["--host", "127.0.0.1", "--port", str(port)]
        options = ["--no-access-log", "--timeout-graceful-shutdown", "1"]
        self.log = (folder / "log").open("wb+")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [payload / "bin/python", "-m", "uvicorn", f"{application}:app", "--app-dir", rendered, *listens, *options],
            env=environment(original_environment, service, taken, folder),
            cwd=folder / "cwd",
            stdout=self.log,
            stderr=subprocess.STDOUT,
            **original.own.identity(),
        )

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)

    def is_ready(self) -> bool:
        try:
            connection = self.connection()
            connection.request("GET", self.health)
            return connection.getresponse().status == 200
        except OSError:
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(self.log.read().decode(errors="replace")[-3000:]) from None
            return False

    def pids(self) -> list[int]:
        return [self.process.pid, *process.descendants(self.process.pid)]

    def cpu(self) -> float:
        return process.cpu(self.pids())

    def memory(self) -> tuple[float, float]:
        """Anonymous memory in MB of the service, and of its query engine, which is a program of its own."""
        own, *others = self.pids()
        return process.anonymous(own), sum(map(process.anonymous, others))

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def environment(original: Mapping[str, str], service: str, taken: Sequence[str], folder: Path) -> dict[str, str]:
    """What the gateway's own service has, but for what the measures are told by. Pure."""
    own = {**original, "AI_GATEWAY_DIET": " ".join(taken)}
    if service == OPEN_WEBUI:
        # Two copies in one store of vectors would each see what the other does.
        own["DATA_DIR"] = str(folder / "data")
    # What the gateway tells others than our modules.
    if "small_engine" not in taken:
        own.pop("QUERY_ENGINE_NODE_OPTIONS", None)
    if "return_memory" not in taken:
        own = {name: value for name, value in own.items() if not name.startswith("MALLOC_")}
    return own


def without_bytecode(payload: Path, folder: Path) -> Path:
    """A payload as it is before its first start where set-up has compiled nothing."""
    ignore = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(payload, folder / "payload", symlinks=True, ignore=ignore))


def copy_rendered(original: Path, place: Path) -> None:
    """Our modules and the configuration, and nothing that a running service has left beside them."""

    def others(_: object, names: list[str]) -> list[str]:
        return [name for name in names if not name.endswith((".py", ".yaml"))]

    shutil.copytree(original, place, ignore=others)


def page_files(payload: Path) -> list[str]:
    """The paths of the files that Open WebUI's page asks for."""
    [index] = payload.glob("lib/python3*/site-packages/open_webui/frontend/index.html")
    return sorted(set(re.findall(r'"(/_app/[^"]+)"', index.read_text())))
