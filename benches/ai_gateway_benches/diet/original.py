"""The gateway whose services are copied: the one that is given and runs, or one that is made for the run.

`benches/diet` enters it, which sets up and starts a gateway if none is given, and leaves it, which stops that
one. Copies ask it what the gateway's own services were started with.
"""

import contextlib
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from ..common import process
from ..stack.gateway import Gateway
from .measures import LITELLM, OPEN_WEBUI

# The copies have pools of connections of their own.
MAX_CONNECTIONS = 80
MODEL = "bench"
EMBEDS = "text-embedding-3-small"


class Original:
    pids: dict[str, int]
    """The main process of each service."""
    front: int
    """The port of nginx."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder = folder
        self.own = Gateway(program, folder)
        self.given, self.home = self.own.given, self.own.home

    def __enter__(self) -> Self:
        if not self.given:
            self.own.set_up(f"\n[postgres]\nmax_connections = {MAX_CONNECTIONS}\n")
            self.own.start()
        status = json.loads(self.own.ask("status", "--json"))
        self.admin = status["urls"]["admin"].removesuffix("/ui")
        self.pids = {name: status["services"][name]["pid"] for name in (LITELLM, OPEN_WEBUI, "nginx")}
        front = urllib.parse.urlsplit(status["urls"]["webui"]).port
        assert front, "the address of the page has a port"
        self.front = front
        self.master = self.own.secret("litellm-master-key")
        self.key = self.own.secret("open-webui-virtual-key")
        return self

    def __exit__(self, *_: object) -> None:
        if not self.given:
            self.own.kill()

    def give(self, folder: Path) -> None:
        """Gives the gateway's owner a folder and all that is in it."""
        for path in [folder, *folder.rglob("*")]:
            self.own.own(path)

    def administer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.master}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.admin + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    @contextlib.contextmanager
    def models(self, port: int) -> Iterator[None]:
        """One that chats and one that embeds, which both are the provider at this port, as long as it is needed."""
        with contextlib.ExitStack() as added:
            # Documents of a gateway that somebody uses must not get our vectors.
            for name in [MODEL] if self.given else [MODEL, EMBEDS]:
                added.callback(self.administer, "/model/delete", {"id": self.add_model(name, port)})
            yield

    def add_model(self, name: str, port: int) -> str:
        parameters = {"model": f"openai/{name}", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "none"}
        added: str = self.administer("/model/new", {"model_name": name, "litellm_params": parameters})["model_id"]
        return added

    def environment(self, service: str) -> dict[str, str]:
        """What a service of the gateway's own has."""
        entries = (process.PROC / str(self.pids[service]) / "environ").read_bytes().split(b"\0")
        pairs = (entry.decode().partition("=") for entry in entries if b"=" in entry)
        return {name: value for name, _, value in pairs}

    def payload(self, service: str) -> Path:
        return (self.home / f"state/payloads/{service}/current").resolve()

    def nginx(self) -> list[int]:
        """All processes of the gateway's nginx."""
        return [self.pids["nginx"], *process.descendants(self.pids["nginx"])]
