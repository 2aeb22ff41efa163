"""What of the journal of spend goes into the database, without LiteLLM: once, whatever goes wrong."""

import asyncio
import contextlib
import errno
import json
import os

import pytest
from spend_files import append_to, written

import model_spend
import own_tables
import spend_commit
import spend_file

# What is committed and replayed


class Database:
    """Remembers what it was given, as a transaction does; `troubles` say what goes wrong in each try."""

    def __init__(self, *troubles, bad=(), uncountable=()):
        self.places, self.applied = {}, []
        self.troubles, self.bad, self.uncountable, self.up = list(troubles), bad, uncountable, True
        # How often a refused row is kept and then not counted.
        self.rollbacks = 0

    async def answers(self):
        return self.up

    async def apply(self, journal, batch, parts=spend_commit.WHOLE, last=None):
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == "never":
            await asyncio.sleep(3600)
        if trouble == "before":
            raise OSError("the connection is gone")
        place = self.places.get(journal, 0)
        new = [record for end, record in batch if end > place]
        numbers = [record["n"] for record in new]
        refused = self.bad if "row" in parts else ()
        if any(n in refused or "sums" in parts and n in self.uncountable for n in numbers):
            raise ValueError("refused")
        if last:
            last(new)
            if self.rollbacks:
                self.rollbacks -= 1
                raise OSError("the connection is gone before the commit")
        self.applied += numbers if "sums" in parts else []
        self.places[journal] = max(place, batch[-1][0])
        if trouble == "after":
            raise OSError("the connection is gone before the commit was heard of")
        return new

    async def after(self, records):
        pass

    async def forget(self, journal):
        self.places.pop(journal, None)


def replay(database, *paths):
    async def main():
        committer = spend_commit.Committer(database)
        for path in paths:
            committer.take(spend_file.claim(path))
        await asyncio.wait_for(committer.commit(), 30)

    asyncio.run(main())


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(spend_commit, "RETRY_SECONDS", (0,))


@pytest.mark.parametrize("troubles", [(), ("before",), ("after",), ("after", "before", "after")])
def test_each_record_is_applied_once_whatever_happens_to_the_connection(tmp_path, troubles):
    database = Database(*troubles)
    replay(database, written(tmp_path, *({"n": n} for n in range(120))))
    assert database.applied == list(range(120))
    assert list(tmp_path.iterdir()) == [] and database.places == {}


def test_a_file_that_was_replayed_in_part_goes_on_where_it_was(tmp_path):
    path = written(tmp_path, {"n": 1}, {"n": 2})
    database = Database()
    replay(database, path)
    again = written(tmp_path, {"n": 1}, {"n": 2}, {"n": 3})
    found, _, _ = (file := spend_file.claim(again)).read(1 << 20)
    database.places[file.name] = found[1][0]
    os.close(file.descriptor)
    replay(database, again)
    assert database.applied == [1, 2, 3]


def test_a_record_that_the_database_refuses_is_counted_and_kept_and_the_others_go_on(tmp_path, capsys):
    database = Database(bad=(7, 60))
    replay(database, written(tmp_path, *({"n": n} for n in range(100))))
    assert sorted(database.applied) == list(range(100))
    [kept] = tmp_path.iterdir()
    lines = [spend_file.record_of(line)["n"] for line in kept.read_bytes().splitlines()]
    assert kept.name.endswith(".refused") and lines == [7, 60] and kept.stat().st_mode & 0o777 == 0o600
    assert "ERROR" in capsys.readouterr().out


@pytest.fixture
def given_up_at_once(monkeypatch):
    monkeypatch.setattr(spend_commit, "GIVE_UP_SECONDS", 0)


@pytest.mark.parametrize("uncountable", [(7,), (7, 8, 9), (0, 60)])
def test_records_that_cannot_be_counted_do_not_hold_up_others_for_ever(tmp_path, capsys, given_up_at_once, uncountable):
    database = Database(uncountable=uncountable)
    replay(database, written(tmp_path, *({"n": n} for n in range(100))))
    assert sorted(database.applied) == [n for n in range(100) if n not in uncountable]
    [kept] = tmp_path.iterdir()
    lines = [spend_file.record_of(line)["n"] for line in kept.read_bytes().splitlines()]
    assert kept.name.endswith(".uncounted") and lines == list(uncountable)
    assert "not counted" in capsys.readouterr().out


