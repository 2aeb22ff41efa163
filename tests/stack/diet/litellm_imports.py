"""What LiteLLM and its callbacks do with what is imported late: every name, by every way to ask for it, from
several threads at once.

Argument: our modules' folder.
"""

import importlib
import inspect
import pickle
import pkgutil
import sys
import typing
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])
import gateway_app  # noqa: F401: as it runs, and from then on from several threads

PACKAGES = ["openai.types", "openai.types.chat", "openai.types.responses", "openai.types.beta", "mcp", "mcp.types",
            "mcp.client", "mcp.server"]


def said_of(value):
    if inspect.ismodule(value):
        return f"module {value.__name__}"
    if inspect.isclass(value) or inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__}"
    return type(value).__name__


def names(package):
    module = importlib.import_module(package)
    exported = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    return sorted(exported)


def look(package):
    """Each name of a package's own source, whoever asks first."""
    space, module = {}, importlib.import_module(package)
    own = sorted(space_of(package))
    for name in own:
        exec(f"from {package} import {name}", space)
        assert space[name] is getattr(module, name), name
        assert name in dir(module) and hasattr(module, name), name
    assert not hasattr(module, "there_is_no_such_name")
    try:
        exec(f"from {package} import there_is_no_such_name", {})
    except ImportError as error:
        missing = type(error).__name__
    return [package, missing, *(f"{name}: {said_of(space[name])}" for name in own)]


def space_of(package):
    """The names that a package's source brings in, read without executing it."""
    import ast

    with open(importlib.import_module(package).__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return {
        alias.asname or alias.name
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and statement.module != "__future__"
        for alias in statement.names
        if alias.name != "*" and not alias.name.startswith("_")
    }


with ThreadPoolExecutor(8) as pool:
    found = list(pool.map(look, PACKAGES * 2))
assert found[: len(PACKAGES)] == found[len(PACKAGES) :]
for one in found[: len(PACKAGES)]:
    print(*one, sep="\n")

# A model that comes from two places is one.
import openai.types.chat
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion

usage = CompletionUsage(completion_tokens=1, prompt_tokens=2, total_tokens=3)
print(isinstance(usage, openai.types.completion_usage.CompletionUsage), pickle.loads(pickle.dumps(usage)) == usage)
print(ChatCompletion.model_fields["usage"].annotation, openai.types.chat.ChatCompletion is ChatCompletion)
print(sorted(module.name for module in pkgutil.iter_modules(openai.types.chat.__path__))[:5])

# The database client's types, from several threads at once.
import prisma
import prisma.types

with ThreadPoolExecutor(8) as pool:
    print(set(pool.map(lambda _: len([name for name in dir(prisma.types) if name[0] != "_"]), range(8))))
print(prisma.types.SortOrder, prisma.types.DatasourceOverride.__module__)
where = prisma.types.LiteLLM_VerificationTokenWhereInput
print(where.__module__, len(typing.get_type_hints(where)), issubclass(where, dict), pickle.loads(pickle.dumps(where)) is where)
space = {}
exec("from prisma.types import *", space)
print(len(space))

# A cloud's client, an audio file's reader, and a library's command line, for whoever comes first.
import boto3
import httpx
import soundfile

print(boto3.Session.__module__, boto3.__version__, "resource" in dir(boto3), inspect.getsource(boto3.client)[:20])
print(soundfile.SoundFile.__module__, "FLAC" in soundfile.available_formats())
with ThreadPoolExecutor(8) as pool:
    assert set(pool.map(lambda _: id(httpx.main), range(8))) == {id(httpx._main.main)}
print(httpx.main, type(httpx.main), httpx.main.__module__, httpx.main.name, [one.name for one in httpx.main.params][:3])
print("main" in vars(httpx), "main" in dir(httpx), "_main" in dir(httpx), pickle.loads(pickle.dumps(httpx.codes.OK)))
import boto3.session

print(boto3.session.Session is boto3.Session)
