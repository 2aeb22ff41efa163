//! Look-ups that are shared, by Python, on modules that begin as those that are installed.

use super::tests::run;

/// LiteLLM's cache, as far as it matters when something is written to it.
const CACHE: &str = "\
class InMemoryCache:
    def __init__(self):
        self.cache_dict = {}
    def _remove_key(self, key: str) -> None:
        self.cache_dict.pop(key, None)
    def set_cache(self, key, value, **kwargs):
        self.cache_dict[key] = value
    def delete_cache(self, key):
        self._remove_key(key)
    def flush_cache(self):
        self.cache_dict.clear()
cache = InMemoryCache()
";

/// The packages with a module of each of these paths and texts, which all have that cache.
fn litellm<'a>(cache: &'a str, modules: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    const INITS: [&str; 6] = [
        "litellm/__init__.py",
        "litellm/caching/__init__.py",
        "litellm/proxy/__init__.py",
        "litellm/proxy/auth/__init__.py",
        "litellm/proxy/auth/resolvers/__init__.py",
        "litellm/integrations/__init__.py",
    ];
    let mut files: Vec<_> = INITS.iter().map(|path| (*path, "")).collect();
    files.push(("litellm/caching/in_memory_cache.py", cache));
    files.extend_from_slice(modules);
    files
}

const STORE: &str = "\
import asyncio
from litellm.caching.in_memory_cache import cache as memory
class UserAPIKeyAuth: pass
class KeyNotInCacheError(Exception): pass
asked = []
row = 'key of '
class Cache:
    async def async_get_cache(self, key, model_type):
        return memory.cache_dict.get(key)
async def cache_key_object(hashed_token, value):
    memory.set_cache(hashed_token, value)
class IdentityStore:
    def __init__(self, check_cache_only=False):
        self._check_cache_only = check_cache_only
        self._cache = Cache()

    async def _resolve_key(self, hashed_token: str) -> UserAPIKeyAuth:
        cached = await self._cache.async_get_cache(key=hashed_token, model_type=UserAPIKeyAuth)
        if cached is not None:
            return cached
        if self._check_cache_only:
            raise KeyNotInCacheError(hashed_token)
        asked.append(hashed_token)
        value = row + hashed_token
        await asyncio.sleep(0.01)
        if hashed_token.startswith('no'):
            raise ValueError(hashed_token)
        await cache_key_object(
            hashed_token=hashed_token,
            value=value,
        )
        return value
";

fn keys(store: &str, measures: &str, script: &str) -> String {
    keys_by(CACHE, store, measures, script)
}

fn keys_by(cache: &str, store: &str, measures: &str, script: &str) -> String {
    let files = litellm(cache, &[("litellm/proxy/auth/resolvers/store.py", store)]);
    let before = "import diet_litellm, asyncio, threading
from litellm.proxy.auth.resolvers import store
from litellm.proxy.auth.resolvers.store import *
def look(token, **options):
    return IdentityStore(**options)._resolve_key(token)
def together(*looks):
    async def all():
        return await asyncio.gather(*looks, return_exceptions=True)
    return [repr(one) for one in asyncio.run(all())]
";
    run(&files, measures, &format!("{before}{script}"))
}

const TOGETHER: &str = "print(*together(*(look('a') for _ in range(64)), look('b'))[63:])
print(*asked)";

#[test]
fn those_who_miss_the_same_key_wait_for_the_first_to_fetch_it() {
    let found = "'key of a' 'key of b'\n";
    let each = "a ".repeat(64);
    assert_eq!(keys(STORE, "", TOGETHER), format!("{found}{each}b\n"));
    assert_eq!(
        keys(STORE, "shared_lookups", TOGETHER),
        format!("{found}a b\n")
    );
}

#[test]
fn a_look_at_the_cache_alone_waits_for_nobody() {
    let script = "print(*together(look('a'), look('a', check_cache_only=True)), *asked)";
    assert_eq!(
        keys(STORE, "shared_lookups", script),
        "'key of a' KeyNotInCacheError('a') a\n"
    );
}

