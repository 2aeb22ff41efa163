"""What the journal has goes into the database: rows and all sums in one transaction.

LiteLLM writes rows and sums apart: the sums of keys, teams and users that are being written when the
database goes away are lost, while their rows are written later. Here a batch of the journal's records
is one transaction, in which the place in the journal moves on too (table `ai_gateway.spend_journal`).
So a batch whose fate is unknown is simply tried again: it is applied once or not at all.

How a sum is written stays LiteLLM's business: its own functions are called, on a client whose
transactions are all that one. Callers: spend_journal.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import time
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import model_spend
import own_tables
import spend_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping, Sequence

    from spend_file import Entry, File, Record

    T = TypeVar("T")
    # A row of LiteLLM's table, as LiteLLM would write it.
    Row = dict[str, Any]


# Records that come within this time go together. LiteLLM's own writes are as far apart as
# `proxy_batch_write_at` says.
TOGETHER_SECONDS = 2
# Of one transaction: reading and writing its rows holds up every request.
BATCH_RECORDS = 50
BATCH_BYTES = 512 << 10
RETRY_SECONDS = (0.5, 1, 2, 5)
TRANSACTION = timedelta(seconds=60)
# A batch that fails so often while the database answers is halved, and a single record set aside.
PATIENCE = 3
# A record that cannot be counted holds up those behind it for so long at most: a lock may be held for
# minutes, and an error of it looks like one of the record.
GIVE_UP_SECONDS = 600
# What is written of a record.
WHOLE = ("row", "sums")

# A question to an engine that has been replaced may never be answered. What is given up is asked again.
ANSWER_SECONDS = 30


async def within(seconds: float, asking: Coroutine[Any, Any, T]) -> T:
    """What is asked, or a TimeoutError; without waiting for how what was given up ends."""
    task = asyncio.ensure_future(asking)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        raise TimeoutError(f"the database has not answered within {seconds} s")
    return task.result()


TABLES = (
    own_tables.SCHEMA,
    "CREATE TABLE IF NOT EXISTS ai_gateway.spend_journal"
    " (journal text PRIMARY KEY, applied bigint NOT NULL, changed timestamptz NOT NULL DEFAULT now())",
    model_spend.TABLE,
)
# Of files that were lost with their folder. One that is there may be as old, since the machine was off or
# its clock was wrong, and would be counted again without its place.
FORGET_LOST = (
    "DELETE FROM ai_gateway.spend_journal WHERE changed < now() - interval '90 days'"
    " AND journal NOT IN (SELECT jsonb_array_elements_text($1::text::jsonb))"
)
# Locks the place until the transaction ends: no two processes replay one file at once.
TAKE_PLACE = (
    "INSERT INTO ai_gateway.spend_journal AS place (journal, applied) VALUES ($1, 0)"
    " ON CONFLICT (journal) DO UPDATE SET changed = now() RETURNING applied::text"
)
MOVE_PLACE = "UPDATE ai_gateway.spend_journal SET applied = greatest(applied, $2::text::bigint) WHERE journal = $1"
FORGET_PLACE = "DELETE FROM ai_gateway.spend_journal WHERE journal = $1"
IDS = (
    'SELECT request_id, litellm_call_id FROM "LiteLLM_SpendLogs"'
    " WHERE request_id IN (SELECT jsonb_array_elements_text($1::text::jsonb))"
)

# The queues that LiteLLM has for the sums of days, and what writes each.
DAYS = {
    "daily_spend_update_queue": "update_daily_user_spend",
    "daily_team_spend_update_queue": "update_daily_team_spend",
    "daily_org_spend_update_queue": "update_daily_org_spend",
    "daily_end_user_spend_update_queue": "update_daily_end_user_spend",
    "daily_agent_spend_update_queue": "update_daily_agent_spend",
    "daily_tag_spend_update_queue": "update_daily_tag_spend",
}


def id_of_call(row: Row) -> str:
    return f"{row['request_id']}_{row.get('litellm_call_id')}"


def possible_ids(rows: list[Row]) -> list[str]:
    """Each id that `rows_with_own_ids` may give to a row: it has to know which of them are taken."""
    return [own for row in rows for own in (row["request_id"], id_of_call(row))]


def rows_with_own_ids(rows: list[Row], taken: Mapping[str, str | None]) -> list[Row]:
    """The rows to write, each with an id that no other row has; `taken` is call ids by taken ids.

    The id of a row is that of the provider's answer, and some providers give every answer the same
    one. The later row keeps it in front of its call's own id, and in its metadata. LiteLLM may record
    one call twice: its second row is left out, as LiteLLM does.
    """
    taken, kept = dict(taken), []
    for row in rows:
        own, call = row["request_id"], row.get("litellm_call_id")
        if call and id_of_call(row) in taken:
            continue
        if own in taken:
            if not call or taken[own] == call:
                continue
            own = id_of_call(row)
            row = {**row, "request_id": own, "metadata": naming(row["request_id"], row.get("metadata"))}
        taken[own] = call
        kept.append(row)
    return kept


def naming(provider_id: str, metadata: str | None) -> str | None:
    try:
        known = json.loads(metadata or "{}")
        return json.dumps({**known, "provider_response_id": provider_id})
    except (TypeError, ValueError):
        return metadata


class OnlyATrial(Exception):
    """Undoes a transaction that was to show whether the database takes what is in it."""


class InTransaction:
    """Stands for LiteLLM's client and for its `db`: every transaction that is begun is the one that is open."""

    def __init__(self, client: Any, transaction: Any) -> None:
        self.client, self.transaction = client, transaction
        self.db = self

    def tx(self, **_: object) -> Self:
        return self

    async def __aenter__(self) -> Any:
        return self.transaction

    async def __aexit__(self, *_: object) -> Literal[False]:
        return False

    def jsonify_object(self, data: Any) -> Any:
        return self.client.jsonify_object(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transaction, name)


