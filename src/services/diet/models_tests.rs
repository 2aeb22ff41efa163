//! The measures of models and routes, by Python, on packages that are laid out as those that are
//! installed.

use super::tests::run;

const FIELDS: &str = "\
import warnings
from dataclasses import dataclass
from typing import Any
class TypeAdapter:
    def __class_getitem__(cls, of): return cls
    def __init__(self, kind):
        print('made', kind)
        self.kind = kind
@dataclass
class ModelField:
    kind: str
    def __post_init__(self) -> None:
        with warnings.catch_warnings():
            self._type_adapter: TypeAdapter[Any] = TypeAdapter(
                self.kind)
    def validate(self): return self._type_adapter.kind
";

fn fields(source: &str, measures: &str) -> String {
    let files = [
        ("fastapi/__init__.py", ""),
        ("fastapi/_compat/__init__.py", ""),
        ("fastapi/_compat/v2.py", source),
    ];
    let script = "import copy, diet_models
from fastapi._compat.v2 import ModelField
field, other = ModelField('int'), ModelField('str')
print('started')
assert field.validate() == 'int' and copy.copy(field).validate() == 'int'
assert field._type_adapter is field._type_adapter and field == ModelField('int')
print('end')";
    run(&files, measures, script)
}

#[test]
fn what_checks_a_field_is_made_once_and_when_it_is_needed() {
    assert_eq!(
        fields(FIELDS, ""),
        "made int\nmade str\nstarted\nmade int\nend\n"
    );
    assert_eq!(fields(FIELDS, "lazy_routes"), "started\nmade int\nend\n");
}

const ROUTING: &str = "\
from starlette import routing
from fastapi._compat.v2 import ModelField

class APIRoute(routing.Route):
    def __init__(
        self, kind
    ):
        self.field = ModelField(kind)
";

/// What is made of routes before the application is there, and by a plugin afterwards.
fn routes(routing: &str, measures: &str) -> String {
    let files = [
        ("starlette/__init__.py", ""),
        ("starlette/routing.py", "class Route: pass\n"),
        ("fastapi/__init__.py", ""),
        ("fastapi/_compat/__init__.py", ""),
        ("fastapi/_compat/v2.py", FIELDS),
        ("fastapi/routing.py", routing),
    ];
    let script = "import diet_models
from fastapi.routing import APIRoute, ModelField
early = APIRoute('early')
diet.watched(None)
passed_by = ModelField('passed by')
APIRoute('plugin')
print('brought')
early.field.validate(), passed_by.validate()";
    run(&files, measures, script)
}

#[test]
fn what_a_plugin_s_route_checks_is_made_where_it_is_brought() {
    assert_eq!(
        routes(ROUTING, ""),
        "made early\nmade passed by\nmade plugin\nbrought\n"
    );
    assert_eq!(
        routes(ROUTING, "lazy_routes"),
        "made plugin\nbrought\nmade early\nmade passed by\n"
    );
}

#[test]
fn routes_that_are_made_in_another_way_are_left_alone_with_a_warning() {
    let other = ROUTING.replace("APIRoute(routing.Route)", "APIRoute(routing.Route, object)");
    let said = routes(&other, "lazy_routes");
    let warning = "WARNING: the diet's lazy_routes is skipped: @/fastapi/routing.py is not laid";
    assert!(said.contains(warning), "{said}");
    assert!(said.starts_with("brought\n"), "{said}");
}

#[test]
fn threads_that_need_a_field_at_the_same_time_make_it_once() {
    let slow = FIELDS.replace(
        "        self.kind = kind\n",
        "        import time; time.sleep(0.05); self.kind = kind\n",
    );
    let files = [
        ("fastapi/__init__.py", ""),
        ("fastapi/_compat/__init__.py", ""),
        ("fastapi/_compat/v2.py", slow.as_str()),
    ];
    let script = "import diet_models, warnings
from concurrent.futures import ThreadPoolExecutor
from fastapi._compat.v2 import ModelField
fields, shown = [ModelField(n) for n in range(3)], warnings.filters
with ThreadPoolExecutor(9) as pool:
    print(sorted(pool.map(lambda field: field.validate(), fields * 3)), warnings.filters is shown)";
    let said = run(&files, "lazy_routes", script);
    assert!(
        said.ends_with("[0, 0, 0, 1, 1, 1, 2, 2, 2] True\n"),
        "{said}"
    );
    assert_eq!(said.matches("made").count(), 3, "{said}");
}

#[test]
fn fields_that_are_made_in_another_way_are_made_as_ever_with_a_warning() {
    let said = fields(&FIELDS.replace("Any] = ", "Any] =  "), "lazy_routes");
    assert!(said.starts_with("made int\nmade str\nstarted\n"), "{said}");
    let warning = "WARNING: the diet's lazy_routes is skipped: @/fastapi/_compat/v2.py is not laid";
    assert!(said.contains(warning), "{said}");
}

