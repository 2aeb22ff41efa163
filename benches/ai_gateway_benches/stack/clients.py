"""Clients of a stack, which chat and do what else people do, at a pace that every stack can keep.

The part `stack` uses them.
"""

import http.client
import json
import random
import threading
import time
import urllib.parse

from .contract import Stack

CLIENTS = 8
SECONDS_BETWEEN = 0.4  # of each client: 20 requests a second in all

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
# How often of a hundred times.
MIX = {"chat": 45, "stream": 35, "models": 10, "page": 6, "settings": 4}


class Clients:
    def __init__(self, stack: Stack, key: str) -> None:
        self.stack, self.key = stack, key
        self.failures = 0

    def chats(self, count: int) -> None:
        client = Client(self)
        for _ in range(count):
            client.ask("chat")

    def mixed(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        clients = [threading.Thread(target=self.keep_asking, args=[number, end]) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def keep_asking(self, number: int, end: float) -> None:
        # The same requests for every stack.
        choose, client = random.Random(number), Client(self)
        due = time.monotonic() + number * SECONDS_BETWEEN / CLIENTS
        while due < end:
            time.sleep(max(0, due - time.monotonic()))
            client.ask(choose.choices(list(MIX), list(MIX.values()))[0])
            due += SECONDS_BETWEEN


class Client:
    """One connection."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.api = urllib.parse.urlsplit(clients.stack.api)
        self.connection = http.client.HTTPConnection(self.api.netloc, timeout=60)

    def ask(self, what: str) -> None:
        try:
            failed = self.answer(what) != 200
        except OSError:
            self.connection.close()
            failed = True
        self.clients.failures += failed

    def answer(self, what: str) -> int:
        headers = {"Authorization": f"Bearer {self.clients.key}", "Content-Type": "application/json"}
        if what in ("chat", "stream"):
            body = json.dumps({**CHAT, "stream": what == "stream"})
            self.connection.request("POST", f"{self.api.path}/chat/completions", body, headers)
        elif what == "models":
            self.connection.request("GET", f"{self.api.path}/models", headers=headers)
        else:
            self.connection.request("GET", {"page": "/", "settings": "/api/config"}[what])
        answer = self.connection.getresponse()
        answer.read()
        return answer.status
