"""What functions and tools of Open WebUI do with what the diet touches.

Argument: our modules' folder.
"""

import inspect
import pickle
import sys
import threading
import typing

sys.path.insert(0, sys.argv[1])
import webui_app  # noqa: F401: as it runs
from pydantic import BaseModel, TypeAdapter, create_model


class Inner(BaseModel):
    number: int = 1


class Outer(BaseModel):
    inner: Inner
    anything: typing.Any = None


class Node(BaseModel):
    value: int
    after: "Node | None" = None


class Valves(BaseModel):
    key: str = "secret"
    limit: int | None = None

    def of(self):
        return self.limit


# Instances that their own class has not validated, serialised by a field of any type.
inner = Outer.model_validate({"inner": {"number": 2}}).inner
print(Outer(inner=inner, anything=inner).model_dump(), Outer(inner=inner, anything=inner).model_dump_json())
print(Outer(inner=inner, anything=[Inner.model_construct(number=3)]).model_dump_json())
print(TypeAdapter(typing.Any).dump_python(Node.model_validate({"value": 1, "after": {"value": 2}}).after))
print(TypeAdapter(typing.Any).dump_json(create_model("Made", number=(int, 4))()))
for model in (Inner, Outer, Node, Valves):
    print(model.__name__, inspect.signature(model), typing.get_type_hints(model), model.__pydantic_complete__)
    print(model.model_json_schema())
print(inspect.signature(Valves.of), pickle.loads(pickle.dumps(Valves(limit=3))))

# Open WebUI's own models, of which a plugin imports some.
from open_webui.models.chats import ChatModel
from open_webui.models.files import FileModel
from open_webui.models.users import UserModel

for model in (ChatModel, FileModel, UserModel):
    print(model.__name__, inspect.signature(model), model.model_json_schema())

# The client of vectors, as it has been imported since long before there was a function for it.
found = []


def take():
    from open_webui.retrieval.vector.factory import VECTOR_DB_CLIENT

    found.append(VECTOR_DB_CLIENT)


threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
from open_webui.retrieval.vector import factory

print(sorted({type(one).__name__ for one in found}), len({id(one) for one in found}))
print(factory.VECTOR_DB_CLIENT is found[0], factory.get_vector_db_client() is found[0], "VECTOR_DB_CLIENT" in dir(factory))
space = {}
exec("from open_webui.retrieval.vector.factory import *", space)
print(space["VECTOR_DB_CLIENT"] is found[0], factory.VECTOR_DB_CLIENT.has_collection("there is none"))

import chromadb

print(chromadb.DEFAULT_TENANT, chromadb.DEFAULT_DATABASE, chromadb.PersistentClient.__module__, len(dir(chromadb)))
