"""The journal's files: records that are on the disk before an answer is acknowledged.

A process appends to one file at a time and holds a lock on each of its files until it ends, by
whatever death: a file whose lock can be taken is a dead process's, and whoever takes it replays it.
One line is one record, a checksum before its JSON, so the end of a write that was cut off is told
from a record. The first line is the header: the format's version and the journal's name. A record is
known by the position at which it ends, which never changes.

Callers: spend_journal.py appends, spend_commit.py reads and removes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import queue
import threading
import time
import uuid
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    # What a request spent: its row, and what it adds to which sums.
    Record = dict[str, Any]
    # A record, and the position at which it ends.
    Entry = tuple[int, Record]
    # The entries that were read, where the last whole line ends, and whether one was damaged.
    Records = tuple[list[Entry], int, bool]
    # A line to write, and the future to tell.
    Waiting = tuple[bytes, asyncio.AbstractEventLoop, asyncio.Future[None]]


FORMAT = 1
SUFFIX = ".spend"
# Records of a few kilobytes: a file is finished after some hundreds of requests, and removed when the
# database has them.
FILE_BYTES = 8 << 20
# Of all files of a process while the database is away. Keys are not believed for long without it, so
# that an outage ends most of the traffic before this is reached.
TOTAL_BYTES = 256 << 20
# For which a file may be without its lock while it is begun: two system calls, and then some.
UNBEGUN_SECONDS = 60


class JournalFull(Exception):
    """The database has been away for so long that the journal has reached its size."""


def line_of(record: Record) -> bytes:
    """A record as the file has it."""
    content = json.dumps(record, separators=(",", ":"), default=text_of).encode()
    return b"%08x %b\n" % (zlib.crc32(content), content)


def text_of(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def record_of(line: bytes) -> Record | None:
    """The record in a line without its end, or nothing if it is not whole."""
    try:
        checksum, content = line.split(b" ", 1)
        return json.loads(content) if int(checksum, 16) == zlib.crc32(content) else None
    except ValueError:
        return None


def header_of(data: bytes) -> Record | None:
    """The header in a file's beginning, or nothing."""
    return record_of(data.split(b"\n", 1)[0]) if b"\n" in data else None


def records_in(data: bytes, begin: int) -> Records:
    """The records in `data`, which is at `begin` in its file: pairs of a record's end and the record;
    where its last whole line ends; and whether a whole line is no record. A process that is killed
    leaves a torn end, but nothing of ours leaves a damaged line."""
    found, damaged, end = [], False, begin
    for line in data.split(b"\n")[:-1]:
        end += len(line) + 1
        record = record_of(line)
        if record is None:
            damaged = True
        else:
            found.append((end, record))
    return found, end, damaged


class File:
    """One file that this process has locked. `committed` is the position up to which the database has it."""

    def __init__(self, path: str, descriptor: int, name: str, begin: int, end: int) -> None:
        self.path, self.descriptor, self.name = path, descriptor, name
        self.committed = begin
        # Up to here it is on the disk.
        self.end = end
        self.removed = False

    def read(self, most: int) -> Records:
        """What `records_in` has of what the database does not have yet, in about so many bytes, or one
        record that is larger."""
        while True:
            data = os.pread(self.descriptor, min(most, self.end - self.committed), self.committed)
            if b"\n" in data or len(data) < most:
                return records_in(data, self.committed)
            most *= 2

    def remove(self) -> None:
        os.unlink(self.path)
        os.close(self.descriptor)
        self.removed = True