class Database:
    """LiteLLM's database, by LiteLLM's client and functions."""

    def __init__(self, proxy_server: Any, folder: str) -> None:
        self.proxy_server, self.folder = proxy_server, folder
        self.has_places = False

    @property
    def client(self) -> Any:
        return self.proxy_server.prisma_client

    async def answers(self) -> bool:
        try:
            await within(10, self.client.db.query_raw("SELECT 1"))
        except Exception:  # noqa: BLE001 - whatever it is, it does not answer
            return False
        return True

    async def apply(
        self,
        journal: str,
        batch: Sequence[Entry],
        parts: Collection[str] = WHOLE,
        last: Callable[[list[Record]], None] | None = None,
    ) -> list[Record]:
        """Writes the records that the database does not have, and where the journal is now.

        Of a record its `parts` are written, "row" and "sums". `last` is given the records before the
        commit, and undoes everything by an error of its own.
        """
        if not self.has_places:
            await own_tables.make(self.client.db, TABLES)
            await self.client.db.execute_raw(FORGET_LOST, json.dumps(spend_file.names(self.folder)))
            await self.client.db.execute_raw(model_spend.FORGET)
            self.has_places = True
        async with self.client.db.tx(max_wait=TRANSACTION, timeout=TRANSACTION) as transaction:
            [place] = await transaction.query_raw(TAKE_PLACE, journal)
            records = [record for end, record in batch if end > int(place["applied"])]
            if records:
                there = InTransaction(self.client, transaction)
                if "row" in parts:
                    await self.write_rows(there, [record["row"] for record in records if record.get("row")])
                if "sums" in parts:
                    await self.write_sums(there, records)
                await transaction.execute_raw(MOVE_PLACE, journal, str(batch[-1][0]))
                if last:
                    last(records)
        return records

    async def write_rows(self, there: InTransaction, rows: list[Row]) -> None:
        from litellm.proxy import utils
        from litellm.proxy.spend_tracking import spend_tracking_utils
        from litellm.repositories.table_repositories import SpendLogsRepository

        if not rows:
            return
        found = await there.query_raw(IDS, json.dumps(possible_ids(rows)))
        taken = {row["request_id"]: row["litellm_call_id"] for row in found}
        retained = spend_tracking_utils.configured_spend_logs_metadata_fields()
        kept = [
            there.jsonify_object(spend_tracking_utils.spend_log_row_with_retained_metadata(row, retained))
            for row in rows_with_own_ids(rows, taken)
        ]
        table = SpendLogsRepository(there).table
        for some in utils.spend_log_write_batches(
            kept, utils.SPEND_LOG_WRITE_BATCH_MAX_BYTES, utils.SPEND_LOG_WRITE_BATCH_MAX_ROWS
        ):
            await table.create_many(data=some)

    async def write_sums(self, there: InTransaction, records: list[Record]) -> None:
        from litellm.proxy._types import Litellm_EntityType, SpendUpdateQueueItem
        from litellm.proxy.db.db_transaction_queue.daily_spend_update_queue import DailySpendUpdateQueue
        from litellm.proxy.db.db_transaction_queue.spend_update_queue import SpendUpdateQueue
        from litellm.proxy.db.db_transaction_queue.window_spend_update_queue import WindowSpendUpdateQueue

        logging = self.proxy_server.proxy_logging_obj
        writer = logging.db_spend_update_writer
        # The whole batch is tried again, and not a part of it.
        how = {"n_retry_times": 0, "prisma_client": there, "proxy_logging_obj": logging}
        items = [
            SpendUpdateQueueItem(entity_type=Litellm_EntityType(kind), entity_id=of, response_cost=cost)
            for record in records
            for kind, of, cost in record.get("sums", ())
        ]
        sums = SpendUpdateQueue().get_aggregated_db_spend_update_transactions(items)
        await writer._commit_spend_updates_to_db(db_spend_update_transactions=sums, **how)
        await model_spend.add(there, records)
        days: dict[str, list[Any]] = defaultdict(list)
        for record in records:
            for queue, updates in record.get("days", {}).items():
                days[queue] += updates
        for queue, write in DAYS.items():
            if queue in days:
                together = DailySpendUpdateQueue.get_aggregated_daily_spend_update_transactions(days[queue])
                await getattr(writer, write)(daily_spend_transactions=together, **how)
        windows = [record["windows"] for record in records if record.get("windows")]
        if windows:
            await writer._commit_window_spend_updates(
                prisma_client=there,
                window_spend_transactions=WindowSpendUpdateQueue.get_aggregated_window_spend_transactions(windows),
            )

    async def after(self, records: list[Record]) -> None:
        """What LiteLLM does with rows once they are written, and what no sum depends on."""
        from litellm.proxy.guardrails.usage_tracking import process_spend_logs_guardrail_usage

        rows = [record["row"] for record in records if record.get("row")]
        try:
            await process_spend_logs_guardrail_usage(prisma_client=self.client, logs_to_process=rows)
        except Exception as error:  # noqa: BLE001 - statistics
            print(f"WARNING: the use of guardrails was not counted: {error!r}", flush=True)

    async def forget(self, journal: str) -> None:
        try:
            await self.client.db.execute_raw(FORGET_PLACE, journal)
        except Exception as error:  # noqa: BLE001 - a later start removes it
            print(f"WARNING: a journal's place is left in the database: {error}", flush=True)