#[test]
fn where_the_first_fails_the_others_ask_for_themselves() {
    let script = "print(*together(look('no'), look('no'), look('no')), *asked)
print(*together(look('no'), look('a')))";
    let no = "ValueError('no')";
    assert_eq!(
        keys(STORE, "shared_lookups", script),
        format!("{no} {no} {no} no no no\n{no} 'key of a'\n")
    );
}

#[test]
fn whoever_hangs_up_leaves_the_others_waiting_for_nothing() {
    let script = "async def all():
    first, waits, last = [asyncio.ensure_future(look('a')) for _ in range(3)]
    await asyncio.sleep(0)
    waits.cancel()
    await asyncio.sleep(0)
    first.cancel()
    return await last
print(asyncio.run(asyncio.wait_for(all(), 5)), *asked)";
    assert_eq!(keys(STORE, "shared_lookups", script), "key of a a a\n");
}

/// A request that comes when the database has another answer since, after one that asked before.
fn after(write: &str) -> String {
    format!(
        "async def all():
    before = asyncio.ensure_future(look('a'))
    await asyncio.sleep(0)
    store.row = 'new key of '
    {write}
    after = await look('a')
    return await before, after
print(*asyncio.run(all()), len(asked))"
    )
}

#[test]
fn what_was_asked_before_a_write_is_no_answer_after_it() {
    for write in ["memory.delete_cache('a')", "memory.flush_cache()"] {
        for measures in ["", "shared_lookups"] {
            let said = keys(STORE, measures, &after(write));
            assert_eq!(said, "key of a new key of a 2\n", "{write} {measures}");
        }
    }
    let write = "memory.set_cache('a', 'written')";
    assert_eq!(
        keys(STORE, "shared_lookups", &after(write)),
        "key of a written 1\n"
    );
    // Nothing was written to that key, so the one may wait for the other.
    assert_eq!(
        keys(STORE, "shared_lookups", &after("memory.delete_cache('b')")),
        "key of a key of a 1\n"
    );
}

#[test]
fn a_look_up_within_a_look_up_of_the_same_key_does_not_wait_for_itself() {
    let store = STORE.replace(
        "        value = row",
        "        if len(asked) == 1:
            await asyncio.gather(asyncio.ensure_future(self._resolve_key(hashed_token)))
        value = row",
    );
    for measures in ["", "shared_lookups"] {
        let script = "print(asyncio.run(asyncio.wait_for(look('a'), 5)), *asked)";
        assert_eq!(keys(&store, measures, script), "key of a a a\n");
    }
}

#[test]
fn each_event_loop_waits_for_its_own() {
    let script = "found = []
def run():
    async def both():
        return await asyncio.gather(look('a'), look('a'))
    found.append(asyncio.run(both()))
threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join(5)
print(found)";
    let two = "['key of a', 'key of a']";
    assert_eq!(
        keys(STORE, "shared_lookups", script),
        format!("[{two}, {two}, {two}, {two}]\n")
    );
}

