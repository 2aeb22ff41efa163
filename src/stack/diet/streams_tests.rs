//! Attributes that are found quickly, by Python, on a Pydantic that begins as the installed one. What
//! the installed one does with all its kinds of models is compared in `tests/stack/test_diet.py`.

use super::tests::run;

const MAIN: &str = "\
from __future__ import annotations
from typing import Any, Callable
steps = []
class Private:
    default = None
class Method(Private):
    @staticmethod
    def default(self): return 'bound'
    __get__ = lambda self, model, kind: 'bound to ' + kind.__name__
if True:
    class BaseModel:
        __slots__ = '__dict__', '__pydantic_fields_set__', '__pydantic_extra__', '__pydantic_private__'
        __private_attributes__ = {'_own': Private(), '_method': Method(), '_unset': Private()}
        __pydantic_setattr_handlers__ = {}
        def __init__(self, **extra):
            self.__dict__['field'] = 'field'
            object.__setattr__(self, '__pydantic_fields_set__', set())
            object.__setattr__(self, '__pydantic_extra__', extra)
            object.__setattr__(self, '__pydantic_private__', {'_own': 'own'})

        def __getattr__(self, item: str) -> Any:
            private_attributes = object.__getattribute__(self, '__private_attributes__')
            if item in private_attributes:
                attribute = private_attributes[item]
                if hasattr(attribute, '__get__'):
                    return attribute.__get__(self, type(self))  # type: ignore

                try:
                    # Note: self.__pydantic_private__ cannot be None if self.__private_attributes__ has items
                    return self.__pydantic_private__[item]  # type: ignore
                except KeyError as exc:
                    raise AttributeError(f'{type(self).__name__!r} object has no attribute {item!r}') from exc
            else:
                steps.append(item)
                try:
                    pydantic_extra = object.__getattribute__(self, '__pydantic_extra__')
                except AttributeError:
                    pydantic_extra = None

                if pydantic_extra and item in pydantic_extra:
                    return pydantic_extra[item]
                else:
                    if hasattr(self.__class__, item):
                        return super().__getattribute__(item)  # Raises AttributeError if appropriate
                    else:
                        # this is the current error
                        raise AttributeError(f'{type(self).__name__!r} object has no attribute {item!r}')

        __pydantic_fields__ = {'field': 1}

        def __setattr__(self, name: str, value: Any) -> None:
            if (setattr_handler := self.__pydantic_setattr_handlers__.get(name)) is not None:
                setattr_handler(self, name, value)
            elif (setattr_handler := self._setattr_handler(name, value)) is not None:
                setattr_handler(self, name, value)
                self.__pydantic_setattr_handlers__[name] = setattr_handler

        def _setattr_handler(self, name: str, value: Any) -> Callable[[BaseModel, str, Any], None] | None:
            steps.append(name)
            if name.startswith('_'):
                object.__setattr__(self, name, value)
                return None
            if name == 'field':
                return object.__setattr__
            if True:
                if True:
                    # attribute does not exist, so put it in extra
                    self.__pydantic_extra__[name] = value
                    self.__pydantic_fields_set__.add(name)
                    return None  # Can not return memoized handler with possibly freeform attr names

class warnings:
    def warn(text, category, stacklevel): steps.append('warned')
class typing_extensions:
    def deprecated(text, category): return lambda method: method
PydanticDeprecatedSince20 = None
class Deprecated:
    @property
    @typing_extensions.deprecated(
        'The `__fields__` attribute is deprecated, use the `model_fields` class property instead.', category=None
    )
    def __fields__(self) -> Dict[str, FieldInfo]:  # noqa: UP006
        warnings.warn(
            'The `__fields__` attribute is deprecated, use the `model_fields` class property instead.',
            category=PydanticDeprecatedSince20,
            stacklevel=2,
        )
        return getattr(type(self), '__pydantic_fields__', {})

BaseModel.__fields__ = vars(Deprecated)['__fields__']
";

