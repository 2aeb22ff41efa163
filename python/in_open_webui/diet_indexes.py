"""A bound on what Chroma, Open WebUI's store of documents' vectors, keeps in memory.

Open WebUI gives each document a collection, each collection has an index, and an index takes 2.6 MB
however short the document is: hnswlib makes 65,536 locks for it. There is no call that has one
forgotten, and Chroma's own bound, the size of its cache, must not be reached: an index that is
thrown out between the two steps of a question makes the question fail with "Nothing found on disk",
and Open WebUI leaves that document out of its answer. So the cache is made large enough never to throw
anything out, and after a few collections Chroma's whole native part is made anew instead. What it
knows is on the disk: an index that is asked for again is read, or made again from what was added last,
as after a restart.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from typing import TYPE_CHECKING, Any

from diet import AroundLoader, Measure, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from diet import Spec, Steps


# Collections whose indexes are in memory before the native part is made anew when no call is under way.
INDEXES = 8
# And before calls wait until none is. In between, Chroma's files stay open: five for each.
MOST = 64
# Of Chroma's cache, which divides its size among them: all collections may fall to one.
SHARDS = 64

# What has a collection's index in memory, and names the collection by its first text.
LOADING = frozenset(["add", "update", "upsert", "delete", "get", "query", "count"])

EXPECTED = [
    "\nimport chromadb_rust_bindings\n",
    "        self.bindings = chromadb_rust_bindings.Bindings(\n",
    "            persist_path=persist_path,\n",
    "            hnsw_cache_size=self.hnsw_cache_size,\n",
    *(f"self.bindings.{name}(" for name in LOADING),
]


def give_back() -> None:
    """Has glibc return to the kernel what is free between what is not."""
    # Another C library has its own way.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


class Bounded:
    """Chroma's native part, made anew for one collection more than may be in memory.

    Only when no call is under way: never are two at work, which would each write the files of an
    index in its own time.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.native = make()
        # Of all below: how many calls are under way, what they have brought into memory, and whether
        # one waits for the others to end, so that those that come wait for it.
        self.changed = threading.Condition(threading.Lock())
        self.calls = 0
        self.collections: set[str] = set()
        self.draining = False
        self.thread = threading.local()

    def __getattr__(self, name: str) -> Any:
        if not callable(getattr(self.native, name)):
            return getattr(self.native, name)

        def call(*arguments: Any, **options: Any) -> Any:
            texts = [argument for argument in arguments if isinstance(argument, str)]
            self.begin(texts[0] if name in LOADING and texts else None)
            try:
                return getattr(self.native, name)(*arguments, **options)
            finally:
                self.end()

        return call

    def begin(self, collection: str | None) -> None:
        """A call that needs the index of `collection`, or of none, is under way from here on."""
        depth = getattr(self.thread, "depth", 0)
        with self.changed:
            # A call within a call would wait for itself.
            while self.draining and not depth:
                self.changed.wait()
            if collection is not None and collection not in self.collections:
                if len(self.collections) >= MOST and not depth:
                    self.drain()
                if len(self.collections) >= INDEXES and not self.calls:
                    self.renew()
                self.collections.add(collection)
            self.calls += 1
        self.thread.depth = depth + 1

    def end(self) -> None:
        self.thread.depth -= 1
        with self.changed:
            self.calls -= 1
            if not self.calls:
                self.changed.notify_all()

    def drain(self) -> None:
        """Waits until no call is under way; none begins meanwhile."""
        self.draining = True
        try:
            while self.calls:
                self.changed.wait()
        finally:
            self.draining = False
            self.changed.notify_all()

    def renew(self) -> None:
        self.collections.clear()
        try:
            self.native = self.make()
        except BaseException as error:
            # What Rust's panics are in Python: no thread could be started, say.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            print(f"WARNING: Chroma's indexes stay in memory: {error}", file=sys.stderr, flush=True)
        else:
            give_back()


class Native:
    """The module of the native part, but for what makes one."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def Bindings(self, *arguments: Any, **options: Any) -> Any:  # the name that it is asked for by
        if options.get("persist_path") is None:
            # It has all that it knows in memory.
            return self.module.Bindings(*arguments, **options)
        options["hnsw_cache_size"] = max(options["hnsw_cache_size"], SHARDS * (MOST + 1))
        return Bounded(lambda: self.module.Bindings(*arguments, **options))


def around_native(module: Any) -> Steps:
    yield
    module.chromadb_rust_bindings = Native(module.chromadb_rust_bindings)


class FewIndexes(Measure):
    """Comes between Chroma and its native part where it is used as it was when this was written."""

    key = "few_indexes"
    modules = frozenset({"chromadb.api.rust"})

    def change(self, spec: Spec, source: str) -> bool:
        if any(source.count(text) != 1 for text in EXPECTED):
            return False
        spec.loader = AroundLoader(spec.loader, around_native, self.key)
        return True


take(FewIndexes)
