//! The bound on Chroma's indexes, by Python, on a stand-in for Chroma's native part.

use super::tests::run;

const RUST: &str = "\
import os
import chromadb_rust_bindings

class RustBindingsAPI:
    bindings: chromadb_rust_bindings.Bindings

    def __init__(self):
        self.hnsw_cache_size = 200

    def start(self, persist_path='here'):
        self.bindings = chromadb_rust_bindings.Bindings(
            persist_path=persist_path,
            hnsw_cache_size=self.hnsw_cache_size,
        )

    def add(self, collection, meanwhile=None):
        return self.bindings.add(['id'], collection, [[0.1]], meanwhile)

    def query(self, collection):
        return self.bindings.query(collection, ['id'], 'tenant')

    def others(self):
        'self.bindings.update( self.bindings.upsert( self.bindings.get('
        'self.bindings.count( self.bindings.delete('
";

const NATIVE: &str = "\
class PanicException(BaseException):
    pass

class Bindings:
    made = 0
    broken = None
    version = 1

    def __init__(self, persist_path, hnsw_cache_size):
        if Bindings.broken:
            raise Bindings.broken
        Bindings.made += 1
        self.number = Bindings.made
        self.cache = hnsw_cache_size
        self.kept = set()

    def keep(self, collection, meanwhile=None):
        self.kept.add(collection)
        if meanwhile:
            meanwhile()
        return f'{self.number}: {len(self.kept)}'

    def add(self, ids, collection, vectors, meanwhile):
        return self.keep(collection, meanwhile)

    def query(self, collection, ids, tenant):
        return self.keep(collection)

    def get_collection(self, name):
        return self.number
";

/// What is said by a script that has Chroma's client at hand.
fn indexes(rust: &str, measures: &str, script: &str) -> String {
    let files = [
        ("chromadb/__init__.py", ""),
        ("chromadb/api/__init__.py", ""),
        ("chromadb/api/rust.py", rust),
        ("chromadb_rust_bindings.py", NATIVE),
    ];
    let script = format!(
        "import diet, diet_indexes, chromadb_rust_bindings as native
from chromadb.api.rust import RustBindingsAPI
api = RustBindingsAPI()
api.start()
{script}"
    );
    run(&files, measures, &script)
}

const TWENTY: &str = "for number in range(20): last = api.add(str(number % 10))
print(last, api.bindings.get_collection('name'), api.bindings.version)";

#[test]
fn the_native_part_is_made_anew_after_a_few_collections() {
    assert_eq!(indexes(RUST, "", TWENTY), "1: 10 1 1\n");
    // 0 to 7, 8 to 5, 6 to 9.
    assert_eq!(indexes(RUST, "few_indexes", TWENTY), "3: 4 3 1\n");
}

#[test]
fn collections_in_use_are_no_new_ones() {
    // Before each question Open WebUI asks whether there is such a collection.
    let script = "for number in range(100):
    api.bindings.get_collection('any')
    last = api.query(str(number % 8))
print(last)";
    assert_eq!(indexes(RUST, "few_indexes", script), "1: 8\n");
}

#[test]
fn the_cache_never_throws_an_index_out() {
    let script = "print(api.bindings.cache)";
    // All that may be in memory, and one more, in one of its 64 shards.
    assert_eq!(indexes(RUST, "few_indexes", script), "4160\n");
    let more = RUST.replace("= 200", "= 209715");
    assert_eq!(indexes(&more, "few_indexes", script), "209715\n");
}

#[test]
fn what_is_kept_in_memory_alone_is_never_made_anew() {
    let script = format!("api.start(None)\n{TWENTY}");
    assert_eq!(indexes(RUST, "few_indexes", &script), "2: 10 2 1\n");
}

#[test]
fn another_thread_in_the_middle_of_a_call_is_not_disturbed() {
    let script = "import threading
inside, leave = threading.Event(), threading.Event()
said = []
def wait():
    inside.set()
    leave.wait(60)
slow = threading.Thread(target=lambda: said.append(api.add('slow', wait)))
slow.start()
inside.wait(60)
for number in range(20): last = api.add(str(number))
leave.set()
slow.join()
print(last, said, api.add('next'))";
    assert_eq!(
        indexes(RUST, "few_indexes", script),
        "1: 21 ['1: 21'] 2: 1\n"
    );
}

#[test]
fn calls_that_never_pause_are_made_to() {
    // Each of two threads begins a call before the other ends its own, as far as it may.
    let script = "import threading
both = threading.Barrier(2)
def meet():
    try: both.wait(0.2)
    except threading.BrokenBarrierError: both.reset()
def ask(who):
    for number in range(100): api.add(f'{who} {number}', meet)
threads = [threading.Thread(target=ask, args=(who,)) for who in 'ab']
for thread in threads: thread.start()
for thread in threads: thread.join()
[number, kept] = api.add('last').split(': ')
print(int(number) > 1, int(kept) <= 64)";
    assert_eq!(indexes(RUST, "few_indexes", script), "True True\n");
    assert_eq!(indexes(RUST, "", script), "False False\n");
}

#[test]
fn a_call_within_a_call_does_not_wait_for_it() {
    let script = "def deeper(): [api.add(f'inner {number}') for number in range(100)]
print(api.add('outer', deeper))
print(api.add('after'))";
    assert_eq!(indexes(RUST, "few_indexes", script), "1: 101\n2: 1\n");
}

#[test]
fn no_call_meets_another_native_part_than_those_at_work() {
    let script = "for number in range(8): api.add(str(number))
print(api.add('outer', lambda: print(api.add('inner'))))
print(api.add('after'))";
    // The outer call comes when nothing is under way, and is; the inner ones are not to be cut.
    assert_eq!(indexes(RUST, "few_indexes", script), "2: 2\n2: 2\n2: 3\n");
    let script = "def deeper(): [api.add(f'inner {number}') for number in range(20)]
print(api.add('outer', deeper))
print(api.add('after'))";
    assert_eq!(indexes(RUST, "few_indexes", script), "1: 21\n2: 1\n");
}

#[test]
fn what_cannot_be_made_anew_goes_on_as_it_is() {
    for error in ["OSError('no file')", "native.PanicException('no file')"] {
        let script = format!(
            "native.Bindings.broken = {error}
for number in range(10): last = api.add(str(number))
print(last)"
        );
        let said = indexes(RUST, "few_indexes", &script);
        assert!(said.contains("1: 10\n"), "{said}");
        let warning = "WARNING: Chroma's indexes stay in memory: no file";
        assert_eq!(said.matches(warning).count(), 1, "{said}");
    }
}

#[test]
fn a_call_that_fails_is_no_longer_under_way() {
    let script = "def fail(): raise ValueError('as it does')
for number in range(9):
    try: api.add(str(number), fail)
    except ValueError as error: said = error
print(said, api.bindings.get_collection('name'))";
    assert_eq!(indexes(RUST, "few_indexes", script), "as it does 2\n");
}

#[test]
fn a_native_part_that_is_used_otherwise_stays_as_it_is_with_a_warning() {
    let rust = RUST.replace(
        "self.bindings = chromadb",
        "self.native = self.bindings = chromadb",
    );
    let said = indexes(&rust, "few_indexes", TWENTY);
    assert!(said.contains("rust.py is not laid out as it was"), "{said}");
    assert!(said.contains("1: 10 1 1\n"), "{said}");
}