fn model(main: &str, measures: &str, script: &str) -> String {
    let files = [("pydantic/__init__.py", ""), ("pydantic/main.py", main)];
    let before = "import diet_streams
from pydantic.main import BaseModel, steps
class Model(BaseModel):
    __pydantic_setattr_handlers__ = {}
    @property
    def broken(self): raise AttributeError('of the property')
def ask(model, *names):
    for name in names:
        try: print(name, getattr(model, name))
        except AttributeError as error: print(error)
";
    run(&files, measures, &format!("{before}{script}"))
}

const ASKED: &str = "ask(Model(content='text'), 'content', 'field', 'missing', '_own', '_unset', '_method', '_other', 'broken', 'keys')
ask(Model(), 'content')
half = Model.__new__(Model)
ask(half, 'content', '_own', '__pydantic_extra__')
";

#[test]
fn what_is_asked_for_is_found_as_ever() {
    let script = format!("{ASKED}print(len(steps))");
    let (slow, quick) = (
        model(MAIN, "", &script),
        model(MAIN, "quick_attributes", &script),
    );
    let without_count = |said: &str| said.trim_end().rsplit_once('\n').unwrap().0.to_owned();
    assert_eq!(without_count(&slow), without_count(&quick));
    assert!(slow.starts_with("content text\nfield field\n'Model' object has no"));
    // Of itself only what is about to be made, and private names that nobody knows.
    assert!(slow.ends_with("\n9\n"), "{slow}");
    assert!(quick.ends_with("\n6\n"), "{quick}");
}

#[test]
fn an_extra_attribute_is_set_by_what_was_found_for_it_the_first_time() {
    let script = "model = Model(content='text')
for turn in range(3):
    model.content = model.other = turn
    model.field = model._free = turn
print(model.__pydantic_extra__, sorted(model.__pydantic_fields_set__), model.field, model._free)
print(*steps)";
    let found = "{'content': 2, 'other': 2} ['content', 'other'] 2 2\n";
    let once = "content other field _free";
    assert_eq!(
        model(MAIN, "", script),
        format!("{found}{once} content other _free content other _free\n")
    );
    assert_eq!(
        model(MAIN, "quick_attributes", script),
        format!("{found}{once} _free _free\n")
    );
}

#[test]
fn fields_are_found_by_their_old_name_without_a_warning() {
    let script = "print(Model().__fields__, *steps)";
    assert_eq!(model(MAIN, "", script), "{'field': 1} warned\n");
    assert_eq!(model(MAIN, "quick_attributes", script), "{'field': 1}\n");
    let strict = "import sys, importlib, pydantic.main
sys.warnoptions.append('error')
importlib.reload(pydantic.main)
print(pydantic.main.BaseModel().__fields__, *pydantic.main.steps)";
    assert_eq!(
        model(MAIN, "quick_attributes", strict),
        "{'field': 1} warned\n"
    );
}

#[test]
fn a_class_keeps_few_setters_of_names_that_come_from_outside() {
    let script = "model = Model()
for number in range(100):
    setattr(model, f'name{number}', number)
print(len(Model.__pydantic_setattr_handlers__), len(model.__pydantic_extra__))";
    assert_eq!(model(MAIN, "quick_attributes", script), "32 100\n");
}