def create(folder: str) -> File:
    """A new file, locked before it has the name by which others look for files to replay."""
    name = str(uuid.uuid4())
    path = os.path.join(folder, name + SUFFIX)
    descriptor = os.open(path + ".new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        header = line_of({"format": FORMAT, "journal": name})
        write_all(descriptor, header)
        os.fsync(descriptor)
        os.rename(path + ".new", path)
        sync_folder(folder)
    except OSError:
        # It is tried again with each group of records while the disk is full.
        for each in (path + ".new", path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(each)
        os.close(descriptor)
        raise
    return File(path, descriptor, name, len(header), len(header))


def remove_unbegun(folder: str) -> None:
    """Removes what processes have left that died while they began a file. One that is at it holds the
    lock, or has made the file a moment ago."""
    for entry in os.scandir(folder):
        if not entry.name.endswith(SUFFIX + ".new"):
            continue
        with contextlib.suppress(FileNotFoundError, BlockingIOError), open(entry.path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(file.fileno()).st_mtime > UNBEGUN_SECONDS:
                os.unlink(entry.path)


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def keep(path: str, record: Record) -> None:
    """Adds a record to a file for somebody to look at, once however often it is tried."""
    line = line_of(record)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        known = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        if line in known:
            return
        # Without the end of a write that was cut off.
        os.ftruncate(descriptor, known.rfind(b"\n") + 1)
        write_all(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(os.path.dirname(path))


def sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claim(path: str, wait: bool = False) -> File | None:
    """A dead process's file, locked and ready to be replayed; nothing if it is somebody else's or gone.

    A file that is not understood is set aside under another name, and never removed.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        # Another process may have replayed and removed it meanwhile.
        if os.stat(path).st_ino != os.fstat(descriptor).st_ino:
            raise FileNotFoundError
        end = os.fstat(descriptor).st_size
        data = os.pread(descriptor, 4096, 0)
        header = header_of(data)
        if not header or header.get("format") != FORMAT or not header.get("journal"):
            os.rename(path, path + ".unknown")
            print(f"WARNING: {path} is no journal of spend of format {FORMAT}: kept as {path}.unknown", flush=True)
            raise FileNotFoundError
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    return File(path, descriptor, header["journal"], data.index(b"\n") + 1, end)


def others(folder: str) -> list[str]:
    """The paths of all files of the folder that may be a dead process's."""
    return sorted(entry.path for entry in os.scandir(folder) if entry.name.endswith(SUFFIX))


def names(folder: str) -> list[str]:
    """The journals of which the folder has a file, whoever's it is and even if it was set aside."""
    found = []
    for entry in os.scandir(folder):
        try:
            with open(entry.path, "rb") as file:
                header = header_of(file.read(4096))
        except FileNotFoundError:  # another process is done with it
            continue
        if header and header.get("journal"):
            found.append(header["journal"])
    return found


class Writer:
    """Appends records from the event loop, by a thread that writes and syncs all that wait together.

    `synced(file)` is called in the loop after each group, for each file that is not removed yet and
    before anybody hears that a record is durable.
    """

    def __init__(
        self, folder: str, synced: Callable[[File], None], file_bytes: int = FILE_BYTES, total_bytes: int = TOTAL_BYTES
    ) -> None:
        self.folder, self.synced = folder, synced
        self.file_bytes, self.total_bytes = file_bytes, total_bytes
        self.waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self.file = create(folder)
        # What the committer has not removed yet; only the loop changes it.
        self.files = [self.file]
        self.thread = threading.Thread(target=self.write, name="spend-journal", daemon=True)
        self.thread.start()

    def append(self, record: Record) -> asyncio.Future[None]:
        """A future of the loop that is done when the record is durable."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.waiting.put((line_of(record), loop, future))
        return future

    def close(self) -> None:
        """Ends the thread, after all that was appended."""
        self.waiting.put(None)
        self.thread.join()

    def write(self) -> None:
        while True:
            group = [self.waiting.get()]
            while not self.waiting.empty():
                group.append(self.waiting.get())
            lines = [each for each in group if each is not None]
            if lines:
                self.write_group(lines)
            if len(lines) < len(group):
                return

    def write_group(self, group: list[Waiting]) -> None:
        loop = group[0][1]
        error = None
        try:
            self.sync(b"".join(line for line, _, _ in group))
        except (OSError, JournalFull) as failure:
            error = failure
        loop.call_soon_threadsafe(self.tell, self.file, [future for _, _, future in group], error)

    def sync(self, data: bytes) -> None:
        if self.file.end >= self.file_bytes:
            self.file = create(self.folder)
        file = self.file
        if sum(each.end - each.committed for each in tuple(self.files)) > self.total_bytes:
            raise JournalFull(f"{self.folder} holds {self.total_bytes >> 20} MB that the database does not have")
        try:
            write_all(file.descriptor, data)
            os.fdatasync(file.descriptor)
        except OSError:
            # Half a record is no harm at the end, but the next one would follow it.
            os.ftruncate(file.descriptor, file.end)
            raise
        file.end += len(data)

    def tell(self, file: File, futures: list[asyncio.Future[None]], error: Exception | None) -> None:
        self.files = [each for each in self.files if not each.removed]
        # It is removed already where the next one was begun, and the database had all of it, before this
        # turn of the loop.
        if file not in self.files and not file.removed:
            self.files.append(file)
        # The one before too: it is finished, and to be removed.
        for each in self.files:
            self.synced(each)
        for future in futures:
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
