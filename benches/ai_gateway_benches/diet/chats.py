"""This chats with copies of LiteLLM and tells what the chats cost. `comparison` calls it."""

import json
import threading
import time
from collections.abc import Sequence

from .copies import Copy
from .original import MODEL

USERS, CONNECTIONS = 10, 8
TURNS = 8
# As long as LiteLLM keeps what was spent before it writes it, and a little.
SETTLE_SECONDS = 6


def chat(copy: Copy, count: int, *, stream: bool) -> None:
    """So many chats of each of its users, one after the other, all at once."""
    body = json.dumps({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "Hello"}]})
    headers = {"Authorization": f"Bearer {copy.key}", "Content-Type": "application/json"}
    failed: list[bytes] = []

    def user(share: int) -> None:
        connection = copy.connection()
        for _ in range(share):
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200 or (stream and b"[DONE]" not in text):
                failed.append(text)

    users = USERS if stream else CONNECTIONS
    threads = [threading.Thread(target=user, args=(count // users,)) for _ in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"error: {len(failed)} of {count} chats failed: {failed[0][:500]!r}")


def under_load(copies: Sequence[Copy], count: int, *, stream: bool) -> list[float]:
    """Processor time of each, in seconds a chat, for so many chats in each of its turns."""
    before = [copy.cpu() for copy in copies]
    for turn in range(TURNS):
        for copy in copies if turn % 2 else reversed(copies):
            chat(copy, count, stream=stream)
    time.sleep(SETTLE_SECONDS)
    return [(copy.cpu() - used) / (TURNS * count) for copy, used in zip(copies, before, strict=True)]