const STAND_INS: &str = "\
BaseModel = object
SchemaValidator, SchemaSerializer = 'validator', 'serializer'
class MockCoreSchema:
    __slots__ = '_error_message', '_code', '_attempt_rebuild', '_built_memo'
    def keys(self):
        built = self._attempt_rebuild()
        if built is None:
            raise LookupError(self._error_message, self._code)
        return built
class MockValSer:
    __slots__ = '_error_message', '_code', '_val_or_ser', '_attempt_rebuild'
    def __getattr__(self, item):
        built = self._attempt_rebuild()
        if built is None:
            raise LookupError(self._error_message, self._code, self._val_or_ser)
        return built + item
def set_model_mocks(cls: type[BaseModel], undefined_name: str | None = None) -> None:
    undefined_name = undefined_name if undefined_name is not None else 'all referenced types'
    def attempt_rebuild_fn(attr_fn):
        def handler(*, parent_namespace_depth: int = 5):
            if cls.model_rebuild(raise_errors=False, _parent_namespace_depth=parent_namespace_depth) is not False:
                return attr_fn(cls)
            return None

        return handler
    cls.said = undefined_name
    for name, kind in (('core_schema', None), ('validator', 'validator'), ('serializer', 'serializer')):
        mock = MockValSer() if kind else MockCoreSchema()
        mock._error_message = f'`{cls.__name__}` is not fully defined; you should define {undefined_name}, then call `{cls.__name__}.model_rebuild()`.'
        mock._code = 'class-not-fully-defined'
        if kind:
            mock._val_or_ser = kind
        mock._attempt_rebuild = attempt_rebuild_fn(lambda c, name=name: getattr(c, f'__pydantic_{name}__'))
        setattr(cls, f'__pydantic_{name}__', mock)
";

#[test]
fn a_small_stand_in_does_what_a_large_one_does() {
    let files = [
        ("pydantic/__init__.py", ""),
        ("pydantic/_internal/__init__.py", ""),
        ("pydantic/_internal/_mock_val_ser.py", STAND_INS),
    ];
    let script = "import diet_models
from pydantic._internal import _mock_val_ser as mocks
class Model:
    whole = True
    @classmethod
    def model_rebuild(cls, *, raise_errors, _parent_namespace_depth):
        assert raise_errors is False and _parent_namespace_depth == 5
        for part in ('core_schema', 'validator', 'serializer'):
            if cls.whole:
                setattr(cls, f'__pydantic_{part}__', part)
        return cls.whole
def parts():
    mocks.set_model_mocks(Model)
    return Model.__pydantic_core_schema__, Model.__pydantic_validator__, Model.__pydantic_serializer__
small = mocks.set_model_mocks.__qualname__.startswith('SmallStandIns')
assert small == ('small_stand_ins' in diet.MEASURES)
schema, validator, serializer = parts()
assert isinstance(schema, mocks.MockCoreSchema) and isinstance(validator, mocks.MockValSer)
print(schema.keys(), parts()[1].validate, parts()[2].dump)
Model.whole = False
for ask in (lambda: parts()[0].keys(), lambda: parts()[1].validate, lambda: parts()[2].dump):
    try: ask()
    except LookupError as error: print(*error.args)
mocks.set_model_mocks(Model, '`Absent`')
print(Model.said)";
    let usual = run(&files, "", script);
    assert!(
        usual.starts_with("core_schema validatorvalidate serializerdump\n`Model` is not fully"),
        "{usual}"
    );
    assert_eq!(run(&files, "small_stand_ins", script), usual);
    let other = STAND_INS.replace("'_built_memo'", "'_memo'");
    let files = [files[0], files[1], (files[2].0, &other)];
    let said = run(
        &files,
        "small_stand_ins",
        "import diet_models, pydantic._internal._mock_val_ser",
    );
    let warning = "the diet's small_stand_ins is skipped: @/pydantic/_internal/_mock_val_ser.py is";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn a_stand_in_of_the_older_pydantic_is_small_too() {
    let older = STAND_INS
        .replace(
            "undefined_name: str | None = None) -> None:",
            "undefined_name: str = 'all referenced types') -> None:",
        )
        .replace(
            "_parent_namespace_depth=parent_namespace_depth",
            "_parent_namespace_depth=5",
        );
    let files = [
        ("pydantic/__init__.py", ""),
        ("pydantic/_internal/__init__.py", ""),
        ("pydantic/_internal/_mock_val_ser.py", older.as_str()),
    ];
    let script = "import diet_models
from pydantic._internal import _mock_val_ser as mocks
print(mocks.set_model_mocks.__qualname__.split('.')[0])";
    assert_eq!(run(&files, "small_stand_ins", script), "SmallStandIns\n");
}
