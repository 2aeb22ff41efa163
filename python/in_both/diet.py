"""What makes LiteLLM and Open WebUI small and quick to start, without changing what they do.

Imported before everything else. `AI_GATEWAY_DIET` names the measures, separated by spaces; each is
a key of `[diet]` in gateway.toml. A measure looks first whether what it is for still looks as it
did when it was written: if not, it says so and does nothing. What was skipped is in
`diet-skipped.json` beside this file, from the end of the service's start on, for `ai-gateway status`
and `doctor`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
from importlib.machinery import PathFinder
from importlib.util import spec_from_loader
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from importlib.machinery import ModuleSpec

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    class Spec(ModuleSpec):
        """Of a module that was found in a file. Any loader may take the place of its own."""

        origin: str
        loader: Any

    # What is done before a module is executed, and after.
    Steps = Generator[None]


# The import system's own locks, by which it also sees when two threads would wait for each other.
try:
    from importlib._bootstrap import _DeadlockError, _get_module_lock  # type: ignore[attr-defined]
except ImportError as missing:
    _get_module_lock, WITHOUT_LOCKS = None, str(missing)

MEASURES = frozenset(os.environ.get("AI_GATEWAY_DIET", "").split())
SKIPPED: list[dict[str, str]] = []
# Set-up executes this text without a file, to compile what is imported with it.
FOLDER = os.path.dirname(os.path.abspath(globals().get("__file__", "diet.py")))


class Started:
    """How far the service's start is. From its end on each measure that is skipped is written out at once."""

    imported = False
    yet = False


def skipped(measure: str, why: str) -> None:
    print(f"WARNING: the diet's {measure} is skipped: {why}", file=sys.stderr, flush=True)
    entry = {"measure": measure, "reason": why}
    if entry not in SKIPPED:
        SKIPPED.append(entry)
    if Started.yet:
        write_skipped()


def write_skipped() -> None:
    """Says what was skipped, whole or not at all. Workers of one service are told the same and skip the same."""
    path = os.path.join(FOLDER, "diet-skipped.json")
    own = f"{path}.{os.getpid()}.{threading.get_ident()}"
    try:
        with open(own, "w", encoding="utf-8") as file:
            json.dump(SKIPPED, file)
        os.replace(own, path)
    except OSError as error:
        print(f"WARNING: {path} cannot be written: {error}", file=sys.stderr, flush=True)


