"""What makes LiteLLM alone small and quick to start; see diet.py, which it is imported after.

Each measure is a finder that changes how modules are executed, after it looked at their source.
"""

import ast
import importlib
import json
import os
import sys
from importlib.machinery import PathFinder

from diet import MEASURES, LaterLoader, skipped


class Measure:
    """A finder that lets `change` have a say about the specification of the modules it is for."""

    def find_spec(self, name, path, target=None):
        if not self.concerns(name):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None:
            return spec
        try:
            with open(spec.origin, encoding="utf-8") as file:
                expected = self.change(spec, file.read())
        except (OSError, SyntaxError, ValueError) as error:
            skipped(self.key, f"{spec.origin} cannot be looked at ({error})")
            return spec
        if not expected:
            skipped(self.key, f"{spec.origin} is not laid out as it was")
        return spec

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
        except BaseException:
            steps.close()
            raise
        next(steps, None)

    def __getattr__(self, name):
        return getattr(self.loader, name)


class LazyRoutes(Measure):
    """Lets FastAPI compile what checks a parameter or an answer when a request first needs it.

    LiteLLM has some 1700 of them, and a gateway serves requests to a dozen of its routes.
    """

    key = "lazy_routes"
    modules = {"fastapi._compat.v2"}
    EXPECTED = (
        "    def __post_init__(self) -> None:\n        with warnings.catch_warnings():\n",
        "            self._type_adapter: TypeAdapter[Any] = TypeAdapter(\n",
    )

    def change(self, spec, source):
        if any(source.count(text) != 1 for text in self.EXPECTED):
            return False
        spec.loader = AroundLoader(spec.loader, self.around)
        return True

    @staticmethod
    def around(module):
        yield
        field = module.ModelField
        field._type_adapter = MadeLater(field.__post_init__)
        field.__post_init__ = lambda self: None


class MadeLater:
    """FastAPI's `_type_adapter`, until the field has one of its own."""

    def __init__(self, make):
        self.make = make

    def __get__(self, field, owner=None):
        if field is None:
            raise AttributeError("_type_adapter")
        self.make(field)
        return field.__dict__["_type_adapter"]


class LazyTokenizer(Measure):
    """Lets LiteLLM read Anthropic's vocabulary, 26 MB once it is parsed, when it first counts by it."""

    key = "lazy_tokenizer"
    modules = {"litellm.utils"}
    FILE = "anthropic_tokenizer.json"
    EXPECTED = {
        "\n        json_data = json.load(f)\n": 2,
        "\nclaude_json_str = json.dumps(json_data)\n": 1,
        "json_data": 3,
        "claude_json_str": 1,
        FILE: 2,
    }

    def change(self, spec, source):
        if any(source.count(text) != count for text, count in self.EXPECTED.items()):
            return False
        self.file = os.path.join(os.path.dirname(spec.origin), "litellm_core_utils", "tokenizers", self.FILE)
        spec.loader = AroundLoader(spec.loader, self.around)
        return os.path.exists(self.file)

    def around(self, module):
        load, dumps = json.load, json.dumps
        nothing = {}

        def load_later(file, *arguments, **options):
            if os.path.basename(str(getattr(file, "name", ""))) == self.FILE:
                return nothing
            return load(file, *arguments, **options)

        def dump_later(value, *arguments, **options):
            return "" if value is nothing else dumps(value, *arguments, **options)

        json.load, json.dumps = load_later, dump_later
        try:
            yield
        finally:
            json.load, json.dumps = load, dumps
        del module.json_data, module.claude_json_str
        others = module.__dict__.get("__getattr__")

        def __getattr__(name):
            if name in ("json_data", "claude_json_str"):
                with open(self.file, encoding="utf-8") as file:
                    data = json.load(file)
                module.__dict__[name] = data if name == "json_data" else json.dumps(data)
                return module.__dict__[name]
            if others is not None:
                return others(name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__getattr__ = __getattr__


class LazyOpenai(Measure):
    """Lets a package that only passes on names of its modules import each when it is asked for.

    The types of OpenAI's client are 800 modules, of which LiteLLM's start asks for some hundred.
    """

    key = "lazy_openai"

    def concerns(self, name):
        return name.startswith("openai.types")

    def change(self, spec, source):
        if not spec.submodule_search_locations:
            return True
        names = passed_on(source)
        if names is None:
            return False
        spec.loader = PassingOnLoader(spec.loader, names)
        return True


def passed_on(source):
    """Which name comes from which module, if that is all that the source says."""
    names = {}
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.ImportFrom) or not statement.module:
            return None
        if statement.module == "__future__":
            continue
        if statement.level != 1:
            return None
        for alias in statement.names:
            names[alias.asname or alias.name] = (f".{statement.module}", alias.name)
    # A module that is imported takes its name in the package for itself.
    return None if "*" in names or names.keys() & modules_of(names) else names