class Committer:
    """Takes files, oldest first, until the database has all of each. The one task that does so runs
    while the application does; `own` is the file that is still appended to, which is not removed."""

    def __init__(self, database: Database, own: Callable[[], File | None] = lambda: None) -> None:
        self.database, self.own = database, own
        # What has come since the last turn, and what this turn is about.
        self.fresh: list[File] = []
        self.files: list[File] = []
        self.changed = asyncio.Event()
        self.at_once = asyncio.Event()
        self.all_done = asyncio.Event()
        self.failures, self.most = 0, BATCH_RECORDS
        # The record that holds up others, and since when.
        self.stuck: tuple[tuple[str, int] | None, float] = None, 0
        # By kind of message: when one was printed last.
        self.said: dict[str, float] = {}

    def take(self, file: File) -> None:
        if file not in self.fresh:
            self.fresh.append(file)
        self.all_done.clear()
        self.changed.set()

    async def run(self) -> None:
        while True:
            await self.changed.wait()
            if not self.at_once.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.at_once.wait(), TOGETHER_SECONDS)
            self.changed.clear()
            self.at_once.clear()
            await self.commit()

    async def commit(self) -> None:
        self.files, self.fresh = self.fresh, []
        while self.files:
            file = self.files[0]
            try:
                done = file.removed or await self.some_of(file)
            except Exception as error:  # noqa: BLE001 - tried again until it works
                await self.go_on_after(error)
                continue
            self.failures = 0
            if done:
                self.files.remove(file)
        if not self.fresh:
            self.all_done.set()

    async def some_of(self, file: File) -> bool:
        """Commits the next records of a file, and says whether those were the last for this turn."""
        durable = file.end
        records, end, damaged = file.read(BATCH_BYTES)
        if damaged:
            self.keep_damaged(file)
        batch = records[: self.most]
        if batch:
            written = await within(ANSWER_SECONDS, self.database.apply(file.name, batch))
            file.committed = batch[-1][0]
            try:
                await within(ANSWER_SECONDS, self.database.after(written))
            except TimeoutError as error:
                print(f"WARNING: the use of guardrails was not counted: {error}", flush=True)
            self.most = BATCH_RECORDS
            # What is appended meanwhile waits for others, and not each record for a transaction.
            return file is self.own() and file.committed >= durable
        if end > file.committed:
            file.committed = end
            return False
        if file is not self.own():
            # In this order: a file whose place is forgotten would be replayed from its beginning.
            file.remove()
            # A later start removes it.
            with contextlib.suppress(TimeoutError):
                await within(ANSWER_SECONDS, self.database.forget(file.name))
        return True

    def keep_damaged(self, file: File) -> None:
        kept = file.path + ".damaged"
        if not os.path.exists(kept):
            os.link(file.path, kept)
            print(f"WARNING: {file.path} has lines that are not whole: kept as {kept}", flush=True)

    async def go_on_after(self, error: BaseException) -> None:
        """Nothing ends the one task that commits: what it leaves behind waits for the next start."""
        try:
            await self.failed(error)
        except Exception as again:  # noqa: BLE001 - whatever it is, the next turn tries again
            self.say("ERROR", f"spend stays in the journal: {again!r}, after {error!r}")
            await asyncio.sleep(RETRY_SECONDS[-1])

    def say(self, kind: str, text: str) -> None:
        """Once a minute, as it may be tried again every few seconds."""
        now = time.monotonic()
        if now - self.said.get(kind, -60) >= 60:
            self.said[kind] = now
            print(f"{kind}: {text}", flush=True)

    async def failed(self, error: BaseException) -> None:
        """After a failure: waits for the database, or makes the batch smaller until the bad record is alone."""
        if await self.database.answers():
            self.failures += 1
        self.say("WARNING", f"spend is in the journal and not in the database yet: {error}")
        if self.failures < PATIENCE:
            await asyncio.sleep(RETRY_SECONDS[min(self.failures, len(RETRY_SECONDS) - 1)])
        elif self.most > 1:
            self.failures, self.most = 0, self.most // 2
        elif isinstance(error, TimeoutError):
            # A lock or a slow disk, and nothing that is wrong with this row.
            self.failures = 0
            await asyncio.sleep(RETRY_SECONDS[-1])
        else:
            self.failures, self.most = 0, BATCH_RECORDS
            await self.set_aside(self.files[0], error)

    async def set_aside(self, file: File, error: BaseException) -> None:
        """A record that the database refuses is kept in a file: `.refused` if its sums are counted.

        One that cannot be counted either stays where it is, as it is hardly the record that is to blame; if
        that goes on while the database takes others that are behind it, it is kept as `.uncounted`.
        """
        [first, *_], _, _ = file.read(BATCH_BYTES)
        try:
            kept = await self.keep(file, first, ".refused", ["sums"])
        except TimeoutError:
            raise
        except Exception:
            if self.stuck_for(file, first) < GIVE_UP_SECONDS or not await self.others_are_taken():
                raise
            kept = await self.keep(file, first, ".uncounted", [])
            print(
                f"ERROR: the database refuses what a request spent ({error}): not counted, kept in {kept}", flush=True
            )
        else:
            print(f"ERROR: the database refuses a row of spend ({error}): counted, and kept in {kept}", flush=True)

    async def keep(self, file: File, entry: Entry, suffix: str, parts: Collection[str]) -> str:
        """Keeps a record in a file of its own in the transaction that moves on past it: last of all, so that
        it is written once unless the commit itself fails, and none is passed over and not kept. The file's path."""
        path = file.path + suffix

        def last(records: list[Record]) -> None:
            for record in records:
                spend_file.keep(path, record)

        await within(ANSWER_SECONDS, self.database.apply(file.name, [entry], parts, last))
        file.committed = entry[0]
        return path

    def stuck_for(self, file: File, entry: Entry) -> float:
        """How many seconds ago this record could not be counted for the first time."""
        which, now = (file.name, entry[0]), time.monotonic()
        if self.stuck[0] != which:
            self.stuck = which, now
        return now - self.stuck[1]

    def waiting(self) -> Iterator[tuple[File, Entry]]:
        """The records that are to be written, each with its file."""
        for file in [*self.files, *self.fresh]:
            if not file.removed:
                yield from ((file, entry) for entry in file.read(BATCH_BYTES)[0])

    async def others_are_taken(self) -> bool:
        """Whether the database takes one of the records that are behind the first."""

        def undo(_: object) -> None:
            raise OnlyATrial

        for file, entry in itertools.islice(self.waiting(), 1, BATCH_RECORDS):
            try:
                await within(ANSWER_SECONDS, self.database.apply(file.name, [entry], ["sums"], undo))
            except OnlyATrial:
                return True
            except TimeoutError:
                raise
            except Exception:  # noqa: BLE001 - it may be as bad as the first
                continue
        return False
