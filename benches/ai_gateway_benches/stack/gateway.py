"""The four services under our gateway, which has a folder of its own and is driven by the program's commands.

The folder is $AI_GATEWAY_HOME, set up and stopped, or one that is set up for this run. `stacks` makes one
for `benches/run`, and `diet.original` one for `benches/diet`.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from ..common import process
from ..common.ports import free_ports
from ..report.figures import OURS
from . import owner

# Where packages come from on this machine.
PACKAGE_VARIABLES = (
    "PIP_",
    "UV_",
    "NPM_CONFIG_",
    "npm_config_",
    "SSL_CERT_",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Gateway:
    name = OURS
    # What it tells of itself, once it was started.
    api: str
    webui: str
    litellm: str

    def __init__(self, program: Path, folder: Path) -> None:
        given = os.environ.get("AI_GATEWAY_HOME")
        self.given = bool(given)
        self.home = Path(given) if given else folder / "home"
        self.program = folder / "ai-gateway"
        # The folder that it was built in may be closed to nobody.
        shutil.copy(program, self.program)
        folder.chmod(0o755)
        self.payloads = self.home / "state/payloads"
        self.daemon: int | None = None

    def prepare(self) -> None:
        if not self.given:
            self.set_up()
        elif self.runs():
            raise SystemExit(f"the gateway in {self.home} runs: stop it first, or leave AI_GATEWAY_HOME away")
        # The first start registers the virtual key, makes the demo model and warms the disk.
        self.start()
        self.stop()

    def identity(self) -> owner.Identity:
        return owner.identity(self.home)

    def own(self, path: Path) -> None:
        """Gives the gateway's owner what was made for it."""
        owner.give(path, self.home)

    def set_up(self, more: str = "") -> None:
        """A new one, as a small machine has it: one worker; with more of a configuration."""
        port, admin_port = free_ports(2)
        self.home.mkdir()
        config = self.home / "gateway.toml"
        config.write_text(f'profile = "small"\n\n[listen]\nport = {port}\nadmin_port = {admin_port}\n{more}')
        owner.give_to_nobody(self.home, config)
        self.ask("setup", "--yes", environment=packages_environment())

    def ask(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Runs `ai-gateway` and gives what it says."""
        clean = {
            "HOME": str(self.home),
            "AI_GATEWAY_HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        }
        done = subprocess.run(
            [self.program, *arguments],
            env={**clean, **(environment or {})},
            text=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            **self.identity(),
        )
        if done.returncode:
            raise SystemExit(f"ai-gateway {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> float:
        """Seconds until all four are ready."""
        began = time.monotonic()
        self.ask("start")
        taken = time.monotonic() - began
        status = json.loads(self.ask("status", "--json"))
        self.daemon = process.parent(status["services"]["litellm"]["pid"])
        self.api = status["urls"]["api"]
        self.webui = status["urls"]["webui"]
        self.litellm = status["urls"]["admin"].removesuffix("/ui")
        return taken

    def stop(self) -> None:
        self.ask("stop")

    def kill(self) -> None:
        """Whatever state it is in, at the end of a run."""
        if self.daemon and self.runs():
            subprocess.run(
                [self.program, "stop"],
                env={"AI_GATEWAY_HOME": str(self.home)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                **self.identity(),
            )

    def runs(self) -> bool:
        return (self.home / "run/control.sock").exists()

    def secret(self, name: str) -> str:
        return (self.home / "state/secrets" / name).read_text().strip()

    def daemon_of_run(self) -> int:
        assert self.daemon, "the gateway was not started"
        return self.daemon

    def processes(self) -> list[tuple[str, int]]:
        """(part, pid) of everything."""
        daemon = self.daemon_of_run()
        return [(self.part(pid), pid) for pid in [daemon, *process.descendants(daemon)]]

    def part(self, pid: int) -> str:
        program = process.name(pid)
        if pid == self.daemon:
            return "supervisor"
        if program in ("postgres", "nginx"):
            return program
        if program == "node":
            return "engine"
        # LiteLLM's after-start command and the like are its own.
        return "open-webui" if "webui_app" in process.read(pid, "cmdline") else "litellm"


def packages_environment() -> dict[str, str]:
    """What set-up needs to know of this machine to get packages: where they come from, and where they are kept."""
    where = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(PACKAGE_VARIABLES) or name.lower() in PROXY_VARIABLES
    }
    cache = owner.packages_cache()
    kept = {"UV_CACHE_DIR": cache / "uv", "PIP_CACHE_DIR": cache / "pip", "npm_config_cache": cache / "npm"}
    return {**where, "XDG_CACHE_HOME": str(cache), **{name: str(path) for name, path in kept.items()}}
