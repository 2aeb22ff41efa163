"""The journal of spend without LiteLLM: its files, what is replayed, and what an answer waits for."""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

STACK = Path(__file__).resolve().parents[2] / "src/stack"
for folder in ("diet", "litellm"):
    sys.path.insert(0, str(STACK / folder))

import spend_commit  # noqa: E402
import spend_file  # noqa: E402
import spend_journal  # noqa: E402


def records(file):
    found, _, _ = file.read(1 << 20)
    return [record for _, record in found]


def written(folder, *contents):
    """A dead process's file with these records."""
    file = spend_file.create(folder)
    for record in contents:
        os.write(file.descriptor, spend_file.line_of(record))
    os.close(file.descriptor)
    return file.path


def append_to(path, data):
    with open(path, "ab") as file:
        file.write(data)


# Files


def test_what_was_written_is_read(tmp_path):
    path = written(tmp_path, {"n": 1}, {"n": "ü\n"})
    assert records(spend_file.claim(path)) == [{"n": 1}, {"n": "ü\n"}]
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_write_that_was_cut_off_is_no_record(tmp_path, cut):
    path = written(tmp_path, {"n": 1})
    append_to(path, spend_file.line_of({"n": 2})[:-cut])
    file = spend_file.claim(path)
    found, end, damaged = file.read(1 << 20)
    assert [record for _, record in found] == [{"n": 1}] and end == found[-1][0] and not damaged


def test_a_damaged_line_costs_no_other(tmp_path):
    path = written(tmp_path, {"n": 1})
    line = bytearray(spend_file.line_of({"n": 2}))
    line[12] ^= 1
    append_to(path, bytes(line) + b"\0\0\n" + spend_file.line_of({"n": 3}))
    found, _, damaged = spend_file.claim(path).read(1 << 20)
    assert [record for _, record in found] == [{"n": 1}, {"n": 3}] and damaged


def test_a_record_that_is_larger_than_what_is_read_at_once_is_read(tmp_path):
    path = written(tmp_path, {"n": "x" * 5000}, {"n": 2})
    found, _, _ = spend_file.claim(path).read(100)
    assert found[0][1] == {"n": "x" * 5000}


@pytest.mark.parametrize("header", [{"format": 2, "journal": "j"}, {"format": 1}, None])
def test_a_file_of_another_format_is_kept_and_not_replayed(tmp_path, header, capsys):
    path = str(tmp_path / "other.spend")
    append_to(path, spend_file.line_of(header) if header else b"\0" * 100 + b"\n")
    assert spend_file.claim(path) is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["other.spend.unknown"]
    assert "other.spend" in capsys.readouterr().out


def test_a_living_process_keeps_its_file_and_a_killed_one_leaves_it(tmp_path):
    script = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