class Later(ModuleType):
    """A module that is executed when something is asked of it that it does not have yet.

    It is executed in its own namespace, so afterwards nothing tells it from one that was there from
    the beginning. Who asks for something of it while another thread executes it waits for the whole.
    """

    def __getattribute__(self, name: str) -> Any:
        # `import *`, `vars` and `typing.get_type_hints` read the namespace itself, and who imports a module
        # of a package asks for its path: that comes after the package.
        if name == "__dict__" or is_executed_by_another(self) or (name == "__path__" and is_package(self)):
            execute(self)
        return ModuleType.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        # Asked for by whoever imports, and answered by the whole module's lack of it as well.
        if name in ("__path__", "__wrapped__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if execute(self):
            return getattr(self, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> Iterable[str]:
        execute(self)
        return ModuleType.__dir__(self)


LOADERS: dict[str, Any] = {}
# The names of all that were, whether they have been executed since or not.
PUT_OFF: set[str] = set()
# By a module's name: the thread that executes it.
EXECUTING: dict[str, int] = {}


def is_package(module: ModuleType) -> bool:
    return "__path__" in ModuleType.__getattribute__(module, "__dict__")


def is_executed_by_another(module: ModuleType) -> bool:
    if not EXECUTING:
        return False
    own = threading.get_ident()
    return EXECUTING.get(ModuleType.__getattribute__(module, "__name__"), own) != own


def execute(module: ModuleType) -> bool:
    """Executes a module that was put off, and says whether it is whole.

    The lock is the module's own, which its import would take: a thread that holds it waits for nothing
    but what its imports need, and a thread that imports something else does not wait for it.
    """
    name = ModuleType.__getattribute__(module, "__name__")
    lock = _get_module_lock(name)
    try:
        lock.acquire()
    except _DeadlockError:
        # The other thread waits for what this one is importing: a circular import, in which one goes on
        # with what there is, as in the import system.
        return type(module) is ModuleType
    try:
        # The import system looks at it before it is put off, the module at itself meanwhile.
        if name in LOADERS and name not in EXECUTING:
            execute_whole(module, name)
        return type(module) is ModuleType
    finally:
        lock.release()


def execute_whole(module: ModuleType, name: str) -> None:
    names = ModuleType.__getattribute__(module, "__dict__")
    before = dict(names)
    EXECUTING[name] = threading.get_ident()
    try:
        LOADERS[name].exec_module(module)
    except BaseException:
        # The next who asks tries again, and finds no half of it.
        for new in names.keys() - before.keys():
            del names[new]
        names.update(before)
        raise
    else:
        del LOADERS[name]
        module.__class__ = ModuleType
    finally:
        del EXECUTING[name]


class LaterLoader:
    """Makes a module with what `early` says, and keeps its real loader for later."""

    def __init__(self, loader: Any, early: Callable[[], Mapping[str, Any]]) -> None:
        self.loader = loader
        self.early = early

    def create_module(self, spec: Spec) -> ModuleType | None:
        return Later(spec.name)

    def exec_module(self, module: Any) -> None:
        if type(module) is ModuleType:  # `importlib.reload`
            self.loader.exec_module(module)
            return
        for name, value in self.early().items():
            setattr(module, name, value)
        LOADERS[module.__name__] = self.loader
        PUT_OFF.add(module.__name__)

    def __getattr__(self, name: str) -> Any:
        # `inspect`, `pkgutil` and `linecache` ask for sources and names.
        return getattr(self.loader, name)


class AlreadyImported:
    """Finds the modules that a package has imported which was put off, so that none is executed twice.

    Who imports a module of such a package has the package executed first, which may import that very module.
    The import system does not expect this: it looked whether there is one before, and would execute another.
    """

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if target is not None or name.rpartition(".")[0] not in PUT_OFF or name not in sys.modules:
            return None
        module = sys.modules[name]
        spec = module.__spec__
        return spec and spec_from_loader(name, AsItIsLoader(module, spec), is_package=is_package(module))


class AsItIsLoader:
    """Leaves a module as it is."""

    def __init__(self, module: ModuleType, spec: ModuleSpec) -> None:
        self.module = module
        self.spec = spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just given it another.
        module.__spec__ = self.spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self.spec.loader, name)


ALREADY_IMPORTED = AlreadyImported()
TAKEN: list[Measure] = []


class Measure:
    """A finder that lets `change` have a say about the specification of the modules it is for.

    The first that is asked for a module has all have their say that it concerns, as they were taken.
    One that gives a module another source has to be the first of them.
    """

    key: str
    modules: frozenset[str] = frozenset()
    # Of these, those that are not in both services.
    optional: frozenset[str] = frozenset()
    # Whether it makes modules of the kind `Later`.
    puts_off = False

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        # A reload, which has a target, is as it would be without us.
        if target is not None or not self.concerns(name):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            for measure in TAKEN:
                if measure.concerns(name):
                    measure.look(cast("Spec", spec))
        return spec

    def change(self, spec: Spec, source: str) -> bool:
        """Changes how the module is executed, if its source is as it was."""
        raise NotImplementedError

    def look(self, spec: Spec) -> None:
        try:
            with open(spec.origin, encoding="utf-8") as file:
                expected = self.change(spec, file.read())
        except (OSError, SyntaxError, ValueError) as error:
            skipped(self.key, f"{spec.origin} cannot be looked at ({error})")
            return
        if not expected:
            skipped(self.key, f"{spec.origin} is not laid out as it was")

    def concerns(self, name: str) -> bool:
        return name in self.modules


class AroundLoader:
    """Executes a module as its own loader does, between what `around` does before and after."""

    def __init__(self, loader: Any, around: Callable[[ModuleType], Steps], measure: str) -> None:
        self.loader = loader
        self.around = around
        self.measure = measure

    def create_module(self, spec: Spec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        steps = self.around(module)
        next(steps)
        try:
            self.loader.exec_module(module)
        except BaseException as error:
            steps.throw(error)
            raise
        try:
            next(steps, None)
        except Exception as error:  # noqa: BLE001 - whatever has become of it
            skipped(self.measure, f"{module.__name__} has become another: {error!r}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class Around(Measure):
    """A measure that does its `around` where a source has each text as often as `EXPECTED` says."""

    EXPECTED: ClassVar[dict[str, int]] = {}

    def around(self, module: Any) -> Steps:
        raise NotImplementedError

    def change(self, spec: Spec, source: str) -> bool:
        if any(source.count(text) != count for text, count in self.EXPECTED.items()):
            return False
        spec.loader = AroundLoader(spec.loader, self.around, self.key)
        return True


def take(*measures: type[Measure]) -> None:
    """Puts those before the import system that are taken."""
    for measure in measures:
        if measure.key not in MEASURES:
            continue
        if measure.puts_off and _get_module_lock is None:
            skipped(measure.key, WITHOUT_LOCKS)
            continue
        TAKEN.append(measure())
        sys.meta_path.insert(0, TAKEN[-1])
    if ALREADY_IMPORTED in sys.meta_path:
        sys.meta_path.remove(ALREADY_IMPORTED)
    # Before all measures: what one of them makes of a module was made of this one already.
    sys.meta_path.insert(0, ALREADY_IMPORTED)


def say_what_is_gone() -> None:
    """A module that is not installed any more is never imported, and nobody would look at it."""
    for measure in TAKEN:
        for name in measure.modules - measure.optional:
            if not is_installed(name):
                skipped(measure.key, f"there is no module {name}")


def is_installed(name: str) -> bool:
    """Without an import of what it is in, as it would have without a diet."""
    if name in sys.modules:
        return True
    path = name.replace(".", os.sep)
    ends = (".py", f"{os.sep}__init__.py")
    return any(os.path.exists(os.path.join(entry, path + end)) for entry in sys.path for end in ends)


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


def types_of_prisma_are_as_expected(path: Any) -> bool:
    with open(path, encoding="utf-8") as file:
        head = file.read(8192)
    with open(path, "rb") as file:
        file.seek(-len(TAIL) - 64, os.SEEK_END)
        tail = file.read().decode().rstrip() + "\n"
    return head.startswith(FIRST) and HEAD in head and tail.endswith(TAIL)


def early_types_of_prisma() -> dict[str, Any]:
    from prisma import _types

    names = ("SortMode", "SortOrder", "MetricsFormat", "DatasourceOverride", "HttpConfig")
    return {name: getattr(_types, name) for name in names}


class LazyTypes(Measure):
    """Puts off `prisma.types`: 10 MB of generated types that only type checkers read."""

    key = "lazy_types"
    modules = frozenset({"prisma.types"})
    puts_off = True

    def look(self, spec: Spec) -> None:
        # Its 13 MB are not read to look at both ends.
        try:
            expected = types_of_prisma_are_as_expected(spec.origin)
        except (OSError, ValueError) as error:
            skipped(self.key, f"{spec.origin} cannot be looked at ({error})")
            return
        if expected:
            spec.loader = LaterLoader(spec.loader, early_types_of_prisma)
        else:
            skipped(self.key, f"{spec.origin} is not laid out as it was")


def begin() -> None:
    take(LazyTypes)
    if "late_gc" in MEASURES:
        # What an import makes stays, and every turn of the collector looks at all of it again:
        # once is enough.
        gc.set_threshold(50_000, 1_000_000, 1_000_000)


class EditedLoader:
    """Executes a module's source with one text in the place of another."""

    def __init__(self, loader: Any, source: str) -> None:
        self.loader = loader
        self.source = source

    def create_module(self, spec: Spec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        code = compile(self.source, module.__spec__.origin, "exec", dont_inherit=True)
        exec(code, module.__dict__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


def started() -> None:
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


def left(imported: int, started: int) -> None:
    """Leaves the two milestones in the service's folder, for `ai-gateway blame`."""
    try:
        with open("start-milestones", "w", encoding="ascii") as file:
            file.write(f"{imported} {started}\n")
    except OSError:
        pass  # nobody's start fails for want of figures about it


def watched(app: ASGIApp) -> ASGIApp:
    """The application, and `started` when it has."""
    imported = time.monotonic_ns()
    Started.imported = True

    async def watching(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def send_and_look(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                started()
                say_what_is_gone()
                Started.yet = True
                write_skipped()
                left(imported, time.monotonic_ns())
            await send(message)

        await app(scope, receive, send_and_look)

    return watching


begin()