def modules_of(names):
    return {module.split(".")[1] for module, _ in names.values()}


class PassingOnLoader:
    """Makes a package whose names are looked up where they come from when somebody wants them."""

    def __init__(self, loader, names):
        self.loader = loader
        self.names = names

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, package):
        names, within = self.names, package.__name__
        modules = modules_of(names)

        def __getattr__(name):
            if name in names:
                module, original = names[name]
                value = getattr(importlib.import_module(module, within), original)
            elif name in modules:
                value = importlib.import_module(f".{name}", within)
            else:
                raise AttributeError(f"module {within!r} has no attribute {name!r}")
            setattr(package, name, value)
            return value

        package.__getattr__ = __getattr__
        package.__dir__ = lambda: sorted({*package.__dict__, *names, *modules})
        package.__all__ = [*names, *sorted(modules)]  # for `import *`

    def __getattr__(self, name):
        return getattr(self.loader, name)


class LazyAudio(Measure):
    """Puts off soundfile, and with it NumPy, until LiteLLM looks at how long an audio file is."""

    key = "lazy_audio"
    modules = {"soundfile"}

    def change(self, spec, source):
        # It may be laid out in any way: whoever asks for anything in it gets all of it.
        spec.loader = LaterLoader(spec.loader, dict)
        return True


class SmallStandIns(Measure):
    """Makes small what stands for a model's validator until there is one.

    LiteLLM has its models validated from their first use on. Until then Pydantic has for each of
    its 2400 models three objects, six functions and a text: 2 kB, of which 0.2 are needed.
    """

    key = "small_stand_ins"
    modules = {"pydantic._internal._mock_val_ser"}
    EXPECTED = (
        "    __slots__ = '_error_message', '_code', '_attempt_rebuild', '_built_memo'\n",
        "    __slots__ = '_error_message', '_code', '_val_or_ser', '_attempt_rebuild'\n",
        "def set_model_mocks(cls: type[BaseModel], undefined_name: str | None = None) -> None:\n",
        """
            if cls.model_rebuild(raise_errors=False, _parent_namespace_depth=parent_namespace_depth) is not False:
                return attr_fn(cls)
            return None
""",
    )

    def change(self, spec, source):
        if any(source.count(text) != 1 for text in self.EXPECTED):
            return False
        spec.loader = AroundLoader(spec.loader, self.around)
        return True

    @staticmethod
    def around(module):
        yield
        whole = module.set_model_mocks

        class StandIn:
            __slots__ = ()
            _code = "class-not-fully-defined"

            @property
            def _error_message(self):
                name = self._model.__name__
                return (
                    f"`{name}` is not fully defined; you should define all referenced types,"
                    f" then call `{name}.model_rebuild()`."
                )

            # Called as the function that it stands for is: Pydantic counts frames from here.
            def _attempt_rebuild(self, *, parent_namespace_depth=5):
                model = self._model
                if model.model_rebuild(raise_errors=False, _parent_namespace_depth=parent_namespace_depth) is not False:
                    return getattr(model, self._attribute)
                return None

        class CoreSchema(StandIn, module.MockCoreSchema):
            __slots__ = ("_model",)
            _attribute = "__pydantic_core_schema__"

            def __init__(self, model):
                self._model = model
                self._built_memo = None

        class Validator(StandIn, module.MockValSer):
            __slots__ = ("_model",)
            _attribute = "__pydantic_validator__"
            _val_or_ser = module.SchemaValidator

            def __init__(self, model):
                self._model = model

        class Serializer(Validator):
            __slots__ = ()
            _attribute = "__pydantic_serializer__"
            _val_or_ser = module.SchemaSerializer

        def set_model_mocks(cls, undefined_name=None):
            if undefined_name is not None:  # something is missing, and the text says what
                whole(cls, undefined_name)
                return
            cls.__pydantic_core_schema__ = CoreSchema(cls)
            cls.__pydantic_validator__ = Validator(cls)
            cls.__pydantic_serializer__ = Serializer(cls)

        module.set_model_mocks = set_model_mocks


def begin():
    for measure in (LazyRoutes, LazyTokenizer, LazyOpenai, LazyAudio, SmallStandIns):
        if measure.key in MEASURES:
            sys.meta_path.insert(0, measure())


begin()
