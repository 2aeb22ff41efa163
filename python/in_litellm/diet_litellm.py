"""What makes LiteLLM alone small and quick to start; see diet.py, which it is imported after.

Each measure is a finder that changes how modules are executed, after it looked at their source.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import json
import os
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from diet import Around, take

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from diet import Spec, Steps

    LookUp = Callable[..., Awaitable[Any]]


class LazyTokenizer(Around):
    """Lets LiteLLM read Anthropic's vocabulary, 26 MB once it is parsed, when it first counts by it."""

    key = "lazy_tokenizer"
    modules = frozenset({"litellm.utils"})
    FILE = "anthropic_tokenizer.json"
    EXPECTED: ClassVar[dict[str, int]] = {
        "\n        json_data = json.load(f)\n": 2,
        "\nclaude_json_str = json.dumps(json_data)\n": 1,
        "json_data": 3,
        "claude_json_str": 1,
        FILE: 2,
    }

    def change(self, spec: Spec, source: str) -> bool:
        self.file = os.path.join(os.path.dirname(spec.origin), "litellm_core_utils", "tokenizers", self.FILE)
        return super().change(spec, source) and os.path.exists(self.file)

    def around(self, module: Any) -> Steps:
        load, dumps = json.load, json.dumps
        nothing: dict[str, Any] = {}

        def load_later(file: Any, *arguments: Any, **options: Any) -> Any:
            if os.path.basename(str(getattr(file, "name", ""))) == self.FILE:
                return nothing
            return load(file, *arguments, **options)

        def dump_later(value: Any, *arguments: Any, **options: Any) -> str:
            return "" if value is nothing else dumps(value, *arguments, **options)

        replaced: Any = json
        replaced.load, replaced.dumps = load_later, dump_later
        try:
            yield
        finally:
            replaced.load, replaced.dumps = load, dumps
        del module.json_data, module.claude_json_str
        others = module.__dict__.get("__getattr__")

        def __getattr__(name: str) -> Any:
            if name in ("json_data", "claude_json_str"):
                with open(self.file, encoding="utf-8") as file:
                    data = json.load(file)
                module.__dict__[name] = data if name == "json_data" else json.dumps(data)
                return module.__dict__[name]
            if others is not None:
                return others(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__getattr__ = __getattr__


class Lookups:
    """Those under way that others may wait for, by the key that their answer will have in the cache."""

    under_way: ClassVar[dict[Hashable, tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}
    # Whether a write to the cache is noticed; as long as it is not, nobody waits for anybody.
    watched = False
    # The keys of the look-ups that a task is within: it must not wait for itself.
    within: ClassVar[contextvars.ContextVar[frozenset[Hashable]]] = contextvars.ContextVar(
        "within", default=frozenset()
    )


def one_at_a_time(look_up: LookUp, key_of: Callable[..., Hashable]) -> LookUp:
    """Has a look-up wait for one of the same key that is under way in the same event loop.

    `key_of` makes the key of the look-up's arguments: None where it is not to wait. Whoever waited looks
    by itself then, and finds in the cache what the first has put there, or, when the first failed, asks
    the database as it would have without us.
    """

    @functools.wraps(look_up)
    async def wrapped(*arguments: Any, **options: Any) -> Any:
        key = key_of(*arguments, **options)
        within = Lookups.within.get()
        if key is None or key in within or not Lookups.watched:
            return await look_up(*arguments, **options)
        loop = asyncio.get_running_loop()
        if key in Lookups.under_way:
            whose, ended = Lookups.under_way[key]
            if whose is loop:
                await ended.wait()
            return await look_up(*arguments, **options)
        ended = asyncio.Event()
        own = Lookups.under_way[key] = (loop, ended)
        Lookups.within.set(within | {key})
        try:
            return await look_up(*arguments, **options)
        finally:
            Lookups.within.set(within)
            if Lookups.under_way.get(key) is own:
                Lookups.under_way.pop(key, None)
            ended.set()

    return wrapped


def ends_sharing(change: Callable[..., None]) -> Callable[..., None]:
    """A change of one key in a cache, after which nobody waits for an older look-up of it."""

    @functools.wraps(change)
    def wrapped(self: Any, key: Hashable, *arguments: Any, **options: Any) -> Any:
        change(self, key, *arguments, **options)
        Lookups.under_way.pop(key, None)

    return wrapped


class SharedUntilWritten(Around):
    """Lets nobody wait any more for a look-up whose key was written or forgotten in a cache meanwhile.

    What it asked the database for may be older than that, and a request that comes after a key was
    blocked is to find it blocked.
    """

    key = "shared_lookups"
    modules = frozenset({"litellm.caching.in_memory_cache"})
    EXPECTED: ClassVar[dict[str, int]] = {
        "    def set_cache(self, key, value, **kwargs):\n": 1,
        "    def delete_cache(self, key):\n": 1,
        "    def flush_cache(self):\n": 1,
        "    def _remove_key(self, key: str) -> None:\n": 1,
    }

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        cache = module.InMemoryCache
        cache.set_cache, cache.delete_cache = ends_sharing(cache.set_cache), ends_sharing(cache.delete_cache)
        flush_cache = cache.flush_cache

        @functools.wraps(flush_cache)
        def flush_and_end(self: Any) -> None:
            flush_cache(self)
            Lookups.under_way.clear()

        cache.flush_cache = flush_and_end
        Lookups.watched = True


class SharedKeys(Around):
    """Lets requests that miss the same key in LiteLLM's cache wait for the first to fetch it.

    A key is looked up once a minute and then kept. Where 64 requests are under way with it at that
    moment each would ask the database, and all would be answered a second later.
    """

    key = "shared_lookups"
    modules = frozenset({"litellm.proxy.auth.resolvers.store"})
    EXPECTED: ClassVar[dict[str, int]] = {
        "\nclass IdentityStore:\n": 1,
        "    async def _resolve_key(self, hashed_token: str) -> UserAPIKeyAuth:\n": 1,
        "self._cache.async_get_cache(key=hashed_token,": 1,
        "        if self._check_cache_only:\n            raise KeyNotInCacheError(hashed_token)\n": 1,
        "        await cache_key_object(\n            hashed_token=hashed_token,\n": 1,
    }

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        store = module.IdentityStore
        store._resolve_key = one_at_a_time(
            store._resolve_key, lambda self, hashed_token: None if self._check_cache_only else hashed_token
        )


class SharedTeams(Around):
    """The same for the team of a key, and for the lists that LiteLLM keeps of groups and tags.

    Of such a list LiteLLM has a lock, whose waiters are woken one in each turn of the event loop.
    """

    key = "shared_lookups"
    modules = frozenset({"litellm.proxy.auth.auth_checks"})
    EXPECTED: ClassVar[dict[str, int]] = {
        """
async def get_team_object(
    team_id: str,
    prisma_client: PrismaClient | None,
    user_api_key_cache: UserApiKeyCache,
    parent_otel_span: Span | None = None,
    proxy_logging_obj: ProxyLogging | None = None,
    check_cache_only: bool | None = None,
    check_db_only: bool | None = None,
    team_id_upsert: bool | None = None,
) -> LiteLLM_TeamTableCachedObj:
""": 1,
        '\n    # check if in cache\n    key: Final = f"team_id:{team_id}"\n': 1,
        "        cached_team_obj: Final = await get_team_object_from_cache(\n": 1,
        """
async def _load_bounded_registry(
    cache_key: str,
    overflow_sentinel: str,
    max_size: int,
    load_lock: asyncio.Lock,
    fetch_ids: Callable[[], Awaitable[tuple[str, ...]]],
    user_api_key_cache: UserApiKeyCache,
) -> frozenset[str] | None:
""": 1,
        "    async with load_lock:\n": 1,
    }

    @staticmethod
    def around(module: Any) -> Steps:
        yield

        def team(
            team_id: str,
            *positional: Any,
            check_cache_only: bool | None = None,
            check_db_only: bool | None = None,
            **_options: Any,
        ) -> str | None:
            apart = check_cache_only or check_db_only or len(positional) > 4
            return None if apart else f"team_id:{team_id}"

        def registry(cache_key: str, *_positional: Any, **_options: Any) -> str:
            return cache_key

        module.get_team_object = one_at_a_time(module.get_team_object, team)
        module._load_bounded_registry = one_at_a_time(module._load_bounded_registry, registry)


class SharedJobs(Around):
    """The same for LiteLLM's list of the experiments under way, which each chat's end asks for."""

    key = "shared_lookups"
    modules = frozenset({"litellm.integrations.shadow_eval_logger"})
    EXPECTED: ClassVar[dict[str, int]] = {
        "\nclass ShadowEvalLogger(CustomLogger):\n": 1,
        "    async def _active_jobs(self) -> Mapping": 1,
        "        cached: Final = await self._jobs_cache.async_get_cache(_JOBS_CACHE_KEY)\n": 1,
        "            await self._jobs_cache.async_set_cache(_JOBS_CACHE_KEY, jobs)\n": 1,
    }

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        logger = module.ShadowEvalLogger
        logger._active_jobs = one_at_a_time(logger._active_jobs, lambda self: self)


class LazyGuardrails(Around):
    """Leaves the registry of guardrails, which imports all kinds of them, until there is one.

    LiteLLM asks its database for guardrails at its start and every so often. As long as nobody else has
    imported the registry and there is none in the database, there is nothing that it could do.
    """

    key = "lazy_guardrails"
    modules = frozenset({"litellm.proxy.proxy_server"})
    REGISTRY = "litellm.proxy.guardrails.guardrail_registry"
    EXPECTED: ClassVar[dict[str, int]] = {
        """
    async def _init_guardrails_in_db(self, prisma_client: PrismaClient):
        from litellm.proxy.guardrails.guardrail_registry import (
            GUARDRAIL_RECONCILE_LOCK,
            IN_MEMORY_GUARDRAIL_HANDLER,
            Guardrail,
            GuardrailRegistry,
        )

        try:
            async with GUARDRAIL_RECONCILE_LOCK:
                guardrails_in_db: Final[list[Guardrail]] = await GuardrailRegistry.get_all_guardrails_from_db(
""": 1,
        """
                # Drop in-memory DB-backed entries whose row was deleted on another
                # pod. Config-loaded entries are never touched.
                IN_MEMORY_GUARDRAIL_HANDLER.reconcile_db_guardrails(db_guardrail_ids=db_guardrail_ids)
        except Exception as e:
            verbose_proxy_logger.exception("litellm.proxy.proxy_server.py::ProxyConfig:_init_guardrails_in_db - %s", e)

    async def _init_policies_in_db(""": 1,
    }

    @classmethod
    def around(cls, module: Any) -> Steps:
        yield
        config = module.ProxyConfig
        all_of_them = config._init_guardrails_in_db

        async def _init_guardrails_in_db(self: Any, prisma_client: Any) -> None:
            if cls.REGISTRY in sys.modules or await some_in(prisma_client):
                await all_of_them(self, prisma_client=prisma_client)

        config._init_guardrails_in_db = _init_guardrails_in_db


async def some_in(prisma_client: Any) -> bool:
    """Whether there are guardrails in the database, or it cannot be asked."""
    try:
        return await prisma_client.db.litellm_guardrailstable.find_first() is not None
    except Exception:  # noqa: BLE001 - LiteLLM runs into it as well, and says so
        return True


take(LazyTokenizer, SharedUntilWritten, SharedKeys, SharedTeams, SharedJobs, LazyGuardrails)
