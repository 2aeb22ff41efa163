"""Three ledgers of the same chats: what the client was told, what the provider was asked, and what the
database has of it, in rows and in every sum that LiteLLM keeps.

The client's requests belong to one key with an owner, a team, a customer and a tag, so that each kind
of sum has its part. A chat carries its number in its text; the provider answers with an id that has
the number in it, and that is the id of its row.
"""

import asyncio
import http.client
import json
import threading
import time
from collections import Counter

from gateway import until

PRICE = 0.00001
# What each answer costs: 10 tokens asked and 5 answered.
COST = 15 * PRICE
MODEL = "counted"
SAME_ID_MODEL = "counted-same-id"
PROXY = "litellm-proxy-budget"


class CountingProvider:
    """The OpenAI API; `asked` has how often each number was asked for."""

    def __init__(self, seconds=0.05):
        self.seconds = seconds
        self.asked = Counter()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve():
            server = await asyncio.start_server(self.handle, "127.0.0.1", 0, limit=1 << 20)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await server.serve_forever()

        self.task = None

        def run():
            asyncio.set_event_loop(self.loop)
            self.task = self.loop.create_task(serve())
            try:
                self.loop.run_until_complete(self.task)
            except asyncio.CancelledError:
                pass
            rest = asyncio.all_tasks(self.loop)
            for task in rest:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert started.wait(10)

    def model(self, name):
        return {
            "model": f"openai/{name}",
            "api_base": f"http://127.0.0.1:{self.port}/v1",
            "api_key": "key-of-the-provider",
            "input_cost_per_token": PRICE,
            "output_cost_per_token": PRICE,
        }

    def stop(self):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join()

    async def handle(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                if not head.startswith("post"):
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                    continue
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                number = body["messages"][-1]["content"]
                self.asked[number] += 1
                same = body["model"] == SAME_ID_MODEL
                answer = {"id": "chatcmpl-always" if same else f"chatcmpl-{number}", "created": 1, "model": "m"}
                usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
                if body.get("stream"):
                    await self.stream(writer, answer, usage)
                else:
                    await asyncio.sleep(self.seconds)
                    message = {"role": "assistant", "content": "hello"}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    answer = {**answer, "object": "chat.completion", "choices": [choice], "usage": usage}
                    content = json.dumps(answer).encode()
                    writer.write(
                        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                        % (len(content), content)
                    )
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def stream(self, writer, answer, usage):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

        def event(text):
            line = b"data: %b\n\n" % text.encode()
            writer.write(b"%x\r\n%b\r\n" % (len(line), line))

        answer = {**answer, "object": "chat.completion.chunk"}
        for word in ("he", "l", "lo"):
            event(json.dumps({**answer, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}))
            await writer.drain()
            await asyncio.sleep(self.seconds / 3)
        event(json.dumps({**answer, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        event(json.dumps({**answer, "choices": [], "usage": usage}))
        event("[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


class Account:
    """A key of its own with all that spend is counted for."""

    def __init__(self, gateway, name):
        self.gateway, self.name = gateway, name
        admin = gateway.admin()
        self.user = admin.post("/user/new", {"user_id": f"owner-{name}", "auto_create_key": False})["user_id"]
        self.team = admin.post("/team/new", {"team_alias": f"team-{name}"})["team_id"]
        admin.post("/team/member_add", {"team_id": self.team, "member": {"role": "user", "user_id": self.user}})
        admin.post("/tag/new", {"name": f"tag-{name}"})
        made = admin.post("/key/generate", {"user_id": self.user, "team_id": self.team})
        self.key, self.token = made["key"], made["token_id"]
        self.before = self.proxy()

    def proxy(self):
        """What the whole gateway has spent: others may have spent before."""
        rows = self.gateway.query('SELECT coalesce(sum(spend), 0) FROM "LiteLLM_SpendLogs"')
        sum_ = self.gateway.query(f"SELECT spend FROM \"LiteLLM_UserTable\" WHERE user_id = '{PROXY}'")
        return float(sum_) - float(rows)

    def rows(self):
        """How many rows each request has, by the number in its id, and their spend."""
        sql = (
            f"SELECT request_id, spend FROM \"LiteLLM_SpendLogs\" WHERE api_key = '{self.token}'"
            " AND status IS DISTINCT FROM 'failure'"
        )
        found = [line.rsplit("|", 1) for line in self.gateway.query(sql).splitlines()]
        return Counter(row[0].removeprefix("chatcmpl-") for row in found), sum(float(row[1]) for row in found)

    def sums(self):
        """Every sum that the key's chats belong to, in spend."""
        one = {
            "key": f"SELECT spend FROM \"LiteLLM_VerificationToken\" WHERE token = '{self.token}'",
            "key in all": f"SELECT total_spend FROM \"LiteLLM_VerificationToken\" WHERE token = '{self.token}'",
            "user": f"SELECT spend FROM \"LiteLLM_UserTable\" WHERE user_id = '{self.user}'",
            "team": f"SELECT spend FROM \"LiteLLM_TeamTable\" WHERE team_id = '{self.team}'",
            "member": "SELECT spend FROM \"LiteLLM_TeamMembership\""
            f" WHERE team_id = '{self.team}' AND user_id = '{self.user}'",
            "customer": f"SELECT spend FROM \"LiteLLM_EndUserTable\" WHERE user_id = 'customer-{self.name}'",
            "tag": f"SELECT spend FROM \"LiteLLM_TagTable\" WHERE tag_name = 'tag-{self.name}'",
            "user's days": f"SELECT sum(spend) FROM \"LiteLLM_DailyUserSpend\" WHERE api_key = '{self.token}'",
            "team's days": f"SELECT sum(spend) FROM \"LiteLLM_DailyTeamSpend\" WHERE team_id = '{self.team}'",
            "customer's days": "SELECT sum(spend) FROM \"LiteLLM_DailyEndUserSpend\""
            f" WHERE end_user_id = 'customer-{self.name}'",
            "tag's days": f"SELECT sum(spend) FROM \"LiteLLM_DailyTagSpend\" WHERE tag = 'tag-{self.name}'",
        }
        sql = " UNION ALL ".join(f"SELECT '{name.replace(chr(39), chr(39) * 2)}', ({ask})" for name, ask in one.items())
        lines = [line.split("|") for line in self.gateway.query(sql).splitlines()]
        return {name: float(value or 0) for name, value in lines}


class Clients:
    """People who chat, half of them in streams, and write down what they were told."""

    def __init__(self, account, people=6, pause=0.05, model=MODEL):
        self.account, self.pause, self.model = account, pause, model
        self.told = {}
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.chat_on, args=(one,)) for one in range(people)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def chat_on(self, person):
        count = 0
        while not self.ended.is_set():
            number = f"{self.account.name}-{self.model}-{person}-{count}"
            self.told[number] = self.chat(number, count % 2 == 0)
            # Who is refused does not ask again at once.
            self.ended.wait(self.pause if self.told[number] == "answered" else 0.3)
            count += 1

    def chat(self, number, stream):
        body = {
            "model": self.model,
            "stream": stream,
            "user": f"customer-{self.account.name}",
            "metadata": {"tags": [f"tag-{self.account.name}"]},
            "messages": [{"role": "user", "content": number}],
        }
        headers = {"Authorization": f"Bearer {self.account.key}", "Content-Type": "application/json"}
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.account.gateway.port, timeout=90)
            connection.request("POST", "/api/litellm/v1/chat/completions", json.dumps(body), headers)
            response = connection.getresponse()
            content = response.read()
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        if response.status != 200:
            return str(response.status)
        return "answered" if (b"data: [DONE]" if stream else b'"hello"') in content else "cut off"

    def answered(self):
        return {number for number, told in list(self.told.items()) if told == "answered"}

    def go_on(self, more=12, seconds=120):
        """Waits until so many more were answered."""
        before = len(self.answered())
        until("chats are answered again", lambda: len(self.answered()) >= before + more, seconds)


def differences(account, clients, provider):
    """What the three ledgers do not agree on: nothing, when all is well."""
    told = clients.answered()
    rows, spent = account.rows()
    found = {
        "answered without a row": len(told - set(rows)),
        "rows of one chat beyond the first": sum(count - 1 for count in rows.values()),
        "rows of what the provider never answered": len(set(rows) - set(provider.asked)),
    }
    sums = account.sums()
    sums["proxy"] = account.proxy() - account.before + spent
    for name, value in sums.items():
        found[f"{name}: chats missing"] = round((spent - value) / COST, 3)
    return {what: count for what, count in found.items() if count}


def agree(account, clients, provider, seconds=60):
    """Waits until the ledgers agree, and says how many chats were answered."""
    last = {}

    def look():
        nonlocal last
        last = differences(account, clients, provider)
        return not last

    # The database itself may still be on its way back.
    account.gateway.ensure_ready()
    try:
        until("the ledgers agree", look, seconds)
    except AssertionError:
        rows, _ = account.rows()
        told = dict(Counter(clients.told.values()))
        raise AssertionError(f"after {seconds} s: {last}; {rows.total()} rows; told: {told}") from None
    return len(clients.answered())
