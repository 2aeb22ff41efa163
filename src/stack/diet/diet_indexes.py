"""A bound on what Chroma, Open WebUI's store of documents' vectors, keeps in memory.

Open WebUI gives each document a collection, each collection has an index, and an index takes 2.6 MB
however short the document is: hnswlib makes 65,536 locks for it. Chroma keeps them in a cache of 64
shards, and each keeps at least one, of a deleted collection as well, whatever bound it is given:
170 MB that nobody uses. There is no way to have one forgotten, so after a few collections its whole
native part is made anew. What it knows is on the disk, as ever: an index that is asked for again is
read, or made again from what was added last, as after a restart.
"""

import ctypes
import sys
import threading

from diet import AroundLoader, Measure, take

# Collections whose indexes may be in memory when no call is under way.
INDEXES = 8
# And while one is: one for each shard, which is as few as its cache can do with.
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


def give_back():
    """Has glibc return to the kernel what is free between what is not."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        pass  # another C library has its own way


class Bounded:
    """Chroma's native part, made anew for one collection more than may be in memory.

    Only when no call is under way: never are two at work, which would each write the files of an
    index in its own time.
    """

    def __init__(self, make):
        self.make = make
        self.native = make()
        self.lock = threading.Lock()
        self.calls = 0
        self.collections = set()

    def __getattr__(self, name):
        if not callable(getattr(self.native, name)):
            return getattr(self.native, name)

        def call(*arguments, **options):
            texts = [argument for argument in arguments if isinstance(argument, str)]
            self.begin(texts[0] if name in LOADING and texts else None)
            try:
                return getattr(self.native, name)(*arguments, **options)
            finally:
                with self.lock:
                    self.calls -= 1

        return call

    def begin(self, collection):
        """A call that needs the index of `collection`, or of none, is under way from here on."""
        with self.lock:
            if collection is not None and collection not in self.collections:
                if len(self.collections) >= INDEXES and not self.calls:
                    self.renew()
                self.collections.add(collection)
            self.calls += 1

    def renew(self):
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

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, name)

    def Bindings(self, *arguments, **options):  # noqa: N802: the name that it is asked for by
        if options.get("persist_path") is None:
            # It has all that it knows in memory.
            return self.module.Bindings(*arguments, **options)
        options["hnsw_cache_size"] = min(options["hnsw_cache_size"], SHARDS)
        return Bounded(lambda: self.module.Bindings(*arguments, **options))


def around_native(module):
    yield
    module.chromadb_rust_bindings = Native(module.chromadb_rust_bindings)


class FewIndexes(Measure):
    """Comes between Chroma and its native part where it is used as it was when this was written."""

    key = "few_indexes"
    modules = {"chromadb.api.rust"}

    def change(self, spec, source):
        if any(source.count(text) != 1 for text in EXPECTED):
            return False
        spec.loader = AroundLoader(spec.loader, around_native)
        return True


take(FewIndexes)
