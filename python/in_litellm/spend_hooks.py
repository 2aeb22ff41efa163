"""What the journal of spend changes in LiteLLM: where a request's callbacks are scheduled, and where what
they work out would be kept.

Each of LiteLLM's functions that is changed or called is looked at first: with another LiteLLM nothing is
changed. Caller: spend_journal.py.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import spend_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from spend_journal import Entry, Journal

    Function = Callable[..., Any]
    WithEntry = Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]


# What `update_database` has for the request that it is called for.
RECORD: ContextVar[dict[str, Any] | None] = ContextVar("spend_record", default=None)

# What is changed or called, with the parameters that are used.
EXPECTED = {
    ("litellm.litellm_core_utils.litellm_logging", "Logging", "async_success_handler"): (),
    ("litellm.litellm_core_utils.litellm_logging", "Logging", "dispatch_success_handlers"): (),
    ("litellm.litellm_core_utils.logging_worker", "LoggingWorker", "ensure_initialized_and_enqueue"): (
        "async_coroutine",
    ),
    ("litellm.proxy.hooks.proxy_track_cost_callback", "_ProxyDBLogger", "_PROXY_track_cost_callback"): (),
    ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", "update_database"): (),
    ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", "_insert_spend_log_to_db"): (
        "payload",
        "prisma_client",
        "llm_router",
    ),
    ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", "_batch_database_updates"): (
        "prisma_client",
        "payload",
    ),
    ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", "_commit_spend_updates_to_db"): (
        "prisma_client",
        "n_retry_times",
        "proxy_logging_obj",
        "db_spend_update_transactions",
    ),
    ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", "_commit_window_spend_updates"): (
        "prisma_client",
        "window_spend_transactions",
    ),
    ("litellm.proxy.db.db_transaction_queue.window_spend_update_queue", "WindowSpendUpdateQueue", "add_update"): (
        "update",
    ),
    **{
        ("litellm.proxy.db.db_spend_update_writer", "DBSpendUpdateWriter", write): (
            "prisma_client",
            "n_retry_times",
            "proxy_logging_obj",
            "daily_spend_transactions",
        )
        for write in spend_commit.DAYS.values()
    },
}


def found() -> dict[str, Any]:
    """The classes, by the names of their functions; an exception says what is not as it was."""
    owners = {}
    for (module, owner, name), parameters in EXPECTED.items():
        there = getattr(importlib.import_module(module), owner)
        has = inspect.signature(getattr(there, name)).parameters
        lacking = [parameter for parameter in parameters if parameter not in has]
        if lacking:
            raise AttributeError(f"{owner}.{name} takes no {lacking[0]}")
        owners[name] = there
    writer = owners["update_database"]()
    for queue in (*spend_commit.DAYS, "spend_update_queue", "window_spend_update_queue"):
        getattr(writer, queue)
    return owners


def install(journal: Journal, with_entry: WithEntry, running: ContextVar[Entry | None]) -> None:
    """Puts the journal between what LiteLLM works out and where it would keep it.

    `with_entry` is asked for each coroutine of a request's callbacks, and `running` has the entry whose
    callbacks are running.
    """
    owners = found()

    def around(name: str, make: Callable[[Function], Function]) -> Function:
        original: Function = getattr(owners[name], name)
        setattr(owners[name], name, functools.wraps(original)(make(original)))
        return original

    def scheduling(original: Function) -> Function:
        return lambda self, *arguments, **options: with_entry(original(self, *arguments, **options))

    def enqueueing(original: Function) -> Function:
        return lambda self, async_coroutine: original(self, async_coroutine=with_entry(async_coroutine))

    def tracking(original: Function) -> Function:
        async def tracked(self: Any, *arguments: Any, **options: Any) -> Any:
            entry = running.get()
            try:
                return await original(self, *arguments, **options)
            finally:
                if entry is not None:
                    entry.has_been_called()

        return tracked

    around("async_success_handler", scheduling)
    around("dispatch_success_handlers", scheduling)
    around("ensure_initialized_and_enqueue", enqueueing)
    around("_PROXY_track_cost_callback", tracking)
    insert = around("_insert_spend_log_to_db", lambda original: keeping_row(journal, original))
    around("_batch_database_updates", lambda original: recording(journal, original, insert))
    around("update_database", lambda original: updating(journal, original, insert))
    around("add_update", lambda original: adding_window(journal, original))


def keeping_row(journal: Journal, original: Function) -> Function:
    """The row goes with what the request adds to sums, which LiteLLM works out next."""

    async def inserted(
        self: Any, payload: Any, prisma_client: Any = None, llm_router: Any = None, **options: Any
    ) -> Any:
        record = RECORD.get()
        if journal.writer is None or record is None:
            return await original(self, payload, prisma_client=prisma_client, llm_router=llm_router, **options)
        record["row"], record["client"] = payload, prisma_client
        record["at once"] = is_read_back(payload, llm_router)
        return prisma_client

    return inserted


def is_read_back(payload: Any, llm_router: Any) -> bool:
    """Whether the next request may ask the database for this one's row."""
    try:
        from litellm.proxy.db.db_spend_update_writer import _turn_chains_through_the_db

        return bool(_turn_chains_through_the_db(payload, llm_router))
    except Exception:  # noqa: BLE001 - it is written a little later
        return False


def recording(journal: Journal, original: Function, insert: Function) -> Function:
    # Not a coroutine function: it is called before `update_database` ends, and its task runs later.
    def recorded(self: Any, **options: Any) -> Coroutine[Any, Any, None]:
        entry = journal.begin_record()
        return journal.record(entry, RECORD.get(), self, original, insert, options)

    return recorded


def updating(journal: Journal, original: Function, insert: Function) -> Function:
    async def updated(self: Any, *arguments: Any, **options: Any) -> Any:
        record: dict[str, Any] = {}
        token = RECORD.set(record)
        try:
            return await original(self, *arguments, **options)
        finally:
            RECORD.reset(token)
            if "row" in record and not record.get("taken"):
                # LiteLLM has failed in between, and has a row that nothing is counted for.
                await insert(self, record["row"], prisma_client=record["client"])

    return updated


def adding_window(journal: Journal, original: Function) -> Function:
    async def added(self: Any, update: Any) -> None:
        entry = journal.begin_record()
        try:
            await journal.append({"windows": [update]}, lambda: original(self, update))
        finally:
            journal.end_record(entry)

    return added