import spend_file
async def main():
    writer = spend_file.Writer(sys.argv[2], lambda file: None)
    await asyncio.gather(*(writer.append({"n": n}) for n in range(100)))
    print("durable", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    arguments = [sys.executable, "-c", script, str(STACK / "litellm"), str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"durable\n"
        [path] = spend_file.others(tmp_path)
        assert spend_file.claim(path) is None
        process.kill()
    assert records(spend_file.claim(path)) == [{"n": n} for n in range(100)]


def test_those_who_wait_together_share_a_sync_and_none_hears_before_it(tmp_path, monkeypatch):
    synced, heard = [], []
    sync = os.fdatasync

    def counted(descriptor):
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fdatasync", counted)

    async def main():
        writer = spend_file.Writer(tmp_path, lambda file: None)

        async def one(n):
            await writer.append({"n": n})
            heard.append(n)
            # All of it is in what was synced.
            assert f'"n":{n}}}'.encode() in os.pread(writer.file.descriptor, synced[-1], 0)

        await asyncio.gather(*(one(n) for n in range(64)))
        writer.close()

    asyncio.run(main())
    assert len(heard) == 64 and len(synced) < 20


def test_a_disk_that_is_full_is_told_and_leaves_no_half_record(tmp_path, monkeypatch):
    write, full = os.write, [False]

    def half(descriptor, data):
        if not full[0]:
            return write(descriptor, data)
        write(descriptor, data[:5])
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "write", half)

    async def main():
        writer = spend_file.Writer(tmp_path, lambda file: None)
        await writer.append({"n": 1})
        full[0] = True
        with pytest.raises(OSError):
            await writer.append({"n": 2})
        full[0] = False
        await writer.append({"n": 3})
        writer.close()
        return writer.file

    assert records(asyncio.run(main())) == [{"n": 1}, {"n": 3}]


def test_files_are_finished_at_a_size_and_all_of_them_have_one(tmp_path):
    async def main():
        seen = []
        writer = spend_file.Writer(tmp_path, seen.append, file_bytes=200, total_bytes=2000)
        with pytest.raises(spend_file.JournalFull):
            for n in range(100):
                await writer.append({"n": n, "text": "x" * 100})
        # The database takes the first: there is room again.
        first = seen[0]
        first.committed = first.end
        first.remove()
        await writer.append({"n": "again"})
        assert first not in writer.files
        writer.close()

    asyncio.run(main())
    assert 5 < len(spend_file.others(tmp_path)) < 20


@pytest.mark.parametrize("name", ["write", "fsync", "rename"])
def test_a_file_that_cannot_be_begun_leaves_nothing(tmp_path, monkeypatch, name):
    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    async def main():
        writer = spend_file.Writer(tmp_path, lambda file: None, file_bytes=1)
        await writer.append({"n": 1})
        before, there = len(os.listdir("/proc/self/fd")), sorted(tmp_path.iterdir())
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            for _ in range(20):
                with pytest.raises(OSError):
                    await writer.append({"n": "lost"})
        assert len(os.listdir("/proc/self/fd")) == before and sorted(tmp_path.iterdir()) == there
        await writer.append({"n": 2})
        writer.close()
        return writer.file

    assert records(asyncio.run(main())) == [{"n": 2}]


def test_the_first_line_is_whole_though_a_write_may_take_less(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
    path = written(tmp_path)
    assert spend_file.claim(path) is not None


def test_what_was_not_begun_is_removed_and_what_is_being_begun_stays(tmp_path):
    def begun(name, minutes):
        path = tmp_path / (name + ".spend.new")
        path.write_bytes(b"")
        os.utime(path, times=(time.time() - 60 * minutes,) * 2)
        return path

    dead, locked, young = begun("dead", 2), begun("locked", 2), begun("young", 0)
    with open(locked) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        spend_file.remove_unbegun(tmp_path)
    assert sorted(tmp_path.iterdir()) == [locked, young] and not dead.exists()


# What is committed and replayed


class Database:
    """Remembers what it was given, as a transaction does; `troubles` say what goes wrong in each try."""

    def __init__(self, *troubles, bad=()):
        self.places, self.applied = {}, []
        self.troubles, self.bad, self.up = list(troubles), bad, True
        # How often a refused row is kept and then not counted.
        self.rollbacks = 0

    async def answers(self):
        return self.up

    async def apply(self, journal, batch, keep=None):
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == "never":
            await asyncio.sleep(3600)
        if trouble == "before":
            raise OSError("the connection is gone")
        place = self.places.get(journal, 0)
        new = [record for end, record in batch if end > place]
        if keep is None and any(record["n"] in self.bad for record in new):
            raise ValueError("refused")
        if keep:
            for record in new:
                keep(record)
            if self.rollbacks:
                self.rollbacks -= 1
                raise OSError("the connection is gone before the commit")
        self.applied += [record["n"] for record in new]
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


class Locked(Database):
    """Answers every question but takes nothing for so many tries, or no row for so many."""

    def __init__(self, error, tries, rows_only=False):
        super().__init__()
        self.error, self.tries, self.rows_only = error, tries, rows_only

    async def apply(self, journal, batch, keep=None):
        self.tries -= 1
        if self.tries >= 0 and not (self.rows_only and keep):
            raise self.error
        return await super().apply(journal, batch, keep)


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
        await asyncio.gather(*(spend_commit.make_tables(catalog, spend_commit.PLACES) for _ in range(4)))
        return catalog.there

    assert asyncio.run(main()) == list(spend_commit.PLACES)


# Rows


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


# Answers


def answering(app, seconds=0.02):
    """What was sent, and when the record was durable, of an application that schedules it."""
    said = []

    async def send(message):
        said.append(message.get("body", message["type"]))

    async def main():
        answer = spend_journal.Answer(send)

        def scheduled():
            entry = spend_journal.Entry(answer.loop)
            answer.entries.append(entry)

            def durable():
                said.append("durable")
                entry.has_been_called()

            answer.loop.call_later(seconds, durable)

        await app(answer, scheduled)
        await answer.end()

    asyncio.run(main())
    return said


START = {"type": "http.response.start", "status": 200}


def body(text, more=True):
    return {"type": "http.response.body", "body": text, "more_body": more}


def test_a_plain_answer_waits_for_its_record():
    async def app(send, scheduled):
        scheduled()
        await send(START)
        await send(body(b"{}", False))

    assert answering(app) == ["durable", "http.response.start", b"{}"]


@pytest.mark.parametrize("last", [b"data: [DONE]\n\n", b"event: message_stop\n\n", b"event: response.completed\n\n"])
@pytest.mark.parametrize("before", [True, False])
def test_the_last_words_of_a_stream_wait_for_its_record(last, before):
    async def app(send, scheduled):
        await send(START)
        await send(body(b"one"))
        if before:
            scheduled()
        await send(body(last))
        if not before:
            scheduled()
        await send(body(b"", False))

    assert answering(app) == ["http.response.start", b"one", "durable", last, b""]


def test_a_stream_that_speaks_of_last_words_goes_on():
    async def app(send, _):
        await send(START)
        for text in (b"say [DONE]", b"and", b"more"):
            await send(body(text))
        await send(body(b"", False))

    assert answering(app) == ["http.response.start", b"say [DONE]", b"and", b"more", b""]


def test_a_refusal_waits_for_nothing():
    async def app(send, scheduled):
        scheduled()
        await send({**START, "status": 429})
        await send(body(b"no", False))

    assert answering(app)[:2] == ["http.response.start", b"no"]


def test_an_answer_is_not_held_for_ever(monkeypatch, capsys):
    monkeypatch.setattr(spend_journal, "ANSWER_SECONDS", 0.05)

    async def app(send, scheduled):
        scheduled()
        await send(body(b"{}", False))

    assert answering(app, seconds=60) == [b"{}"]
    assert "not recorded" in capsys.readouterr().out


def waited_for(delays):
    """What is sent of an answer with entries that begin and end at these times, each before the one before ends."""
    said = []

    async def send(message):
        said.append(message["body"])

    async def main():
        answer = spend_journal.Answer(send)

        def begin(end, n):
            entry = spend_journal.Entry(answer.loop)
            answer.entries.append(entry)
            answer.loop.call_later(end, lambda: (said.append(n), entry.has_been_called()))

        for n, (start, end) in enumerate(delays):
            answer.loop.call_later(start, begin, end - start, n) if start else begin(end, n)
        await answer(body(b"{}", False))

    asyncio.run(main())
    return said


def test_an_answer_waits_for_what_is_scheduled_while_it_waits():
    assert waited_for([(0, 0.04), (0.02, 0.08), (0.06, 0.12)]) == [0, 1, 2, b"{}"]


def test_all_that_is_scheduled_while_it_waits_has_one_time(monkeypatch, capsys):
    monkeypatch.setattr(spend_journal, "ANSWER_SECONDS", 0.4)
    assert waited_for([(0, 0.2), (0.1, 0.5)]) == [0, b"{}"]
    assert capsys.readouterr().out.count("not recorded") == 1


def test_another_litellm_is_left_as_it_is_and_that_is_said(tmp_path):
    """There is no LiteLLM beside these tests at all."""
    script = """
import sys
sys.path[:0] = sys.argv[1:]
import spend_journal
app = object()
print(spend_journal.journaled(app, None) is app)
"""
    folders = [str(STACK / "diet"), str(STACK / "litellm")]
    done = subprocess.run([sys.executable, "-c", script, *folders], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "True\n", done.stderr
    assert "spend_journal is skipped: LiteLLM is not as it was" in done.stderr
