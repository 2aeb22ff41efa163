"""What makes LiteLLM and Open WebUI small and quick to start, without changing what they do.

Imported before everything else. `AI_GATEWAY_DIET` names the measures, separated by spaces; each is
a key of `[diet]` in gateway.toml. A measure looks first whether what it is for still looks as it
did when it was written: if not, it says so and does nothing.
"""

import functools
import gc
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from importlib.machinery import PathFinder
from types import ModuleType

MEASURES = frozenset(os.environ.get("AI_GATEWAY_DIET", "").split())


def skipped(measure, why):
    print(f"WARNING: the diet's {measure} is skipped: {why}", file=sys.stderr, flush=True)


class Later(ModuleType):
    """A module that is executed when something is asked of it that it does not have yet.

    It is executed in its own namespace, so afterwards nothing tells it from one that was there from
    the beginning.
    """

    def __getattribute__(self, name):
        # `import *`, `vars` and `typing.get_type_hints` read the namespace itself.
        if name == "__dict__":
            execute(self)
        return ModuleType.__getattribute__(self, name)

    def __getattr__(self, name):
        # Asked for by whoever imports, and answered by the whole module's lack of it as well.
        if name in ("__path__", "__wrapped__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if execute(self):
            return getattr(self, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self):
        execute(self)
        return ModuleType.__dir__(self)


LOADERS = {}
EXECUTING = set()
# Reentrant: a module that is being executed imports others, which look at it.
ONE_AT_A_TIME = threading.RLock()


def execute(module):
    """Executes a module that was put off, and says whether it is whole."""
    with ONE_AT_A_TIME:
        name = ModuleType.__getattribute__(module, "__name__")
        # The import system looks at it before it is put off, the module at itself meanwhile.
        if name in LOADERS and name not in EXECUTING:
            EXECUTING.add(name)
            try:
                LOADERS[name].exec_module(module)
            finally:
                EXECUTING.discard(name)
            del LOADERS[name]
            module.__class__ = ModuleType
        return type(module) is ModuleType


class LaterLoader:
    """Makes a module with what `early` says, and keeps its real loader for later."""

    def __init__(self, loader, early):
        self.loader = loader
        self.early = early

    def create_module(self, spec):
        return Later(spec.name)

    def exec_module(self, module):
        if type(module) is ModuleType:  # `importlib.reload`
            self.loader.exec_module(module)
            return
        for name, value in self.early().items():
            setattr(module, name, value)
        LOADERS[module.__name__] = self.loader

    def __getattr__(self, name):
        # `inspect`, `pkgutil` and `linecache` ask for sources and names.
        return getattr(self.loader, name)


TAKEN = []


class Measure:
    """A finder that lets `change` have a say about the specification of the modules it is for.

    The first that is asked for a module has all have their say that it concerns, as they were taken.
    One that gives a module another source has to be the first of them.
    """

    def find_spec(self, name, path, target=None):
        if not self.concerns(name):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            for measure in TAKEN:
                if measure.concerns(name):
                    measure.look(spec)
        return spec

    def look(self, spec):
        try:
            with open(spec.origin, encoding="utf-8") as file:
                expected = self.change(spec, file.read())
        except (OSError, SyntaxError, ValueError) as error:
            skipped(self.key, f"{spec.origin} cannot be looked at ({error})")
            return
        if not expected:
            skipped(self.key, f"{spec.origin} is not laid out as it was")

    def concerns(self, name):
        return name in self.modules


class AroundLoader:
    """Executes a module as its own loader does, between what `around` does before and after."""

    def __init__(self, loader, around):
        self.loader = loader
        self.around = around

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        steps = self.around(module)
        next(steps)
        try:
            self.loader.exec_module(module)
        except BaseException as error:
            steps.throw(error)
            raise
        next(steps, None)

    def __getattr__(self, name):
        return getattr(self.loader, name)


class Around(Measure):
    """A measure that does its `around` where a source has each text as often as `EXPECTED` says."""

    EXPECTED = {}

    def change(self, spec, source):
        if any(source.count(text) != count for text, count in self.EXPECTED.items()):
            return False
        spec.loader = AroundLoader(spec.loader, self.around)
        return True


def take(*measures):
    """Puts those before the import system that are taken."""
    for measure in measures:
        if measure.key in MEASURES:
            TAKEN.append(measure())
            sys.meta_path.insert(0, TAKEN[-1])


# The last line of the head of the file is the last of these.
HEAD = """
SortMode = _types.SortMode
SortOrder = _types.SortOrder

MetricsFormat = _types.MetricsFormat

DatasourceOverride = _types.DatasourceOverride
HttpConfig = _types.HttpConfig
"""
FIRST = "# -*- coding: utf-8 -*-\n# code generated by Prisma. DO NOT EDIT.\n"
TAIL = "\nfrom . import types, enums, models, fields\n"


def types_of_prisma_are_as_expected(path):
    with open(path, encoding="utf-8") as file:
        head = file.read(8192)
    with open(path, "rb") as file:
        file.seek(-len(TAIL) - 64, os.SEEK_END)
        tail = file.read().decode().rstrip() + "\n"
    return head.startswith(FIRST) and HEAD in head and tail.endswith(TAIL)


def early_types_of_prisma():
    from prisma import _types

    names = ("SortMode", "SortOrder", "MetricsFormat", "DatasourceOverride", "HttpConfig")
    return {name: getattr(_types, name) for name in names}


class LazyTypes:
    """Puts off `prisma.types`: 10 MB of generated types that only type checkers read."""

    def find_spec(self, name, path, target=None):
        if name != "prisma.types":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        try:
            expected = types_of_prisma_are_as_expected(spec.origin)
        except (AttributeError, OSError, ValueError) as error:
            skipped("lazy_types", f"prisma/types.py cannot be looked at ({error})")
            return spec
        if expected:
            spec.loader = LaterLoader(spec.loader, early_types_of_prisma)
        else:
            skipped("lazy_types", f"{spec.origin} is not laid out as it was")
        return spec


def begin():
    if "lazy_types" in MEASURES:
        sys.meta_path.insert(0, LazyTypes())
    if "short_changelog" in MEASURES:
        sys.meta_path.insert(0, ShortChangelog())
    take(LazyVectors)
    if "late_gc" in MEASURES:
        # What an import makes stays, and every turn of the collector looks at all of it again:
        # once is enough.
        gc.set_threshold(50_000, 1_000_000, 1_000_000)


# What `/api/changelog` answers with.
VERSIONS = 5
CHANGELOG_BEGINS = "# Convert markdown content to HTML\nhtml_content = markdown.markdown(changelog_content)\n"
CHANGELOG_ENDS = "\nCHANGELOG = changelog_json\n"
CHANGELOG_IN_MAIN = "{key: CHANGELOG[key] for idx, key in enumerate(CHANGELOG) if idx < 5}"


def newest(changelog):
    """The beginning of a changelog, up to the end of its newest versions."""
    parts = changelog.split("\n## [", VERSIONS + 1)
    return "\n## [".join(parts[: VERSIONS + 1])


def making_of_the_changelog(env):
    """The statements that make it of its text, if it is made and used as it was; or else nothing."""
    with open(env, encoding="utf-8") as file:
        in_env = file.read()
    with open(os.path.join(os.path.dirname(env), "main.py"), encoding="utf-8") as file:
        in_main = file.read()
    _, begins, rest = in_env.partition(CHANGELOG_BEGINS)
    statements, ends, _ = rest.partition(CHANGELOG_ENDS)
    # In main.py its import and the one answer.
    used = CHANGELOG_IN_MAIN in in_main and len(re.findall(r"\bCHANGELOG\b", in_main)) == 3
    return begins + statements + ends if begins and ends and used else None


class ChangelogWhenRead(Mapping):
    """Stands for the changelog, and makes it when it is read."""

    def __init__(self, module, text, statements):
        self.module, self.text, self.statements = module, text, statements

    @functools.cached_property
    def made(self):
        names = {**self.module.__dict__, "changelog_content": self.text}
        exec(compile(self.statements, self.module.__file__, "exec", dont_inherit=True), names)
        return names["CHANGELOG"]

    def __getitem__(self, version):
        return self.made[version]

    def __iter__(self):
        return iter(self.made)

    def __len__(self):
        return len(self.made)


def without_changelog(statements, module):
    """Has `open_webui.env` executed with no changelog, and gives it one that is made when it is read."""
    import markdown

    whole = markdown.markdown

    def nothing(text):
        # Once: it is the only text that this module converts.
        markdown.markdown = whole
        return ""

    markdown.markdown = nothing
    try:
        yield
    finally:
        markdown.markdown = whole
    text = newest(module.changelog_content)
    module.CHANGELOG = ChangelogWhenRead(module, text, statements)
    # Nobody asks for what is left over of making the answer.
    for name in ("soup", "html_content", "changelog_content", "changelog_json"):
        module.__dict__.pop(name, None)


class ShortChangelog:
    """Open WebUI makes a tree of its whole changelog at each start, and shows five versions to whoever asks."""

    def find_spec(self, name, path, target=None):
        if name != "open_webui.env":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        try:
            statements = making_of_the_changelog(spec.origin)
        except (AttributeError, OSError, ValueError) as error:
            skipped("short_changelog", f"Open WebUI cannot be looked at ({error})")
            return spec
        if statements:
            spec.loader = AroundLoader(spec.loader, functools.partial(without_changelog, statements))
        else:
            skipped("short_changelog", f"{spec.origin} uses its changelog in another way")
        return spec


CHROMA_DEFAULTS = re.compile(r'^(DEFAULT_TENANT|DEFAULT_DATABASE) = "(\w+)"$', re.MULTILINE)
VECTORS_AT_ONCE = "\nVECTOR_DB_CLIENT = None if USE_SLIM else Vector.get_vector(VECTOR_DB)\n"
VECTORS_LATER = "\nVECTOR_DB_CLIENT = None\n"
VECTORS_WHEN_ASKED_FOR = """
def get_vector_db_client() -> VectorDBBase:
    \"""Initialize slim's remote client on first use so chat can start without it.\"""
    global VECTOR_DB_CLIENT
    if VECTOR_DB_CLIENT is not None:
        return VECTOR_DB_CLIENT
    with _vector_client_lock:
        if VECTOR_DB_CLIENT is None:
"""


class EditedLoader:
    """Executes a module's source with one text in the place of another."""

    def __init__(self, loader, source):
        self.loader = loader
        self.source = source

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        code = compile(self.source, module.__spec__.origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)

    def __getattr__(self, name):
        return getattr(self.loader, name)


class LazyVectors(Measure):
    """Puts off Chroma, the store of documents' vectors, until a document is asked for.

    Open WebUI can make its client at first use, and does where it is built without Chroma; here
    it does so with it. Its configuration needs no more of the package than two constants.
    """

    key = "lazy_vectors"
    modules = {"chromadb", "open_webui.retrieval.vector.factory"}

    def change(self, spec, source):
        return self.package(spec, source) if spec.name == "chromadb" else self.factory(spec, source)

    @staticmethod
    def package(spec, source):
        with open(os.path.join(os.path.dirname(spec.origin), "config.py"), encoding="utf-8") as file:
            early = dict(CHROMA_DEFAULTS.findall(file.read()))
        if len(early) != 2 or "\nfrom chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, " not in source:
            return False
        spec.loader = LaterLoader(spec.loader, lambda: early)
        return True

    @staticmethod
    def factory(spec, source):
        if source.count(VECTORS_AT_ONCE) != 1 or VECTORS_WHEN_ASKED_FOR not in source:
            return False
        spec.loader = EditedLoader(spec.loader, source.replace(VECTORS_AT_ONCE, VECTORS_LATER))
        return True


def started():
    """What was made so far stays: the collector need not look at it ever again.

    Without a whole turn before, which takes 0.3 s of either start and finds little: answers of LiteLLM's
    query engine that were read, and Open WebUI's migrations with their tables, 3,000 objects together.
    What is young is looked at, in 12 ms.

    From here on a turn stops every request that is under way. A young generation of 50,000 is looked
    at in 20 ms, and chats on one connection have their 99th percentile there; one of 10,000 in 4 ms.
    """
    if "late_gc" in MEASURES:
        gc.collect(0)
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)


def left(imported, started):
    """Leaves the two moments in the service's folder, for `ai-gateway blame`."""
    try:
        with open("start-moments", "w", encoding="ascii") as file:
            file.write(f"{imported} {started}\n")
    except OSError:
        pass  # nobody's start fails for want of figures about it


def watched(app):
    """The application, and `started` when it has."""
    imported = time.monotonic_ns()

    async def watching(scope, receive, send):
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def send_and_look(message):
            if message["type"] == "lifespan.startup.complete":
                started()
                left(imported, time.monotonic_ns())
            await send(message)

        await app(scope, receive, send_and_look)

    return watching


begin()