def test_a_record_that_is_alone_in_its_file_does_not_hold_up_other_files(tmp_path, given_up_at_once):
    database = Database(uncountable=(1,))
    replay(database, written(tmp_path, {"n": 1}), written(tmp_path, {"n": 2}))
    assert database.applied == [2] and [each.suffix for each in tmp_path.iterdir()] == [".uncounted"]


@pytest.mark.parametrize("behind", [0, 3])
def test_a_record_is_not_to_blame_while_no_other_is_taken(tmp_path, capsys, given_up_at_once, behind):
    """The database answers and takes nothing, or there is nothing else to take."""
    database = Locked(ValueError("cannot execute INSERT in a read-only transaction"), 200)
    replay(database, written(tmp_path, *({"n": n} for n in range(1 + behind))))
    assert database.applied == list(range(1 + behind)) and list(tmp_path.iterdir()) == []
    # And that is not said each time that it is tried.
    assert capsys.readouterr().out.count("ERROR") == 1


def test_a_record_is_not_to_blame_for_a_lock_that_is_let_go_in_time(tmp_path):
    class LockedRow(Database):
        tries = 40

        async def apply(self, journal, batch, parts=spend_commit.WHOLE, last=None):
            self.tries -= 1
            self.uncountable = (0,) if self.tries > 0 else ()
            return await super().apply(journal, batch, parts, last)

    database = LockedRow()
    replay(database, written(tmp_path, {"n": 0}, {"n": 1}))
    assert database.applied == [0, 1] and list(tmp_path.iterdir()) == []


class Locked(Database):
    """Answers every question but takes nothing for so many tries, or no row for so many."""

    def __init__(self, error, tries, rows_only=False):
        super().__init__()
        self.error, self.tries, self.rows_only = error, tries, rows_only

    async def apply(self, journal, batch, parts=spend_commit.WHOLE, last=None):
        self.tries -= 1
        if self.tries >= 0 and not (self.rows_only and "row" not in parts):
            raise self.error
        return await super().apply(journal, batch, parts, last)


@pytest.mark.parametrize("error", [TimeoutError("a lock"), ValueError("canceling statement due to lock timeout")])
@pytest.mark.parametrize("tries", [19, 20, 200])
def test_what_is_not_counted_either_stays_in_the_journal_until_it_is(tmp_path, error, tries):
    database = Locked(error, tries)
    replay(database, written(tmp_path, *({"n": n} for n in range(60))))
    assert database.applied == list(range(60)) and list(tmp_path.iterdir()) == []


def test_a_row_is_not_to_blame_for_an_answer_that_does_not_come(tmp_path):
    """As while its table is locked and those of the sums are not."""
    database = Locked(TimeoutError("a lock"), 200, rows_only=True)
    replay(database, written(tmp_path, {"n": 1}, {"n": 2}))
    assert database.applied == [1, 2] and list(tmp_path.iterdir()) == []


def test_a_refused_row_that_cannot_be_kept_is_tried_again_and_kept_once(tmp_path, monkeypatch):
    write, full = spend_file.write_all, [True]

    def half(descriptor, data):
        if full:
            full.clear()
            write(descriptor, data[:9])
            raise OSError(errno.ENOSPC, "no space")
        write(descriptor, data)

    path = written(tmp_path, {"n": 7}, {"n": 8})
    monkeypatch.setattr(spend_file, "write_all", half)
    database = Database(bad=(7,))
    database.rollbacks = 2
    replay(database, path)
    [kept] = tmp_path.iterdir()
    assert [spend_file.record_of(line) for line in kept.read_bytes().splitlines()] == [{"n": 7}]
    assert database.applied == [7, 8]


def test_while_the_database_is_away_nothing_is_set_aside(tmp_path):
    database = Database(*["before"] * 30)
    database.up = False
    replay(database, written(tmp_path, {"n": 1}))
    assert database.applied == [1] and list(tmp_path.iterdir()) == []


def test_a_question_that_is_never_answered_is_asked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(spend_commit, "ANSWER_SECONDS", 0.05)
    database = Database("never", "never")
    replay(database, written(tmp_path, {"n": 1}))
    assert database.applied == [1]


