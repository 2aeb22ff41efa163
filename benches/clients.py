"""Clients of a stack: chats and what else people do with it, at a pace that both stacks can keep."""

import http.client
import json
import random
import threading
import time
import urllib.parse

CLIENTS = 8
SECONDS_BETWEEN = 0.4  # of each client: 20 requests a second in all

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
# How often of a hundred times.
MIX = [("chat", 45), ("stream", 35), ("models", 10), ("page", 6), ("settings", 4)]


class Clients:
    def __init__(self, stack, key):
        self.stack, self.key = stack, key
        self.failures = 0
        self.done = 0

    def chats(self, count):
        client = Client(self)
        for _ in range(count):
            client.ask("chat")

    def mixed(self, seconds):
        end = time.monotonic() + seconds
        clients = [threading.Thread(target=self.keep_asking, args=[number, end]) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def keep_asking(self, number, end):
        # The same requests for every stack.
        choose, client = random.Random(number), Client(self)
        due = time.monotonic() + number * SECONDS_BETWEEN / CLIENTS
        names, weights = zip(*MIX)
        while due < end:
            time.sleep(max(0, due - time.monotonic()))
            client.ask(choose.choices(names, weights)[0])
            due += SECONDS_BETWEEN


class Client:
    """One connection."""

    def __init__(self, clients):
        self.clients = clients
        self.api = urllib.parse.urlsplit(clients.stack.api)
        self.connection = http.client.HTTPConnection(self.api.netloc, timeout=60)

    def ask(self, what):
        try:
            failed = self.answer(what) != 200
        except OSError:
            self.connection.close()
            failed = True
        self.clients.failures += failed
        self.clients.done += 1

    def answer(self, what):
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
