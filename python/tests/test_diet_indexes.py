"""The bound on what Chroma, Open WebUI's store of vectors, keeps in memory.

What it promises to threads and calls is looked at on a native part that counts; that it is around Chroma's own, and
that no answer gets lost, on Chroma.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Service, replaced

import diet_indexes

if TYPE_CHECKING:
    from collections.abc import Callable

RUST = "chromadb/api/rust.py"


class PanicException(BaseException):
    """By its name, what a panic of the native part is."""


class Native:
    """How many were made before it, and the collections that it keeps in memory."""

    made = 0
    broken: BaseException | None = None
    version = 1

    def __init__(self) -> None:
        if Native.broken is not None:
            raise Native.broken
        Native.made += 1
        self.number = Native.made
        self.kept: set[str] = set()

    def keep(self, collection: str, meanwhile: Callable[[], object] | None = None) -> tuple[int, int]:
        self.kept.add(collection)
        if meanwhile is not None:
            meanwhile()
        return self.number, len(self.kept)

    def add(self, ids: list[str], collection: str, meanwhile: Callable[[], object] | None = None) -> tuple[int, int]:
        return self.keep(collection, meanwhile)

    def query(self, collection: str, ids: list[str], tenant: str) -> tuple[int, int]:
        return self.keep(collection)

    def get_collection(self, name: str) -> int:
        return self.number


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Native, "made", 0)
    monkeypatch.setattr(Native, "broken", None)
    return diet_indexes.Bounded(Native)


def add(bounded: Any, collection: str, meanwhile: Callable[[], object] | None = None) -> Any:
    return bounded.add(["id"], collection, meanwhile)


def test_the_native_part_is_made_anew_after_a_few_collections(bounded: Any) -> None:
    for number in range(20):
        last = add(bounded, str(number % 10))
    # 0 to 7, 8 to 5, 6 to 9.
    assert (last, bounded.get_collection("name"), bounded.version) == ((3, 4), 3, 1)


def test_collections_in_use_are_no_new_ones(bounded: Any) -> None:
    for number in range(100):
        # Before each question Open WebUI asks whether there is such a collection.
        bounded.get_collection("any")
        last = bounded.query(str(number % 8), ["id"], "tenant")
    assert last == (1, 8)


def test_another_thread_in_the_middle_of_a_call_is_not_disturbed(bounded: Any) -> None:
    inside, leave = threading.Event(), threading.Event()
    said = []

    def wait() -> None:
        inside.set()
        leave.wait(60)

    slow = threading.Thread(target=lambda: said.append(add(bounded, "slow", wait)))
    slow.start()
    inside.wait(60)
    for number in range(20):
        last = add(bounded, str(number))
    leave.set()
    slow.join()
    assert (last, said, add(bounded, "next")) == ((1, 21), [(1, 21)], (2, 1))


@pytest.mark.parametrize("bound", [True, False])
def test_calls_that_never_pause_are_made_to(bounded: Any, bound: bool) -> None:
    # Each of two threads begins a call before the other ends its own, as far as it may.
    part = bounded if bound else Native()
    both = threading.Barrier(2)

    def meet() -> None:
        try:
            both.wait(0.2)
        except threading.BrokenBarrierError:
            both.reset()

    def ask(who: str) -> None:
        for number in range(100):
            add(part, f"{who} {number}", meet)

    before = Native.made
    threads = [threading.Thread(target=ask, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, kept = add(part, "last")
    assert (Native.made > before, kept <= diet_indexes.MOST) == (bound, bound)


def test_a_call_within_a_call_does_not_wait_for_it(bounded: Any) -> None:
    assert add(bounded, "outer", lambda: [add(bounded, f"inner {number}") for number in range(100)]) == (1, 101)
    assert add(bounded, "after") == (2, 1)


def test_no_call_meets_another_native_part_than_those_at_work(bounded: Any) -> None:
    for number in range(8):
        add(bounded, str(number))
    inner = []
    # The outer call comes when nothing is under way, and is; the inner ones are not to be cut.
    assert add(bounded, "outer", lambda: inner.append(add(bounded, "inner"))) == (2, 2)
    assert (inner, add(bounded, "after")) == ([(2, 2)], (2, 3))


@pytest.mark.parametrize("error", [OSError("no file"), PanicException("no file")])
def test_what_cannot_be_made_anew_goes_on_as_it_is(
    bounded: Any, error: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    Native.broken = error
    for number in range(10):
        last = add(bounded, str(number))
    assert last == (1, 10)
    assert capfd.readouterr().err.count("WARNING: Chroma's indexes stay in memory: no file") == 1


def test_what_is_to_end_the_process_ends_it(bounded: Any) -> None:
    Native.broken = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        for number in range(10):
            add(bounded, str(number))


def test_a_call_that_fails_is_no_longer_under_way(bounded: Any) -> None:
    def fail() -> None:
        raise ValueError("as it does")

    for number in range(9):
        with pytest.raises(ValueError, match="as it does"):
            add(bounded, str(number), fail)
    assert bounded.get_collection("name") == 2


def chroma(folder: str | None) -> None:
    """Twenty collections in turn, each asked for what it has: how many native parts, and how large their caches."""
    import chromadb
    import chromadb_rust_bindings as native

    made = []

    class Bindings:
        def __new__(cls, *arguments: Any, **options: Any) -> Any:
            made.append(options["hnsw_cache_size"])
            return bindings(*arguments, **options)

    bindings, native.Bindings = native.Bindings, Bindings
    client = chromadb.PersistentClient(folder) if folder else chromadb.EphemeralClient()
    for number in range(20):
        collection = client.get_or_create_collection(f"collection-{number}")
        collection.add(ids=["one", "two"], embeddings=[[0.1, 0.2], [0.3, 0.4]], documents=["first", "second"])
    for number in range(20):
        collection = client.get_collection(f"collection-{number}")
        found = collection.query(query_embeddings=[[0.3, 0.4]], n_results=2)
        assert found["ids"] == [["two", "one"]] and found["documents"] == [["second", "first"]], found
    print(len(made), min(made))


FIRST = ["diet", "diet_indexes"]


def test_chroma_s_native_part_is_made_anew_and_its_cache_never_throws_an_index_out(open_webui: Service) -> None:
    usual = open_webui.run(chroma, "there", first=FIRST).split()
    assert usual[0] == "1"
    number, size = open_webui.run(chroma, "there", first=FIRST, measures="few_indexes").split()
    assert int(number) == 5
    # All that may be in memory, and one more, in one of its shards; or what Chroma has by itself.
    assert int(size) == max(diet_indexes.SHARDS * (diet_indexes.MOST + 1), int(usual[1]))


def test_what_is_kept_in_memory_alone_is_never_made_anew(open_webui: Service) -> None:
    assert open_webui.run(chroma, None, first=FIRST, measures="few_indexes").split()[0] == "1"


def test_a_native_part_that_is_used_otherwise_stays_as_it_is_with_a_warning(open_webui: Service) -> None:
    changed = {RUST: replaced("        self.bindings = chromadb", "        self.native = self.bindings = chromadb")}
    said = open_webui.run(chroma, "there", first=FIRST, measures="few_indexes", changed=changed)
    assert said.startswith("1 ")
    assert f"WARNING: the diet's few_indexes is skipped: @/{RUST} is not laid out as it was" in said