def test_a_damaged_file_is_kept_when_its_records_are_replayed(tmp_path):
    path = written(tmp_path, {"n": 1})
    append_to(path, b"damaged\n")
    append_to(path, spend_file.line_of({"n": 2}))
    database = Database()
    replay(database, path)
    assert database.applied == [1, 2] and [each.suffix for each in tmp_path.iterdir()] == [".damaged"]


def test_all_that_was_appended_is_committed_while_more_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(spend_commit, "TOGETHER_SECONDS", 0.001)
    monkeypatch.setattr(spend_commit, "BATCH_BYTES", 1000)
    database = Database()

    async def main():
        committer = spend_commit.Committer(database, lambda: writer.file)
        writer = spend_file.Writer(tmp_path, committer.take, file_bytes=20_000)
        task = asyncio.create_task(committer.run())
        for first in range(0, 500, 50):
            await asyncio.gather(*(writer.append({"n": n, "x": "x" * 100}) for n in range(first, first + 50)))
        await asyncio.wait_for(committer.all_done.wait(), 30)
        task.cancel()
        writer.close()

    asyncio.run(main())
    assert database.applied == list(range(500))
    # Only the one that is appended to is left.
    assert len(spend_file.others(tmp_path)) == 1


def test_a_file_that_was_removed_before_its_last_sync_is_told_is_not_taken_again(tmp_path):
    taken = []

    async def main():
        writer = spend_file.Writer(tmp_path, taken.append)
        await writer.append({"n": 1})
        first = writer.file
        # The thread has begun another file and the committer has removed this one; only then the loop
        # comes to what the thread has told of it.
        writer.file = spend_file.create(tmp_path)
        first.remove()
        taken.clear()
        writer.tell(first, [], None)
        writer.close()
        assert first not in taken and first not in writer.files

    asyncio.run(main())


def test_nothing_ends_the_task_that_commits(tmp_path, monkeypatch):
    monkeypatch.setattr(spend_commit, "TOGETHER_SECONDS", 0.001)
    monkeypatch.setattr(spend_commit, "RETRY_SECONDS", [0])
    database = Database()

    class Broken(spend_file.File):
        def read(self, most):
            self.reads = getattr(self, "reads", 0) + 1
            if self.reads <= 10 * spend_commit.PATIENCE:
                raise OSError("no more")
            return super().read(most)

    async def main():
        committer = spend_commit.Committer(database)
        made = spend_file.create(tmp_path)
        line = spend_file.line_of({"n": 1})
        os.write(made.descriptor, line)
        broken = Broken(made.path, made.descriptor, made.name, made.end, made.end + len(line))
        task = asyncio.create_task(committer.run())
        committer.take(broken)
        await asyncio.wait_for(committer.all_done.wait(), 30)
        task.cancel()
        assert broken.removed

    asyncio.run(main())
    assert database.applied == [1]


class Tables:
    """LiteLLM's client, its `db` and a transaction, with the journal's places: a name's position and age in days."""

    def __init__(self, places):
        self.places, self.db, self.prisma_client = places, self, self

    def tx(self, **_):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return False

    async def execute_raw(self, statement, *values):
        if statement == spend_commit.MOVE_PLACE:
            self.places[values[0]] = (int(values[1]), 0)
        elif statement.startswith("DELETE") and "90 days" in statement:
            spared = json.loads(values[0]) if "NOT IN" in statement else ()
            for name, (_, days) in list(self.places.items()):
                if days > 90 and name not in spared:
                    del self.places[name]

    async def query_raw(self, statement, *values):
        assert statement == spend_commit.TAKE_PLACE
        position, _ = self.places.get(values[0], (0, 0))
        self.places[values[0]] = (position, 0)
        return [{"applied": str(position)}]


@pytest.mark.parametrize("whose", ["its own", "another worker's", "unknown"])
def test_a_file_keeps_its_place_however_long_the_machine_was_off(tmp_path, monkeypatch, whose):
    paths = [written(tmp_path, {"n": 1}, {"n": 2}, {"n": 3}) for _ in range(2)]
    files = [spend_file.claim(path) for path in paths]
    tables = Tables({file.name: (file.read(1 << 20)[0][1][0], 91) for file in files} | {"lost": (500, 91), "new": (500, 9)})
    applied = []

    async def write(there, records):
        applied.extend(record["n"] for record in records)

    database = spend_commit.Database(tables, tmp_path)
    monkeypatch.setattr(database, "write_sums", write)
    monkeypatch.setattr(database, "write_rows", write)
    if whose == "unknown":
        os.rename(paths[1], paths[1] + ".unknown")
    # Each is committed by a process of its own, after the first one has cleaned up.
    for file in files[:1] if whose == "its own" else files:
        asyncio.run(database.apply(file.name, file.read(1 << 20)[0]))
    assert set(applied) == {3}
    assert set(tables.places) == {"new", *(file.name for file in files)}


