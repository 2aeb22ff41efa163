"""Modules that are imported when somebody asks for them; see diet.py, which it is imported after.

Both services import clients of every cloud, protocol and store that there is, and a gateway uses
few of them. Two kinds can come late: a package that does nothing but pass on names of its modules,
and a module of which a start asks for nothing, or only for what can be said without it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diet import EditedLoader, LaterLoader, Measure, is_installed, take

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from diet import Spec


class LazyPackages(Measure):
    """The protocol of tools with its two generations of types, and the client of one cloud.

    They only pass on names of modules, and import each of these when it is asked for.
    """

    key = "lazy_modules"
    modules = frozenset(
        {
            "mcp",
            "mcp.client",
            "mcp.server",
            "mcp.server.lowlevel",
            "mcp.server.mcpserver",
            "mcp.shared",
            "mcp.types",
            "google.cloud.storage",
        }
    )
    optional = frozenset({"google.cloud.storage"})

    def change(self, spec: Spec, source: str) -> bool:
        if not spec.submodule_search_locations:
            return True
        package = Package(spec.name, source)
        if not package.passes_on:
            return False
        spec.loader = PassingOnLoader(spec.loader, package)
        return True


class Package:
    """What a package's source says, if that is only which name comes from which module."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        # By name: the module, and the name that it has there; None: the module itself.
        self.names: dict[str, tuple[str, str | None]] = {}
        self.modules: set[str] = set()  # of this package, and imported by it
        self.at_once: list[ast.stmt] = []  # statements for which there is nothing to wait
        tree = ast.parse(source)
        self.doc = ast.get_docstring(tree, clean=False)
        self.passes_on = all(self.understands(statement) for statement in tree.body)
        # A module that is imported takes its name in the package for itself.
        taken = {name for name, (_, original) in self.names.items() if original is not None}
        self.passes_on = self.passes_on and not taken & self.modules

    def understands(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=ast.Constant()):
                return True
            case ast.Assign(targets=[ast.Name()], value=value) if is_plain(value):
                self.at_once.append(statement)
                return True
            case ast.ImportFrom(module="__future__"):
                return True
            case ast.ImportFrom(level=0 | 1):
                return self.passes(statement)
        return False

    def passes(self, statement: ast.ImportFrom) -> bool:
        module = statement.module or ""
        if statement.level == 1:
            module = f"{self.name}.{module}".removesuffix(".")
        for alias in statement.names:
            if alias.name == "*" or alias.name.startswith("__"):
                # All names of another package, or what a module says of itself, like its version.
                self.at_once.append(statement)
                return alias.name != "*" or not self.is_within(module)
            if module == self.name:
                if alias.asname not in (None, alias.name):
                    return False
                self.names[alias.name] = (f"{module}.{alias.name}", None)
            else:
                self.names[alias.asname or alias.name] = (module, alias.name)
            if self.is_within(module):
                self.modules.add(module.removeprefix(f"{self.name}.").split(".")[0])
        return True

    def is_within(self, module: str) -> bool:
        return module.startswith(f"{self.name}.")


def is_plain(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True


class PassingOnLoader:
    """Makes a package whose names are looked up where they come from when somebody wants them."""

    def __init__(self, loader: Any, package: Package) -> None:
        self.loader = loader
        self.package = package

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        package = self.package
        module.__doc__ = package.doc
        statements = ast.Module(package.at_once, type_ignores=[])
        exec(compile(statements, module.__spec__.origin, "exec", dont_inherit=True), module.__dict__)

        def __getattr__(name: str) -> Any:
            if name in package.names:
                place, original = package.names[name]
                value = importlib.import_module(place)
                if original is not None:
                    value = attribute(value, original)
            elif name in package.modules or is_module_of(package.name, name):
                # Somebody else's import would have brought it here.
                value = importlib.import_module(f"{package.name}.{name}")
            else:
                raise AttributeError(f"module {package.name!r} has no attribute {name!r}")
            setattr(module, name, value)
            return value

        module.__getattr__ = __getattr__
        module.__dir__ = lambda: sorted({*module.__dict__, *package.names, *package.modules})
        if "__all__" not in module.__dict__:  # for `import *`
            module.__all__ = [*package.names, *sorted(package.modules - package.names.keys())]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


def attribute(module: ModuleType, name: str) -> Any:
    """As `from module import name` has it."""
    try:
        return getattr(module, name)
    except AttributeError:
        if not is_module_of(module.__name__, name):
            raise
        return importlib.import_module(f"{module.__name__}.{name}")


def is_module_of(package: str, name: str) -> bool:
    if name.startswith("__") or not hasattr(sys.modules[package], "__path__"):
        return False
    return importlib.util.find_spec(f"{package}.{name}") is not None


class WhenAsked(Measure):
    """Puts off a module of which a start asks for nothing.

    It may be laid out in any way: whoever asks for anything in it gets all of it.
    """

    puts_off = True

    def change(self, spec: Spec, source: str) -> bool:
        spec.loader = LaterLoader(spec.loader, dict)
        return True


class LazyAudio(WhenAsked):
    """soundfile, and with it NumPy, until LiteLLM looks at how long an audio file is."""

    key = "lazy_audio"
    modules = frozenset({"soundfile"})


class LazyModules(WhenAsked):
    """A cloud's client."""

    key = "lazy_modules"
    modules = frozenset({"boto3"})


MAIN_AT_ONCE = "\ntry:\n    from ._main import main\nexcept ImportError:"
MAIN_LATER = "\ntry:\n    main = __import__('diet_imports').NotYet()\nexcept ImportError:"
NAMED_AFTER_HTTPX = """
for __name in __all__:
    if not __name.startswith("__"):
        setattr(__locals[__name], "__module__", "httpx")  # noqa
"""
MAKE_MAIN_WHEN_ASKED = "\n__import__('diet_imports').make_main_when_asked(__name__)\n"


class NotYet:
    """Is the command line as long as httpx is executed, which names all that it exports after itself."""


class WithMain(ModuleType):
    """httpx, until somebody asks for its command line, or for everything that it has."""

    def __getattr__(self, name: str) -> Any:
        if name not in ("main", "_main"):
            raise AttributeError(f"module {ModuleType.__getattribute__(self, '__name__')!r} has no attribute {name!r}")
        return vars(self)[name]

    def __dir__(self) -> list[str]:
        return sorted(vars(self))

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override] # nobody sets it
        # Two threads make the same of it.
        main = importlib.import_module(f"{self.__name__}._main").main
        main.__module__ = self.__name__
        self.main = main
        self.__class__ = ModuleType  # type: ignore[assignment] # it has no more of its own
        names: dict[str, Any] = ModuleType.__getattribute__(self, "__dict__")
        return names


def make_main_when_asked(name: str) -> None:
    module = sys.modules[name]
    del module.main
    module.__class__ = WithMain


class LazyCommandLine(Measure):
    """The command line of httpx, with what it draws, until somebody asks for it."""

    key = "lazy_modules"
    modules = frozenset({"httpx"})
    # Without these there is none, and nothing that could be put off.
    NEEDS = ("click", "pygments", "rich")

    def change(self, spec: Spec, source: str) -> bool:
        if source.count(MAIN_AT_ONCE) != 1 or not source.endswith(NAMED_AFTER_HTTPX):
            return False
        if all(map(is_installed, self.NEEDS)):
            source = source.replace(MAIN_AT_ONCE, MAIN_LATER) + MAKE_MAIN_WHEN_ASKED
            spec.loader = EditedLoader(spec.loader, source)
        return True


take(LazyPackages, LazyAudio, LazyModules, LazyCommandLine)
