"""What makes Pydantic's models and FastAPI's routes small."""

import pytest
from conftest import Service, replaced

FIRST = ["diet", "diet_models"]
FIELDS, ROUTING, STAND_INS = "fastapi/_compat/v2.py", "fastapi/routing.py", "pydantic/_internal/_mock_val_ser.py"


def fields() -> None:
    import copy

    from fastapi._compat import v2
    from pydantic.fields import FieldInfo

    class TypeAdapter(v2.TypeAdapter):
        def __init__(self, kind, **options):
            print("made", kind.__args__[0].__name__)
            super().__init__(kind, **options)

    v2.TypeAdapter = TypeAdapter

    def field(kind):
        return v2.ModelField(field_info=FieldInfo(annotation=kind), name="name")

    one, _other = field(int), field(str)
    print("started")
    assert one.validate("1", {}, loc=("body",))[0] == 1 and copy.copy(one).validate("2", {}, loc=("body",))[0] == 2
    assert one._type_adapter is one._type_adapter
    print("end")


def test_what_checks_a_field_is_made_once_and_when_it_is_needed(service: Service) -> None:
    assert service.run(fields, first=FIRST) == "made int\nmade str\nstarted\nend\n"
    assert service.run(fields, first=FIRST, measures="lazy_routes") == "started\nmade int\nend\n"


def test_fields_that_are_made_in_another_way_are_made_as_ever_with_a_warning(service: Service) -> None:
    changed = {FIELDS: replaced("self._type_adapter: TypeAdapter[Any] = ", "self._type_adapter = ")}
    said = service.run(fields, first=FIRST, measures="lazy_routes", changed=changed)
    assert said.startswith("made int\nmade str\nstarted\n")
    assert f"WARNING: the diet's lazy_routes is skipped: @/{FIELDS} is not laid out as it was" in said


def test_threads_that_need_a_field_at_the_same_time_make_it_once(service: Service) -> None:
    def start() -> None:
        import time
        import warnings
        from concurrent.futures import ThreadPoolExecutor

        from fastapi._compat import v2
        from pydantic.fields import FieldInfo

        made = []

        class TypeAdapter(v2.TypeAdapter):
            def __init__(self, kind, **options):
                made.append(kind)
                time.sleep(0.05)
                super().__init__(kind, **options)

        v2.TypeAdapter = TypeAdapter
        fields = [v2.ModelField(field_info=FieldInfo(annotation=kind), name="name") for kind in (int, str, float)]
        shown = warnings.filters
        with ThreadPoolExecutor(9) as pool:
            found = list(pool.map(lambda field: repr(field.validate("1", {}, loc=("body",))[0]), fields * 3))
        assert found == ["1", "'1'", "1.0"] * 3, found
        # Making one changes for a moment which warnings the process shows.
        assert warnings.filters is shown
        print(len(made))

    assert service.run(start, first=FIRST, measures="lazy_routes") == "3\n"


def routes() -> None:
    """What is made of routes before the application is there, and by a plugin afterwards."""
    from fastapi import APIRouter
    from fastapi._compat import v2
    from pydantic.fields import FieldInfo

    import diet

    class TypeAdapter(v2.TypeAdapter):
        def __init__(self, kind, **options):
            print("made", kind.__args__[0].__name__)
            super().__init__(kind, **options)

    v2.TypeAdapter = TypeAdapter

    router = APIRouter()

    def get(path, kind):
        def endpoint(value):
            pass

        endpoint.__annotations__["value"] = kind
        router.get(path)(endpoint)

    get("/early", int)
    diet.watched(None)
    v2.ModelField(field_info=FieldInfo(annotation=float), name="passed_by")
    get("/plugin", str)
    print("brought")
    router.routes[0].dependant.query_params[0].validate("1", {}, loc=("query", "value"))


