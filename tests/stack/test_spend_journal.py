"""The journal of spend without LiteLLM: its files, and what an answer waits for."""

import asyncio
import errno
import fcntl
import os
import subprocess
import sys
import time

import pytest
from spend_files import PYTHON, append_to, records, written

import spend_file
import spend_journal

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
    arguments = [sys.executable, "-c", script, str(PYTHON / "in_litellm"), str(tmp_path)]
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
    folders = [str(PYTHON / "in_both"), str(PYTHON / "in_litellm")]
    done = subprocess.run([sys.executable, "-c", script, *folders], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "True\n", done.stderr
    assert "spend_journal is skipped: LiteLLM is not as it was" in done.stderr
