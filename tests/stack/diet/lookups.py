"""What LiteLLM finds of keys, teams and lists when several ask at once, with its own cache and all that is
between a request and the database's answer; the answer itself is made here.

Argument: our modules' folder.
"""

import asyncio
import sys
import threading

sys.path.insert(0, sys.argv[1])
import gateway_app  # noqa: F401: as it runs
from fastapi import HTTPException
from litellm.proxy._types import LiteLLM_TeamTable, LiteLLM_VerificationTokenView, UserAPIKeyAuth
from litellm.proxy.auth import auth_checks
from litellm.proxy.auth.resolvers import store
from litellm.proxy.common_utils.user_api_key_cache import UserApiKeyCache

TOKEN = "a" * 64
SLOW = 0.05


class Database:
    """What has been written, as far as it is asked for here, and who waits for its answer."""

    def __init__(self):
        self.alias, self.fails, self.asked = "first", None, 0

    async def answer(self, make):
        self.asked += 1
        alias, fails = self.alias, self.fails  # as it was when it was asked
        await asyncio.sleep(SLOW)
        if fails is not None:
            raise fails
        return alias and make(alias)


class Key:
    """A key, as a request to any route looks for it."""

    def __init__(self, database, cache):
        self.database, self.cache = database, cache
        store.fetch_key_object_from_db_with_reconnect = self.fetch

    async def fetch(self, hashed_token, **_):
        return await self.database.answer(lambda alias: LiteLLM_VerificationTokenView(token=hashed_token, key_alias=alias))

    async def look(self, **options):
        found = await store.IdentityStore(object(), self.cache, **options).resolve(TOKEN)
        return store.IdentityStore.key_from_principal(found).key_alias

    async def forget(self):
        await auth_checks.delete_cache_key_object(TOKEN, self.cache, None)

    async def put(self, alias):
        await auth_checks.cache_key_object(TOKEN, UserAPIKeyAuth(token=TOKEN, key_alias=alias), self.cache, None)


class Team:
    """A team, as each request of one of its keys looks for it."""

    def __init__(self, database, cache):
        self.database, self.cache = database, cache
        auth_checks._get_team_db_check = self.fetch

    async def fetch(self, team_id, **_):
        return await self.database.answer(lambda alias: LiteLLM_TeamTable(team_id=team_id, team_alias=alias))

    async def look(self, check_cache_only=False):
        found = await auth_checks.get_team_object("t", object(), self.cache, check_cache_only=check_cache_only)
        return found.team_alias

    async def forget(self):
        await self.cache.async_delete_cache("team_id:t")

    async def put(self, alias):
        found = auth_checks.LiteLLM_TeamTableCachedObj(team_id="t", team_alias=alias)
        await self.cache.async_set_cache("team_id:t", found, model_type=auth_checks.LiteLLM_TeamTableCachedObj)


def said_of(result):
    if isinstance(result, HTTPException):
        return f"{result.status_code} {result.detail}"
    return repr(result)


async def all_of(looks):
    return [said_of(one) for one in await asyncio.wait_for(asyncio.gather(*looks, return_exceptions=True), 20)]


async def at_the_same_time(thing):
    return await all_of(thing.look() for _ in range(16))


async def first_hangs_up(thing, how_many):
    """The first who asked, and so many of those after it, are cancelled while the others wait."""
    looks = [asyncio.ensure_future(thing.look()) for _ in range(8)]
    await asyncio.sleep(SLOW / 5)
    for look in looks[:how_many]:
        look.cancel()
    return await all_of(looks)


async def the_last_is_cancelled_alone(thing):
    looks = [asyncio.ensure_future(thing.look()) for _ in range(4)]
    await asyncio.sleep(SLOW / 5)
    looks[-1].cancel()
    return await all_of(looks)


async def it_fails(thing, why):
    thing.database.fails = why
    looks = [asyncio.ensure_future(thing.look()) for _ in range(4)]
    await asyncio.sleep(SLOW / 5)
    thing.database.fails = None  # whoever asks from now on has an answer
    return [sorted(set(await all_of(looks[:1]))), await all_of([thing.look()])]


async def it_is_not_there(thing):
    thing.database.alias = None
    return await all_of(thing.look() for _ in range(4))


async def only_the_cache(thing):
    looks = [asyncio.ensure_future(thing.look()) for _ in range(2)]
    await asyncio.sleep(0)
    return await all_of([thing.look(check_cache_only=True), *looks])


async def written_meanwhile(thing, write):
    """What a request finds that comes after a write that was acknowledged, while another asks."""
    before = [asyncio.ensure_future(thing.look()) for _ in range(2)]
    await asyncio.sleep(SLOW / 5)
    thing.database.alias = "second"
    await write(thing)
    after = [asyncio.ensure_future(thing.look()) for _ in range(4)]
    return [await all_of(after), (await all_of(before))[0]]


async def forget(thing):
    await thing.forget()


async def put(thing):
    await thing.put("second")


async def flush(thing):
    thing.cache.flush_cache()


CASES = [
    ("at the same time", at_the_same_time),
    *((f"{count} hang up", lambda thing, count=count: first_hangs_up(thing, count)) for count in (1, 2, 7)),
    ("the last hangs up", the_last_is_cancelled_alone),
    ("it fails", lambda thing: it_fails(thing, RuntimeError("the database is away"))),
    ("it is away", lambda thing: it_fails(thing, OSError("no connection"))),
    ("it is not there", it_is_not_there),
    ("only the cache", only_the_cache),
    *((f"written meanwhile: {write.__name__}", lambda thing, write=write: written_meanwhile(thing, write))
      for write in (forget, put, flush)),
]


def anew(kind):
    return kind(Database(), UserApiKeyCache())


for kind in (Key, Team):
    for name, case in CASES:
        print(kind.__name__, name, asyncio.run(case(anew(kind))), sep=": ")

    # A plugin that has an event loop of its own in a thread of its own.
    thing, found = anew(kind), []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(at_the_same_time(thing)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    print(kind.__name__, found)


async def lists(cancelled, fails):
    """A list of tags: who loads it first is cancelled, or fails."""
    cache, lock, loads = UserApiKeyCache(), asyncio.Lock(), []

    async def fetch():
        loads.append(len(loads))
        await asyncio.sleep(SLOW)
        if fails and len(loads) == 1:
            raise RuntimeError("the database is away")
        return ("one", "two")

    looks = [
        asyncio.ensure_future(auth_checks._load_bounded_registry("tag_registry", "overflow", 10, lock, fetch, cache))
        for _ in range(6)
    ]
    await asyncio.sleep(SLOW / 5)
    for look in looks[:cancelled]:
        look.cancel()
    results = await asyncio.wait_for(asyncio.gather(*looks, return_exceptions=True), 20)
    return [sorted(one) if isinstance(one, frozenset) else said_of(one) for one in results]


for cancelled, fails in [(0, False), (1, False), (3, False), (0, True)]:
    print("list", cancelled, fails, asyncio.run(lists(cancelled, fails)))

# The measure is at work, or nothing was compared: one asks for all.
thing = anew(Key)
asyncio.run(at_the_same_time(thing))
print(f"asked: {thing.database.asked}", file=sys.stderr)
