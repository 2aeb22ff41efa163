"""Look-ups of LiteLLM's that wait for one another.

The wrapper's own promises are looked at on a look-up that is made here. That it is around LiteLLM's, and what those
find when several ask at once, is looked at on LiteLLM itself here and, for more cases, in tests/stack/diet/lookups.py.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Service, replaced

import diet_litellm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CACHE, STORE = "litellm/caching/in_memory_cache.py", "litellm/proxy/auth/resolvers/store.py"
CHECKS, JOBS = "litellm/proxy/auth/auth_checks.py", "litellm/integrations/shadow_eval_logger.py"


class Table:
    """A table with a cache before it, and a look-up that is shared."""

    def __init__(self) -> None:
        self.cache: dict[str, str] = {}
        self.asked: list[str] = []
        self.row = "key of "
        self.within: Callable[[str], Awaitable[object]] | None = None
        self.look = diet_litellm.one_at_a_time(self.look_up, lambda key, alone=False: None if alone else key)
        self.write = diet_litellm.ends_sharing(Table.put)

    async def look_up(self, key: str, alone: bool = False) -> str:
        if key in self.cache:
            return self.cache[key]
        if alone:
            raise KeyError(key)
        self.asked.append(key)
        value = self.row + key
        if self.within is not None and len(self.asked) == 1:
            await self.within(key)
        await asyncio.sleep(0.01)
        if key.startswith("no"):
            raise ValueError(key)
        self.write(self, key, value)
        return value

    def put(self, key: str, value: str | None) -> None:
        if value is None:
            self.cache.pop(key, None)
        else:
            self.cache[key] = value


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setattr(diet_litellm.Lookups, "watched", True)
    yield Table()
    assert not diet_litellm.Lookups.under_way


async def together(*looks: Awaitable[object]) -> list[object]:
    return [one if isinstance(one, str) else repr(one) for one in await asyncio.gather(*looks, return_exceptions=True)]


def test_those_who_miss_the_same_key_wait_for_the_first_to_fetch_it(table: Table) -> None:
    found = asyncio.run(together(*(table.look("a") for _ in range(64)), table.look("b")))
    assert found == ["key of a"] * 64 + ["key of b"]
    assert table.asked == ["a", "b"]


def test_nobody_waits_for_anybody_where_writes_are_not_seen(table: Table) -> None:
    diet_litellm.Lookups.watched = False
    asyncio.run(together(*(table.look("a") for _ in range(8))))
    assert table.asked == ["a"] * 8


def test_who_is_not_to_wait_does_not(table: Table) -> None:
    found = asyncio.run(together(table.look("a"), table.look("a", alone=True)))
    assert found == ["key of a", "KeyError('a')"]


def test_where_the_first_fails_the_others_ask_for_themselves(table: Table) -> None:
    found = asyncio.run(together(*(table.look("no") for _ in range(3))))
    assert found == ["ValueError('no')"] * 3 and table.asked == ["no"] * 3
    assert asyncio.run(together(table.look("no"), table.look("a"))) == ["ValueError('no')", "key of a"]


def test_whoever_hangs_up_leaves_the_others_waiting_for_nothing(table: Table) -> None:
    async def all_of_them() -> str:
        first, waits, last = [asyncio.ensure_future(table.look("a")) for _ in range(3)]
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.sleep(0)
        first.cancel()
        return await last

    assert asyncio.run(asyncio.wait_for(all_of_them(), 5)) == "key of a"
    assert table.asked == ["a", "a"]


@pytest.mark.parametrize(
    ("key", "value", "found", "asked"),
    [
        # A key that was forgotten, one that was written, and another one, which is no reason to ask again.
        ("a", None, "new key of a", 2),
        ("a", "written", "written", 1),
        ("b", None, "key of a", 1),
    ],
)
def test_what_was_asked_before_a_write_is_no_answer_after_it(
    table: Table, key: str, value: str | None, found: str, asked: int
) -> None:
    async def all_of_them() -> tuple[str, str]:
        before = asyncio.ensure_future(table.look("a"))
        await asyncio.sleep(0)
        table.row = "new key of "
        table.write(table, key, value)
        after = await table.look("a")
        return await before, after

    assert asyncio.run(all_of_them()) == ("key of a", found)
    assert len(table.asked) == asked


def test_a_look_up_within_a_look_up_of_the_same_key_does_not_wait_for_itself(table: Table) -> None:
    table.within = lambda key: asyncio.gather(asyncio.ensure_future(table.look(key)))
    assert asyncio.run(asyncio.wait_for(table.look("a"), 5)) == "key of a"
    assert table.asked == ["a", "a"]


def test_each_event_loop_waits_for_its_own(table: Table) -> None:
    found = []

    def run() -> None:
        found.append(asyncio.run(together(table.look("a"), table.look("a"))))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert found == [["key of a"] * 2] * 4


def look_ups() -> None:
    """How often LiteLLM asks its database for one key, team, list and experiments that several ask for at once."""
    import asyncio
    from types import SimpleNamespace

    from litellm.integrations import shadow_eval_logger
    from litellm.proxy._types import LiteLLM_TeamTable, LiteLLM_VerificationTokenView
    from litellm.proxy.auth import auth_checks
    from litellm.proxy.auth.resolvers import store
    from litellm.proxy.common_utils.user_api_key_cache import UserApiKeyCache

    asked = []

    async def answer(what: str, value: object) -> object:
        asked.append(what)
        await asyncio.sleep(0.05)
        return value

    async def key(hashed_token: str, **_: object) -> object:
        return await answer("key", LiteLLM_VerificationTokenView(token=hashed_token, key_alias="alias"))

    async def team(team_id: str, **_: object) -> object:
        return await answer("team", LiteLLM_TeamTable(team_id=team_id, team_alias="alias"))

    async def tags() -> object:
        return await answer("tags", ("one", "two"))

    async def jobs(**_: object) -> object:
        return await answer("jobs", [])

    store.fetch_key_object_from_db_with_reconnect = key
    auth_checks._get_team_db_check = team
    cache, lock = UserApiKeyCache(), asyncio.Lock()
    prisma = SimpleNamespace(db=SimpleNamespace(litellm_shadowevaljob=SimpleNamespace(find_many=jobs)))
    logger = shadow_eval_logger.ShadowEvalLogger(prisma_provider=lambda: prisma)
    looks = {
        "key": lambda: store.IdentityStore(object(), cache)._resolve_key("a" * 64),
        "team": lambda: auth_checks.get_team_object("t", object(), cache),
        "team of the database": lambda: auth_checks.get_team_object("t", object(), cache, check_db_only=True),
        "list": lambda: auth_checks._load_bounded_registry("tags", "overflow", 10, lock, tags, cache),
        "experiments": logger._active_jobs,
    }

    async def at_once(look: Any) -> set[str]:
        found = await asyncio.gather(*(look() for _ in range(8)))
        return {str(getattr(one, "key_alias", None) or getattr(one, "team_alias", one)) for one in found}

    for name, look in looks.items():
        found = asyncio.run(at_once(look))
        print(f"{name}: {len(found)} found, asked {len(asked)} times")
        asked.clear()

    async def flushed_meanwhile() -> None:
        before = asyncio.ensure_future(looks["key"]())
        await asyncio.sleep(0.01)
        cache.flush_cache()
        await looks["key"]()
        await before

    cache.flush_cache()
    asyncio.run(flushed_meanwhile())
    print(f"flushed meanwhile: asked {len(asked)} times")


def test_litellm_asks_once_for_what_several_ask_for_at_once(litellm: Service) -> None:
    usual = litellm.run(look_ups, first=["diet", "diet_litellm"])
    shared = litellm.run(look_ups, first=["diet", "diet_litellm"], measures="shared_lookups")
    # Whoever wants the database's own word gets it. Of lists and experiments LiteLLM has a lock or none of its own.
    own = {"key": 8, "team": 8, "team of the database": 8, "list": 1, "experiments": 8}
    flushed = "flushed meanwhile: asked 2 times\n"
    assert usual == "".join(f"{name}: 1 found, asked {times} times\n" for name, times in own.items()) + flushed
    ours = {**own, "key": 1, "team": 1, "experiments": 1}
    assert shared == "".join(f"{name}: 1 found, asked {times} times\n" for name, times in ours.items()) + flushed


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (CACHE, "def flush_cache(self):", "def flush_cache(self, all=True):"),
        (STORE, "raise KeyNotInCacheError(hashed_token)", "raise KeyNotInCacheError(str(hashed_token))"),
        (CHECKS, "    async with load_lock:\n", "    async with load_lock as held:\n"),
        (JOBS, "    async def _active_jobs(self) -> Mapping", "    async def _active_jobs(self, all=True) -> Mapping"),
    ],
)
def test_what_looks_in_another_way_is_left_alone_with_a_warning(
    litellm: Service, path: str, old: str, new: str
) -> None:
    def find(name: str) -> None:
        import importlib.util

        import diet_litellm

        # It is looked at where it is found.
        spec = importlib.util.find_spec(name)
        print("found", type(getattr(spec, "loader", None)).__name__, diet_litellm.Lookups.watched)

    name = path.removesuffix(".py").replace("/", ".")
    options = {"first": ["diet", "diet_litellm"], "measures": "shared_lookups", "changed": {path: replaced(old, new)}}
    said = litellm.run(find, name, **options)
    assert f"WARNING: the diet's shared_lookups is skipped: @/{path} is not laid out as it was" in said
    assert f"found SourceFileLoader {path != CACHE}\n" in said
