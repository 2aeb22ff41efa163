"""A bound on what Chroma, Open WebUI's store of documents' vectors, keeps in memory.

Open WebUI gives each document a collection, each collection has an index, and an index takes 2.6 MB
however short the document is: hnswlib makes 65,536 locks for it. Chroma keeps them in a cache of 64
shards, and each keeps at least one, of a deleted collection as well, whatever bound it is given:
170 MB that nobody uses. There is no way to have one forgotten, so after a few collections its whole
native part is made anew. What it knows is on the disk, as ever: an index that is asked for again is
read, as after a restart.
"""

import ctypes
import sys
import threading
from importlib.machinery import PathFinder

from diet import MEASURES, skipped

# Collections whose indexes may be in memory.
INDEXES = 8

MADE = "        self.bindings = chromadb_rust_bindings.Bindings(\n"
IMPORTED = "\nimport chromadb_rust_bindings\n"

# What has a collection's index in memory, and names the collection by its first text.
LOADING = frozenset(["add", "update", "upsert", "delete", "get", "query"])


def give_back():
    """Has glibc return to the kernel what is free between what is not."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        pass  # another C library has its own way


class Bounded:
    """Chroma's native part, made anew when many collections were in use and no call is under way.

    Never are two of them at work: each would write the files of an index in its own time.
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
            self.begin(next((it for it in arguments if isinstance(it, str)), None) if name in LOADING else None)
            try:
                return getattr(self.native, name)(*arguments, **options)
            finally:
                with self.lock:
                    self.calls -= 1

        return call

    def begin(self, collection):
        with self.lock:
            if len(self.collections) >= INDEXES and collection not in self.collections and not self.calls:
                self.renew()
            if collection is not None:
                self.collections.add(collection)
            self.calls += 1

    def renew(self):
        self.collections.clear()
        try:
            self.native = self.make()
        except Exception as error:
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
        return Bounded(lambda: self.module.Bindings(*arguments, **options))


class FewIndexesLoader:
    """Executes Chroma's use of its native part, and comes between the two."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        module.chromadb_rust_bindings = Native(module.chromadb_rust_bindings)

    def __getattr__(self, name):
        return getattr(self.loader, name)


class FewIndexes:
    def find_spec(self, name, path, target=None):
        if name != "chromadb.api.rust":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        try:
            with open(spec.origin, encoding="utf-8") as file:
                source = file.read()
        except (AttributeError, OSError, ValueError) as error:
            skipped("few_indexes", f"{name} cannot be looked at ({error})")
            return spec
        if source.count(MADE) == 1 and IMPORTED in source and all(f"self.bindings.{name}(" in source for name in LOADING):
            spec.loader = FewIndexesLoader(spec.loader)
        else:
            skipped("few_indexes", f"{spec.origin} is not laid out as it was")
        return spec


if "few_indexes" in MEASURES:
    sys.meta_path.insert(0, FewIndexes())