#[test]
fn nobody_waits_for_anybody_where_writes_are_not_seen() {
    let cache = CACHE.replace("def flush_cache(self):", "def flush_cache(self, all=True):");
    let said = keys_by(&cache, STORE, "shared_lookups", TOGETHER);
    assert!(said.contains("a a a a"), "{said}");
    let warning = "WARNING: the diet's shared_lookups is skipped: \
                   @/litellm/caching/in_memory_cache.py is not laid out as it was";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn a_store_with_another_way_of_looking_is_left_alone_with_a_warning() {
    let store = STORE.replace("raise KeyNotInCacheError(hashed_token)", "return None");
    let said = keys(&store, "shared_lookups", TOGETHER);
    assert!(said.contains("a a a a"), "{said}");
    let warning = "WARNING: the diet's shared_lookups is skipped: \
                   @/litellm/proxy/auth/resolvers/store.py is not laid out as it was";
    assert!(said.contains(warning), "{said}");
}

const CHECKS: &str = "\
import asyncio
from typing import Final
PrismaClient = UserApiKeyCache = Span = ProxyLogging = LiteLLM_TeamTableCachedObj = str
Callable = dict
Awaitable = list
asked = []
cache = {}
async def get_team_object_from_cache(
    key,
):
    return cache.get(key)

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

    # check if in cache
    key: Final = f\"team_id:{team_id}\"
    if not check_db_only:
        cached_team_obj: Final = await get_team_object_from_cache(
            team_id)
        if cached_team_obj or check_cache_only:
            return cached_team_obj
    asked.append(team_id)
    await asyncio.sleep(0.01)
    cache[team_id] = 'team ' + team_id
    return cache[team_id]

lock = asyncio.Lock()

async def _load_bounded_registry(
    cache_key: str,
    overflow_sentinel: str,
    max_size: int,
    load_lock: asyncio.Lock,
    fetch_ids: Callable[[], Awaitable[tuple[str, ...]]],
    user_api_key_cache: UserApiKeyCache,
) -> frozenset[str] | None:
    if cache_key in cache:
        return cache[cache_key]
    locked.append(load_lock.locked())
    async with load_lock:
        await asyncio.sleep(0)
        cache[cache_key] = 'list ' + cache_key
        return cache[cache_key]
locked = []
";

#[test]
fn teams_and_lists_are_shared_in_the_same_way() {
    let files = litellm(CACHE, &[("litellm/proxy/auth/auth_checks.py", CHECKS)]);
    let script = "import diet_litellm, asyncio, litellm.caching.in_memory_cache
from litellm.proxy.auth import auth_checks as checks
def team(**options):
    return checks.get_team_object(team_id='t', prisma_client=None, user_api_key_cache=None, **options)
def list_of_tags():
    return checks._load_bounded_registry('tags', '', 1, checks.lock, None, user_api_key_cache=None)
async def all(*looks):
    return await asyncio.gather(*looks)
print(asyncio.run(all(team(), team(), team(check_cache_only=True), team(check_db_only=True))), checks.asked)
print(asyncio.run(all(list_of_tags(), list_of_tags(), list_of_tags())), checks.locked)";
    let teams = "['team t', 'team t', None, 'team t']";
    let lists = "['list tags', 'list tags', 'list tags']";
    assert_eq!(
        run(&files, "", script),
        format!("{teams} ['t', 't', 't']\n{lists} [False, True, True]\n")
    );
    // Whoever wants the database's own word gets it.
    assert_eq!(
        run(&files, "shared_lookups", script),
        format!("{teams} ['t', 't']\n{lists} [False]\n")
    );
}

const JOBS: &str = "\
import asyncio
from typing import Final, Mapping
class CustomLogger: pass
_JOBS_CACHE_KEY = 'jobs'
asked = []
class Cache(dict):
    async def async_get_cache(self, key):
        return self.get(key)
    async def async_set_cache(self, key, value):
        self[key] = value

class ShadowEvalLogger(CustomLogger):
    _jobs_cache = Cache()

    async def _active_jobs(self) -> Mapping[str, str]:
        cached: Final = await self._jobs_cache.async_get_cache(_JOBS_CACHE_KEY)
        if cached is not None:
            return cached
        if True:
            asked.append('jobs')
            await asyncio.sleep(0.01)
            jobs = {}
            await self._jobs_cache.async_set_cache(_JOBS_CACHE_KEY, jobs)
            return jobs
";

#[test]
fn the_list_of_experiments_is_read_once() {
    let files = litellm(
        CACHE,
        &[("litellm/integrations/shadow_eval_logger.py", JOBS)],
    );
    let script = "import diet_litellm, asyncio, litellm.caching.in_memory_cache
from litellm.integrations import shadow_eval_logger as module
logger = module.ShadowEvalLogger()
async def all():
    return await asyncio.gather(*(logger._active_jobs() for _ in range(3)))
print(asyncio.run(all()), *module.asked)";
    assert_eq!(run(&files, "", script), "[{}, {}, {}] jobs jobs jobs\n");
    assert_eq!(run(&files, "shared_lookups", script), "[{}, {}, {}] jobs\n");
}
