"""What makes Pydantic's models and FastAPI's routes small; see diet.py, which it is imported after.

LiteLLM and Open WebUI have some thousands of models and routes, and a gateway uses a few of them.
"""

from diet import Around, AroundLoader, Measure, take


class LazyRoutes(Around):
    """Lets FastAPI compile what checks a parameter or an answer when a request first needs it.

    LiteLLM has some 1700 of them, and a gateway serves requests to a dozen of its routes.
    """

    key = "lazy_routes"
    modules = frozenset({"fastapi._compat.v2"})
    EXPECTED = {
        "    def __post_init__(self) -> None:\n        with warnings.catch_warnings():\n": 1,
        "            self._type_adapter: TypeAdapter[Any] = TypeAdapter(\n": 1,
    }

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

    def change(self, spec, source):
        if not any(all(source.count(text) == 1 for text in self.EXPECTED + made) for made in self.MADE):
            return False
        spec.loader = AroundLoader(spec.loader, self.around, self.key)
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


take(LazyRoutes, SmallStandIns)
