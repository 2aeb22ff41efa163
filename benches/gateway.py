"""Ours, whole: a gateway in a folder of its own, driven by the program's commands.

The folder is $AI_GATEWAY_HOME, set up and stopped, or one that is set up for this run. PostgreSQL
refuses to run as root, so a run of root's makes it `nobody`'s.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

import process
from ports import free_ports
from table import OURS

NOBODY = 65534
PARTS = ["litellm", "engine", "open-webui", "postgres", "nginx", "supervisor"]

# Where packages come from on this machine.
PACKAGE_VARIABLES = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "REQUESTS_CA_BUNDLE",
                     "NODE_EXTRA_CA_CERTS")
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def cache():
    """The packages' cache, which is kept. Nobody has no home, and root's is closed to nobody."""
    if os.geteuid() == 0:
        folder = pathlib.Path("/var/cache/ai-gateway-test")
    else:
        own = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(own) / "ai-gateway-test"
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, NOBODY, NOBODY)
    return folder


class Gateway:
    name = OURS

    def __init__(self, bench):
        given = os.environ.get("AI_GATEWAY_HOME")
        self.home = pathlib.Path(given) if given else bench.folder / "home"
        self.program = bench.folder / "ai-gateway"
        # The folder that it was built in may be closed to nobody.
        shutil.copy(bench.gateway, self.program)
        bench.folder.chmod(0o755)
        self.payloads = self.home / "state/payloads"
        self.daemon = None
        self.given = bool(given)

    def prepare(self):
        if not self.given:
            self.set_up()
        elif self.runs():
            raise SystemExit(f"the gateway in {self.home} runs: stop it first, or leave AI_GATEWAY_HOME away")
        # The first start registers the virtual key, makes the demo model and warms the disk.
        self.start()
        self.stop()

    def identity(self):
        """Whose processes they are, for subprocess."""
        if os.geteuid() != 0:
            return {}
        owner = self.home.stat()
        return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}

    def own(self, path):
        """Gives the gateway's owner what was made for it."""
        if os.geteuid() == 0:
            owner = self.home.stat()
            shutil.chown(path, owner.st_uid, owner.st_gid)

    def set_up(self, more=""):
        """A new one, as a small machine has it: one worker; with more of a configuration."""
        port, admin_port = free_ports(2)
        self.home.mkdir()
        config = self.home / "gateway.toml"
        config.write_text(f'profile = "small"\n\n[listen]\nport = {port}\nadmin_port = {admin_port}\n{more}')
        packages_cache = cache()
        if os.geteuid() == 0:
            for path in (self.home, config):
                shutil.chown(path, NOBODY, NOBODY)
        packages = {name: value for name, value in os.environ.items()
                    if name.startswith(PACKAGE_VARIABLES) or name.lower() in PROXY_VARIABLES}
        caches = {"XDG_CACHE_HOME": packages_cache, "UV_CACHE_DIR": packages_cache / "uv",
                  "PIP_CACHE_DIR": packages_cache / "pip", "npm_config_cache": packages_cache / "npm"}
        self.ask("setup", "--yes", env={**packages, **caches})

    def ask(self, *arguments, env=()):
        """Runs `ai-gateway` and gives what it says."""
        clean = {"HOME": str(self.home), "AI_GATEWAY_HOME": str(self.home), "LANG": "C.UTF-8",
                 "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        done = subprocess.run([self.program, *arguments], env={**clean, **dict(env)}, text=True, cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, **self.identity())
        if done.returncode:
            raise SystemExit(f"ai-gateway {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
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

    def stop(self):
        self.ask("stop")

    def kill(self):
        """Whatever state it is in, at the end of a run."""
        if self.daemon and self.runs():
            subprocess.run([self.program, "stop"], env={"AI_GATEWAY_HOME": str(self.home)},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **self.identity())

    def runs(self):
        return (self.home / "run/control.sock").exists()

    def secret(self, name):
        return (self.home / "state/secrets" / name).read_text().strip()

    def processes(self):
        """(part, pid) of everything."""
        return [(self.part(pid), pid) for pid in [self.daemon, *process.descendants(self.daemon)]]

    def part(self, pid):
        program = process.name(pid)
        if pid == self.daemon:
            return "supervisor"
        if program in ("postgres", "nginx"):
            return program
        if program == "node":
            return "engine"
        # LiteLLM's after-start command and the like are its own.
        return "open-webui" if "webui_app" in process.read(pid, "cmdline") else "litellm"


def memory(stack):
    """MB of PSS by part."""
    sums = dict.fromkeys(PARTS, 0.0)
    for part, pid in stack.processes():
        try:
            sums[part] += process.pss([pid]) / 1e6
        except OSError:
            continue  # it ended meanwhile
    return sums


def cpu(stack, parts):
    """Processor time so far of these parts, in seconds."""
    total = 0.0
    for part, pid in stack.processes():
        if part in parts:
            with contextlib.suppress(OSError):  # it ended meanwhile
                total += process.cpu([pid])
    return total