def test_what_a_plugin_s_route_checks_is_made_where_it_is_brought(service: Service) -> None:
    usual = service.run(routes, first=FIRST).splitlines()
    assert usual[0] == "made int" and usual[-1] == "brought" and {"made float", "made str"} <= set(usual)
    said = service.run(routes, first=FIRST, measures="lazy_routes").splitlines()
    # As often as without a measure, but for what nobody asked for and what was asked for later.
    assert said[: said.index("brought")] == [line for line in usual if line == "made str"]
    assert said[said.index("brought") + 1 :] == ["made int"]


def test_a_plugin_s_route_is_refused_where_it_would_be(service: Service) -> None:
    def start() -> None:
        from fastapi import APIRouter
        from fastapi.exceptions import FastAPIError

        import diet

        class Unknown:
            pass

        diet.watched(None)
        try:
            APIRouter().get("/", response_model=Unknown)(lambda: None)
        except FastAPIError as error:
            print(type(error).__name__)

    assert (
        service.run(start, first=FIRST) == service.run(start, first=FIRST, measures="lazy_routes") == "FastAPIError\n"
    )


def test_routes_that_are_made_in_another_way_are_left_alone_with_a_warning(service: Service) -> None:
    changed = {ROUTING: replaced("\nclass APIRoute(routing.Route):", "\nclass APIRoute(routing.Route, object):")}
    said = service.run(routes, first=FIRST, measures="lazy_routes", changed=changed)
    assert said.startswith("brought\n")
    assert f"WARNING: the diet's lazy_routes is skipped: @/{ROUTING} is not laid out as it was" in said


def stand_ins() -> None:
    """What stands for the validator of a model that is complete later, never, or after somebody asked."""
    from pydantic import BaseModel, PydanticUserError
    from pydantic._internal import _mock_val_ser as mocks

    import diet

    small = mocks.set_model_mocks.__qualname__.startswith("SmallStandIns")
    assert small == ("small_stand_ins" in diet.MEASURES and not diet.SKIPPED)

    class Model(BaseModel, defer_build=True):
        number: int

    schema, validator, serializer = (
        Model.__dict__[f"__pydantic_{part}__"] for part in ("core_schema", "validator", "serializer")
    )
    assert isinstance(schema, mocks.MockCoreSchema)
    assert isinstance(validator, mocks.MockValSer) and isinstance(serializer, mocks.MockValSer)
    print(sorted(schema)[:3], validator.validate_python({"number": "1"}), serializer.to_python(Model(number=2)))
    print(Model(number=3), Model.model_json_schema())

    class Apart(BaseModel, defer_build=True):
        value: "Absent"  # noqa: F821

    asks = [
        lambda: sorted(Apart.__dict__["__pydantic_core_schema__"]),
        lambda: Apart.__dict__["__pydantic_validator__"].validate_python,
        lambda: Apart.__dict__["__pydantic_serializer__"].to_python,
        lambda: Apart(value=1),
        Apart.model_json_schema,
    ]
    for ask in asks:
        try:
            ask()
        except PydanticUserError as error:
            print(error.code, error)


def test_a_small_stand_in_does_what_a_large_one_does(service: Service) -> None:
    usual = service.run(stand_ins, first=FIRST)
    assert usual.count("is not fully defined") == 5, usual
    assert service.run(stand_ins, first=FIRST, measures="small_stand_ins") == usual


def test_stand_ins_that_are_made_in_another_way_stay_as_they_are_with_a_warning(service: Service) -> None:
    changed = {STAND_INS: replaced("'_built_memo'\n", "'_built_memo', '_more'\n")}
    said = service.run(stand_ins, first=FIRST, measures="small_stand_ins", changed=changed)
    assert f"WARNING: the diet's small_stand_ins is skipped: @/{STAND_INS} is not laid out as it was" in said


@pytest.mark.parametrize("measures", ["lazy_routes", "small_stand_ins"])
def test_nothing_is_skipped_on_the_locked_versions(service: Service, measures: str) -> None:
    def start() -> None:
        import fastapi  # noqa: F401
        import pydantic  # noqa: F401

        import diet

        print(diet.SKIPPED)

    assert service.run(start, first=FIRST, measures=measures) == "[]\n"
