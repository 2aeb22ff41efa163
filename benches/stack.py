"""The whole stack: how long until it is ready, and what the daemon itself takes.

The gateway is the one in $AI_GATEWAY_HOME, set up and stopped; it runs as the owner of that folder.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import time
import urllib.request

import process

REST_SECONDS = 10
STARTS = 3


class Gateway:
    def __init__(self, program):
        self.program = program
        self.home = pathlib.Path(os.environ["AI_GATEWAY_HOME"])
        self.owner = self.home.stat()

    def ask(self, *arguments):
        """Runs `ai-gateway` and gives what it says."""
        env = {**os.environ, "HOME": str(self.home), "AI_GATEWAY_HOME": str(self.home)}
        return subprocess.run([self.program, *arguments], env=env, check=True, text=True,
                              stdout=subprocess.PIPE, cwd="/", **self.identity()).stdout

    def identity(self):
        if os.geteuid() != 0:
            return {}
        return {"user": self.owner.st_uid, "group": self.owner.st_gid, "extra_groups": []}

    def services(self):
        return json.loads(self.ask("status", "--json"))["services"]


class ByHand:
    """A service's command line with its environment and folder, without anybody above it."""

    def __init__(self, gateway, pid):
        self.gateway = gateway
        self.command = process.read(pid, "cmdline").split("\0")[:-1]
        self.env = dict(v.split("=", 1) for v in process.read(pid, "environ").split("\0")[:-1])
        self.cwd = os.readlink(f"/proc/{pid}/cwd")

    def seconds_until(self, url):
        began = time.monotonic()
        child = subprocess.Popen(self.command, env=self.env, cwd=self.cwd, start_new_session=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, **self.gateway.identity())
        try:
            while not answers(url):
                if child.poll() is not None:
                    raise ChildProcessError(f"{self.command[0]} ended with {child.returncode}")
                time.sleep(0.05)
            return time.monotonic() - began
        finally:
            child.terminate()
            child.wait()


def answers(url):
    with contextlib.suppress(OSError):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    return False


def run(bench):
    if "AI_GATEWAY_HOME" not in os.environ:
        raise SystemExit("the benchmark of the stack needs AI_GATEWAY_HOME, the folder of a gateway "
                         "that is set up and stopped: AI_GATEWAY_HOME=DIR ai-gateway setup --yes")
    gateway = Gateway(bench.gateway)
    whole, alone = [], []
    try:
        # In pairs, so that whatever else the machine does falls on both.
        for _ in range(STARTS):
            began = time.monotonic()
            gateway.ask("start")
            whole.append(time.monotonic() - began)
            services = gateway.services()
            daemon = process.parent(services["postgres"]["pid"])
            by_hand = ByHand(gateway, services["litellm"]["pid"])
            pss, switches, cpu = process.rest([daemon], REST_SECONDS)
            gateway.ask("stop", "litellm")
            alone.append(by_hand.seconds_until(f"http://{address(gateway)}/health/readiness"))
            gateway.ask("stop")
    finally:
        subprocess.run([bench.gateway, "stop"], env={"AI_GATEWAY_HOME": str(gateway.home)},
                       stderr=subprocess.DEVNULL, **gateway.identity())
    yield "start → ready, median", "ai-gateway", sorted(whole)[STARTS // 2], "s"
    yield "start → ready, median", "LiteLLM alone, by hand", sorted(alone)[STARTS // 2], "s"
    yield "PSS of the daemon with four services", "ai-gateway", pss / 1e6, "MB"
    yield f"its CPU in {REST_SECONDS} s of rest", "ai-gateway", cpu * 1e3, "ms"
    yield f"its wake-ups in {REST_SECONDS} s of rest", "ai-gateway", switches, ""


def address(gateway):
    """LiteLLM's, from what the gateway says."""
    return json.loads(gateway.ask("status", "--json"))["urls"]["admin"].split("/")[2]
