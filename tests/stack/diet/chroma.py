"""Chroma under Open WebUI's measure: every question over several documents finds all of them.

Arguments: our modules' folder, Chroma's folder, how many collections, whether others add, ask and delete
meanwhile, and how many files may be open if fewer than now. Chroma keeps a fifth as many indexes.
"""

import random
import resource
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])
import diet  # noqa: F401
import diet_indexes  # noqa: F401
import chromadb

CHUNKS, NUMBERS = 10, 64
AT_ONCE = 6
folder, count, meanwhile = sys.argv[2], int(sys.argv[3]), sys.argv[4] == "meanwhile"
if sys.argv[5:]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[5]), int(sys.argv[5])))
questions = 60 if meanwhile else 200
client = chromadb.PersistentClient(folder)
chance = random.Random(1)


def vectors():
    return [[chance.random() for _ in range(NUMBERS)] for _ in range(CHUNKS)]


def add(name):
    client.get_or_create_collection(name, metadata={"hnsw:space": "cosine"}).upsert(
        ids=[f"{name}-{number}" for number in range(CHUNKS)],
        embeddings=vectors(),
        documents=["text"] * CHUNKS,
    )


def ask(name):
    try:
        found = client.get_collection(name).query(query_embeddings=[[0.1] * NUMBERS], n_results=CHUNKS)["ids"][0]
        return sorted(found) == sorted(f"{name}-{number}" for number in range(CHUNKS)) or f"{name}: {found}"
    except Exception as error:  # as Open WebUI leaves such a document out
        return f"{name}: {error}"


def come_and_go(who):
    """Documents of its own, each found whole, then with one chunk less, then gone."""
    turn = 0
    while not ended.is_set():
        turn += 1
        name = f"own-{who}-{turn}"
        add(name)
        lost.update([ask(name)] if ask(name) is not True else [])
        collection = client.get_collection(name)
        collection.delete(ids=[f"{name}-0"])
        left = collection.get()["ids"]
        if len(left) != CHUNKS - 1:
            lost.add(f"{name} after a deletion: {left}")
        client.delete_collection(name)
        turns[who] = turn


lost, turns, ended = set(), {}, threading.Event()
names = [f"file-{number}" for number in range(count)]
for one in names:
    add(one)
others = [threading.Thread(target=come_and_go, args=(who,)) for who in range(3 if meanwhile else 0)]
for other in others:
    other.start()
with ThreadPoolExecutor(AT_ONCE) as pool:
    for _ in range(questions):
        lost.update(said for said in pool.map(ask, chance.sample(names, AT_ONCE)) if said is not True)
ended.set()
for other in others:
    other.join()
assert len(turns) == len(others), turns
print("lost:", sorted(lost))