#[test]
fn a_pydantic_that_looks_in_another_way_is_left_alone_with_a_warning() {
    let main = MAIN.replace(
        "if pydantic_extra and item in",
        "if pydantic_extra is not None and item in",
    );
    let said = model(
        &main,
        "quick_attributes",
        "ask(Model(a=1), 'a'); print(*steps)",
    );
    assert!(said.starts_with("a 1\na\n"), "{said}");
    let warning = "WARNING: the diet's quick_attributes is skipped: @/pydantic/main.py is not laid";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn two_measures_of_one_module_are_both_taken() {
    let main = format!(
        "{MAIN}{}",
        "if True:
    @classmethod
    def model_rebuild(
        cls,
        *,
        force: bool = False,
        raise_errors: bool = True,
        _parent_namespace_depth: int = 2,
        _types_namespace: MappingNamespace | None = None,
    ) -> bool | None:
        return _parent_namespace_depth
    BaseModel.model_rebuild = model_rebuild
"
    );
    let script = "import diet_models, sys
del sys.modules['pydantic.main']
from pydantic.main import BaseModel, steps
print(BaseModel.model_rebuild(), BaseModel(a=1).a, *steps)";
    assert_eq!(
        model(&main, "lazy_models quick_attributes", script),
        "3 1\n"
    );
}

const TYPES: &str = "\
map_finish_reason = str
class SafeAttributeModel: pass
class OpenAIObject:
    def __init_subclass__(cls): cls.__pydantic_setattr_handlers__ = {}
    def __init__(self): self.__dict__.update(__pydantic_extra__={}, __pydantic_fields_set__=set())
    def __setattr__(self, name, value):
        handler = self.__pydantic_setattr_handlers__.get(name)
        assert bool(handler) is MEASURED, name
        if handler: handler(self, name, value)
        else: self.__pydantic_extra__[name] = value; self.__pydantic_fields_set__.add(name)
    def __getattr__(self, name):
        assert not MEASURED or name not in self.__pydantic_extra__, name
        if name in self.__pydantic_extra__: return self.__pydantic_extra__[name]
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
class Delta(SafeAttributeModel, OpenAIObject):
    def __init__(self, content=None, role=None, function_call=None, tool_calls=None, audio=None):
        super().__init__()
        extra = self.__pydantic_extra__
        extra[\"content\"] = content
        extra[\"role\"] = role
        extra[\"function_call\"] = function_call
        extra[\"tool_calls\"] = tool_calls
        extra[\"audio\"] = audio
class StreamingChoices(OpenAIObject):
    def __init__(
        self, finish_reason=None, index=0, delta=None,
    ):
        super().__init__()
        if finish_reason:
            self.finish_reason = map_finish_reason(finish_reason)
        else:
            self.finish_reason = None
        self.index = index
        if delta is not None:
            self.delta = delta
";

fn pieces(types: &str, measures: &str) -> String {
    let types = format!("import diet\nMEASURED = 'quick_attributes' in diet.MEASURES\n{types}");
    let files = [
        ("litellm/__init__.py", ""),
        ("litellm/types/__init__.py", ""),
        ("litellm/types/utils.py", types.as_str()),
    ];
    let script = "import diet_streams
from litellm.types.utils import Delta, StreamingChoices
choice = StreamingChoices(7, 0, Delta('text'))
print(choice.finish_reason, choice.index, choice.delta.content, choice.delta.role)
choice.index = 1
print(choice.__pydantic_extra__['index'], sorted(choice.__pydantic_fields_set__))
del choice.__pydantic_extra__['index']
for name in 'index', 'logprobs':
    try: getattr(choice, name)
    except AttributeError as error: print(error)";
    run(&files, measures, script)
}

#[test]
fn the_pieces_of_a_stream_know_their_extra_data() {
    let said = pieces(TYPES, "");
    assert!(said.starts_with("7 0 text None\n1 ['delta'"), "{said}");
    assert_eq!(pieces(TYPES, "quick_attributes"), said);
}

#[test]
fn pieces_that_keep_their_data_elsewhere_are_left_alone_with_a_warning() {
    let types = TYPES
        .replace("extra[\"audio\"] = audio", "self.audio = audio")
        .replace("class SafeAttributeModel: pass", "MEASURED = False");
    let types = types.replace("(SafeAttributeModel, OpenAIObject)", "(OpenAIObject)");
    let said = pieces(&types, "quick_attributes");
    assert!(said.starts_with("7 0 text None\n"), "{said}");
    let warning =
        "WARNING: the diet's quick_attributes is skipped: @/litellm/types/utils.py is not laid";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn pieces_that_have_a_field_of_the_name_are_left_alone_with_a_warning() {
    let types = TYPES.replace(
        "class SafeAttributeModel: pass",
        "class SafeAttributeModel: content = 'field'\nMEASURED = False",
    );
    let said = pieces(&types, "quick_attributes");
    assert!(said.starts_with("7 0 field None\n"), "{said}");
    let warning =
        "WARNING: the diet's quick_attributes is skipped: litellm.types.utils has made fields";
    assert!(said.contains(warning), "{said}");
}
