//! The measures that are LiteLLM's alone, by Python, on packages that are laid out as those that
//! are installed.

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
    let script = "import copy, diet_litellm
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

#[test]
fn fields_that_are_made_in_another_way_are_made_as_ever_with_a_warning() {
    let said = fields(&FIELDS.replace("Any] = ", "Any] =  "), "lazy_routes");
    assert!(said.starts_with("made int\nmade str\nstarted\n"), "{said}");
    let warning = "WARNING: the diet's lazy_routes is skipped: @/fastapi/_compat/v2.py is not laid";
    assert!(said.contains(warning), "{said}");
}

const UTILS: &str = "\
import json
from importlib import resources
try:
    # Python 3.9+
    with (
        resources.files(\"litellm.litellm_core_utils.tokenizers\")
        .joinpath(\"anthropic_tokenizer.json\")
        .open(\"r\", encoding=\"utf-8\") as f
    ):
        json_data = json.load(f)
except (ImportError, AttributeError, TypeError):
    with resources.open_text(\"litellm.litellm_core_utils.tokenizers\", \"anthropic_tokenizer.json\") as f:
        json_data = json.load(f)

# Convert to str (if necessary)
claude_json_str = json.dumps(json_data)
other = json.dumps({})
def __getattr__(name):
    if name == 'later':
        return 'still there'
    raise AttributeError(name)
";

fn tokenizer(utils: &str, vocabulary: &str, measures: &str) -> String {
    let files = [
        ("litellm/__init__.py", ""),
        ("litellm/utils.py", utils),
        ("litellm/litellm_core_utils/__init__.py", ""),
        ("litellm/litellm_core_utils/tokenizers/__init__.py", ""),
        (
            "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json",
            vocabulary,
        ),
    ];
    let script = "import diet_litellm, json
load, dumps = json.load, json.dumps
import litellm.utils as utils
print('claude_json_str' in vars(utils), utils.later, hasattr(utils, 'absent'), utils.other)
assert json.load is load and json.dumps is dumps
from litellm.utils import claude_json_str
print(claude_json_str, utils.json_data, 'claude_json_str' in vars(utils))";
    run(&files, measures, script)
}

#[test]
fn the_vocabulary_is_read_when_it_is_asked_for() {
    let read = "{\"a\": 1} {'a': 1} True\n";
    assert_eq!(
        tokenizer(UTILS, "{\"a\":1}", ""),
        format!("True still there False {{}}\n{read}")
    );
    assert_eq!(
        tokenizer(UTILS, "{\"a\":1}", "lazy_tokenizer"),
        format!("False still there False {{}}\n{read}")
    );
    // It is not even looked at.
    let said = tokenizer(UTILS, "not JSON", "lazy_tokenizer");
    assert!(said.starts_with("False still there"), "{said}");
}

#[test]
fn a_vocabulary_with_another_use_is_read_as_ever_with_a_warning() {
    let utils = format!("{UTILS}words = len(json_data)\n");
    let said = tokenizer(&utils, "{\"a\":1}", "lazy_tokenizer");
    assert!(said.starts_with("True still there"), "{said}");
    let warning = "WARNING: the diet's lazy_tokenizer is skipped: @/litellm/utils.py is not laid";
    assert!(said.contains(warning), "{said}");
}

const TYPES: &str = "\
# File generated.

from __future__ import annotations

from .batch import (
    Batch as Batch,
    Error as BatchError,
)
from .shared import Shared as Shared
";

fn types(source: &str, measures: &str, script: &str) -> String {
    let files = [
        ("openai/__init__.py", "from . import types"),
        ("openai/types/__init__.py", source),
        (
            "openai/types/batch.py",
            "print('batch')\nclass Batch: pass\nclass Error: pass\n",
        ),
        (
            "openai/types/shared/__init__.py",
            "from .deep import Shared as Shared\n",
        ),
        (
            "openai/types/shared/deep.py",
            "print('deep')\nclass Shared: pass\n",
        ),
    ];
    let script = format!("import diet_litellm, openai\nprint('imported')\n{script}\nprint('end')");
    run(&files, measures, &script)
}

#[test]
fn a_package_that_passes_names_on_imports_what_is_asked_for() {
    for (ask, said) in [
        ("", ""),
        (
            "from openai.types import Shared; assert Shared.__name__ == 'Shared'",
            "deep\n",
        ),
        (
            "assert openai.types.BatchError.__name__ == 'Error'",
            "batch\n",
        ),
        (
            "assert openai.types.batch.Batch is openai.types.Batch",
            "batch\n",
        ),
        ("from openai.types import *; Batch, Shared", "batch\ndeep\n"),
        ("assert {'Batch', 'shared'} <= set(dir(openai.types))", ""),
        ("assert not hasattr(openai.types, 'Absent')", ""),
        (
            "import pickle; pickle.loads(pickle.dumps(openai.types.Batch()))",
            "batch\n",
        ),
    ] {
        assert_eq!(
            types(TYPES, "lazy_openai", ask),
            format!("imported\n{said}end\n"),
            "{ask}"
        );
        assert_eq!(types(TYPES, "", ask), "batch\ndeep\nimported\nend\n");
    }
}

#[test]
fn a_package_that_does_more_is_imported_as_ever_with_a_warning() {
    for more in [
        "size = 1\n",
        "from .batch import *\n",
        "from .batch import Batch as shared\n",
        "from ..types.batch import Batch as Again\n",
    ] {
        let said = types(&format!("{TYPES}{more}"), "lazy_openai", "");
        assert!(said.contains("batch\ndeep\nimported\nend\n"), "{said}");
        let warning =
            "WARNING: the diet's lazy_openai is skipped: @/openai/types/__init__.py is not";
        assert!(said.contains(warning), "{more}: {said}");
    }
}

#[test]
fn audio_is_imported_when_it_is_asked_for() {
    let files = [
        ("soundfile.py", "print('soundfile')\nimport numpy\n"),
        ("numpy.py", "print('numpy')\n"),
    ];
    let script = "import diet_litellm, soundfile
print('imported')
assert soundfile.numpy.__name__ == 'numpy'";
    let parts = |measures| run(&files, measures, script);
    assert_eq!(parts(""), "soundfile\nnumpy\nimported\n");
    assert_eq!(parts("lazy_audio"), "imported\nsoundfile\nnumpy\n");
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
    let script = "import diet_litellm
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
        "import diet_litellm, pydantic._internal._mock_val_ser",
    );
    let warning = "the diet's small_stand_ins is skipped: @/pydantic/_internal/_mock_val_ser.py is";
    assert!(said.contains(warning), "{said}");
}
