"""What makes Pydantic's models and FastAPI's routes small; see diet.py, which it is imported after.

LiteLLM and Open WebUI have some thousands of models and routes, and a gateway uses a few of them.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from diet import Around, AroundLoader, Measure, Started, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from diet import Spec, Steps


class LazyRoutes(Around):
    """Lets FastAPI compile what checks a parameter or an answer when a request first needs it.

    LiteLLM has some 1700 of them, and a gateway serves requests to a dozen of its routes. Only those that
    the application brings: a plugin's route that FastAPI refuses has to be refused where it is made.
    """

    key = "lazy_routes"
    modules = frozenset({"fastapi._compat.v2"})
    EXPECTED: ClassVar[dict[str, int]] = {
        "    def __post_init__(self) -> None:\n        with warnings.catch_warnings():\n": 1,
        "            self._type_adapter: TypeAdapter[Any] = TypeAdapter(\n": 1,
    }

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        field = module.ModelField
        make = field.__post_init__
        field._type_adapter = MadeLater(make)

        def __post_init__(self: Any) -> None:
            if getattr(BROUGHT, "now", False):
                make(self)

        field.__post_init__ = __post_init__


# Of a thread: whether it makes a route that the application has not brought itself.
BROUGHT = threading.local()


class RoutesOfPlugins(Around):
    """Has what a plugin's route checks made with the route, so that FastAPI refuses there what it refuses.

    Not what FastAPI makes of the application's own routes at the first request that passes by them.
    """

    key = "lazy_routes"
    modules = frozenset({"fastapi.routing"})
    EXPECTED: ClassVar[dict[str, int]] = {"\nclass APIRoute(routing.Route):\n": 1}

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        init = module.APIRoute.__init__

        @functools.wraps(init)
        def __init__(self: Any, *arguments: Any, **options: Any) -> None:
            before = getattr(BROUGHT, "now", False)
            BROUGHT.now = Started.imported
            try:
                init(self, *arguments, **options)
            finally:
                BROUGHT.now = before

        module.APIRoute.__init__ = __init__


class MadeLater:
    """FastAPI's `_type_adapter`, until the field has one of its own."""

    def __init__(self, make: Callable[[Any], None]) -> None:
        self.make = make
        # Making it changes for a moment which warnings the process shows.
        self.lock = threading.RLock()

    def __get__(self, field: Any, owner: object = None) -> Any:
        if field is None:
            raise AttributeError("_type_adapter")
        with self.lock:
            if "_type_adapter" not in field.__dict__:
                self.make(field)
        return field.__dict__["_type_adapter"]


class SmallStandIns(Measure):
    """Makes small what stands for a model's validator until there is one.

    LiteLLM has its models validated from their first use on. Until then Pydantic has for each of
    its 2400 models three objects, six functions and a text: 2 kB, of which 0.2 are needed.
    """

    key = "small_stand_ins"
    modules = frozenset({"pydantic._internal._mock_val_ser"})
    EXPECTED = (
        "    __slots__ = '_error_message', '_code', '_attempt_rebuild', '_built_memo'\n",
        "    __slots__ = '_error_message', '_code', '_val_or_ser', '_attempt_rebuild'\n",
    )
    # As Pydantic 2.14 makes one, and as 2.13 does.
    MADE = (
        (
            "def set_model_mocks(cls: type[BaseModel], undefined_name: str | None = None) -> None:\n",
            """
            if cls.model_rebuild(raise_errors=False, _parent_namespace_depth=parent_namespace_depth) is not False:
                return attr_fn(cls)
            return None
""",
        ),
        (
            "def set_model_mocks(cls: type[BaseModel], undefined_name: str = 'all referenced types') -> None:\n",
            """
            if cls.model_rebuild(raise_errors=False, _parent_namespace_depth=5) is not False:
                return attr_fn(cls)
            return None
""",
        ),
    )

    def change(self, spec: Spec, source: str) -> bool:
        if not any(all(source.count(text) == 1 for text in self.EXPECTED + made) for made in self.MADE):
            return False
        spec.loader = AroundLoader(spec.loader, self.around, self.key)
        return True

    @staticmethod
    def around(module: Any) -> Steps:
        yield
        whole = module.set_model_mocks

        class StandIn:
            __slots__ = ()
            _code = "class-not-fully-defined"
            _model: Any
            _attribute: str

            @property
            def _error_message(self) -> str:
                name = self._model.__name__
                return (
                    f"`{name}` is not fully defined; you should define all referenced types,"
                    f" then call `{name}.model_rebuild()`."
                )

            # Called as the function that it stands for is: Pydantic counts frames from here.
            def _attempt_rebuild(self, *, parent_namespace_depth: int = 5) -> Any:
                model = self._model
                if model.model_rebuild(raise_errors=False, _parent_namespace_depth=parent_namespace_depth) is not False:
                    return getattr(model, self._attribute)
                return None

        class CoreSchema(StandIn, module.MockCoreSchema):  # type: ignore[misc] # it is known when Pydantic is
            __slots__ = ("_model",)
            _attribute = "__pydantic_core_schema__"

            def __init__(self, model: Any) -> None:
                self._model = model
                self._built_memo = None  # type: ignore[misc] # a slot of the base

        class Validator(StandIn, module.MockValSer):  # type: ignore[misc]
            __slots__ = ("_model",)
            _attribute = "__pydantic_validator__"
            _val_or_ser = module.SchemaValidator

            def __init__(self, model: Any) -> None:
                self._model = model

        class Serializer(Validator):
            __slots__ = ()
            _attribute = "__pydantic_serializer__"
            _val_or_ser = module.SchemaSerializer

        def set_model_mocks(cls: Any, undefined_name: str | None = None) -> None:
            if undefined_name is not None:  # something is missing, and the text says what
                whole(cls, undefined_name)
                return
            cls.__pydantic_core_schema__ = CoreSchema(cls)
            cls.__pydantic_validator__ = Validator(cls)
            cls.__pydantic_serializer__ = Serializer(cls)

        module.set_model_mocks = set_model_mocks


take(LazyRoutes, RoutesOfPlugins, SmallStandIns)