class Catalog:
    """A database's tables as several clients see them: who finds one missing makes it, and is refused if it
    has been made meanwhile, as PostgreSQL does even with IF NOT EXISTS."""

    def __init__(self):
        self.there, self.lock = [], asyncio.Lock()

    @contextlib.asynccontextmanager
    async def tx(self, **_):
        held = []

        class Transaction:
            async def execute_raw(_, statement):
                if "pg_advisory_xact_lock" in statement:
                    await self.lock.acquire()
                    held.append(self.lock)
                else:
                    await self.execute_raw(statement)

        try:
            yield Transaction()
        finally:
            for lock in held:
                lock.release()

    async def execute_raw(self, statement):
        missing = statement not in self.there
        await asyncio.sleep(0)
        if missing:
            if statement in self.there:
                raise ValueError("duplicate key value violates unique constraint")
            self.there.append(statement)


def test_workers_that_start_at_once_make_the_tables_once():
    async def main():
        catalog = Catalog()
        await asyncio.gather(*(own_tables.make(catalog, spend_commit.TABLES) for _ in range(4)))
        return catalog.there

    assert asyncio.run(main()) == list(spend_commit.TABLES)


# Rows


def test_what_a_model_costs_is_summed_under_the_name_that_it_is_asked_for_by():
    def record(group, spend, *tokens):
        request = {"model_group": group, "spend": spend, **dict(zip(("prompt_tokens", "completion_tokens"), tokens))}
        return {"row": None, "days": {model_spend.REQUESTS: [{"user_date_key_openai/same": request}], "others": [{}]}}

    paid, free, refused = record("paid", 0.5, 2, 1), record("free", 0, 1, 1), record("free", None)
    nameless, without = record("", 7, 7, 7), {"row": {"spend": 7}}
    found = model_spend.by_model([paid, free, paid, refused, nameless, without])
    assert found == {"paid": [1.0, 6], "free": [0.0, 2]}


def row(own, call, **more):
    return {"request_id": own, "litellm_call_id": call, "metadata": '{"a": 1}', **more}


def test_each_call_has_a_row_and_the_first_keeps_the_providers_id():
    kept = spend_commit.rows_with_own_ids([row("same", "c1"), row("same", "c2"), row("other", "c3")], {})
    assert [each["request_id"] for each in kept] == ["same", "same_c2", "other"]
    assert json.loads(kept[1]["metadata"]) == {"a": 1, "provider_response_id": "same"}
    assert kept[0]["metadata"] == '{"a": 1}'


@pytest.mark.parametrize("known", [{"same": "c0"}, {"same": None}])
def test_an_id_that_is_in_the_database_is_taken(known):
    [kept] = spend_commit.rows_with_own_ids([row("same", "c1", metadata=None)], known)
    assert kept["request_id"] == "same_c1"


@pytest.mark.parametrize("known", [{"same": "c1"}, {"same": "c0", "same_c1": "c1"}])
def test_a_call_that_has_a_row_gets_no_second_one(known):
    assert spend_commit.rows_with_own_ids([row("same", "c1")], known) == []


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        ({"x": "A", "x_B": "B"}, ["y"]),
        ({"x": "A", "x_C": "C"}, ["x_B", "y"]),
        ({"x_B": "B"}, ["y"]),
        ({}, ["x", "y"]),
    ],
)
def test_the_database_is_asked_for_each_id_that_a_row_may_get(there, kept):
    """A call whose row was given its own id in an earlier batch, and which LiteLLM records again."""
    rows = [row("x", "B"), row("y", None)]
    asked = spend_commit.possible_ids(rows)
    found = {own: call for own, call in there.items() if own in asked}
    assert [each["request_id"] for each in spend_commit.rows_with_own_ids(rows, found)] == kept
