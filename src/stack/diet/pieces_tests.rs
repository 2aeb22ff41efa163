//! Pieces of a stream that are copied, by Python, in a LiteLLM of few lines. What the installed one
//! makes of all kinds of pieces is compared in `tests/stack/test_diet.py`.

use super::tests::run;

const TYPES: &str = "\
class Model:
    def __init__(self, fields, extra, private=None):
        self.__dict__.update(fields)
        self.__dict__['__pydantic_extra__'] = self.extra = extra
        object.__setattr__(self, '__pydantic_private__', private)
        object.__setattr__(self, '__pydantic_fields_set__', set(fields))
";

const HELPERS: &str = "def preserve_upstream_non_openai_attributes(): pass\n";

const HANDLER: &str = "\
import types
litellm = types.SimpleNamespace(REPEATED_STREAMING_CHUNK_LIMIT=100)
verbose_logger = types.SimpleNamespace(isEnabledFor=lambda level: DEBUG)
DEBUG = False
class Base:
    __slots__ = '__dict__', '__pydantic_extra__', '__pydantic_private__', '__pydantic_fields_set__'
    def __init__(self, extra, private=None, **fields):
        for name, value in ('__dict__', fields), ('__pydantic_extra__', extra), ('__pydantic_private__', private):
            object.__setattr__(self, name, value)
        object.__setattr__(self, '__pydantic_fields_set__', {*fields, *extra})
    def __getattr__(self, name):
        for data in self.__pydantic_extra__, self.__pydantic_private__ or {}:
            if name in data: return data[name]
        raise AttributeError(name)
    def __setattr__(self, name, value): self.__pydantic_extra__[name] = value
    def __copy__(self):
        made = type(self)(dict(self.__pydantic_extra__), dict(self.__pydantic_private__ or {}), **self.__dict__)
        made.__pydantic_fields_set__.update(self.__pydantic_fields_set__)
        return made
class Whole(Base): pass
class Choice(Base): pass
class Delta(Base): pass
def piece(text, hidden=None, **more):
    delta = Delta({'content': text})
    return Whole({}, {'_hidden_params': hidden or {}}, choices=[Choice({'delta': delta})], **more)
class CustomStreamWrapper:
    def __init__(self):
        self.model = self.response_id = self.created = self.system_fingerprint = None
        self.received_finish_reason = self.intermittent_finish_reason = self._provider_response_model = None
        self.holding_chunk = ''
        self.sent_first_chunk = self.sent_last_chunk = self.tool_call = False
        self.merge_reasoning_content_in_choices = False
        self.custom_llm_provider = self._cached_model_name = self._cached_logging_llm_provider = 'one'
        self._base_hidden_params = {}
        self._repeated_messages_count = 1
        self.steps = []
    def raise_on_model_repetition(self):
        self.steps.append('repeated?')

    def chunk_creator(self, chunk):
        self.sent_first_chunk = True
        self.steps.append('anew')
        self.raise_on_model_repetition()
        return piece(chunk.choices[0].delta.content, {'created_at': 0}, id=chunk.id)

    def another(self):
        pass
";

const SAY: &str = "
def say(stream, *chunks):
    for chunk in chunks:
        answer = stream.chunk_creator(chunk)
        print(answer.choices[0].delta.content, answer.id, *stream.steps)
        stream.steps.clear()
";

/// What a script prints in such a LiteLLM, whose layout is the one that is looked for but for `changed`.
fn pieces(measures: &str, changed: (&str, &str), script: &str) -> String {
    let expected = format!(
        "import diet_pieces
diet_pieces.CopiedPieces.LAID_OUT = {{path: (names, diet_pieces.digest(source, names)) for path, names, source in [
    ('litellm/litellm_core_utils/streaming_handler.py', 'raise_on_model_repetition chunk_creator', {HANDLER:?}),
    ('litellm/litellm_core_utils/core_helpers.py', 'preserve_upstream_non_openai_attributes', {HELPERS:?}),
    ('litellm/types/utils.py', 'Model', {TYPES:?}),
]}}
from litellm.litellm_core_utils import streaming_handler
from litellm.litellm_core_utils.streaming_handler import CustomStreamWrapper, piece
"
    );
    let [handler, helpers, types] =
        [HANDLER, HELPERS, TYPES].map(|source| source.replace(changed.0, changed.1));
    let files = [
        ("litellm/__init__.py", ""),
        ("litellm/litellm_core_utils/__init__.py", ""),
        (
            "litellm/litellm_core_utils/streaming_handler.py",
            handler.as_str(),
        ),
        (
            "litellm/litellm_core_utils/core_helpers.py",
            helpers.as_str(),
        ),
        ("litellm/types/__init__.py", ""),
        ("litellm/types/utils.py", types.as_str()),
    ];
    run(&files, measures, &format!("{expected}{SAY}{script}"))
}

const UNCHANGED: (&str, &str) = ("\0", "\0");

#[test]
fn what_differs_in_its_text_alone_is_copied_from_the_third_piece_on() {
    let script =
        "say(CustomStreamWrapper(), *(piece(text, id=1) for text in ('a', 'b', 'c', 'd')))";
    let said = pieces("copied_pieces", UNCHANGED, script);
    assert_eq!(
        said,
        "a 1 anew repeated?\nb 1 anew repeated?\nc 1 repeated?\nd 1 repeated?\n"
    );
    let said = pieces("", UNCHANGED, script);
    assert_eq!(said.matches("anew").count(), 4, "{said}");
}

#[test]
fn what_differs_in_more_is_made_anew_and_is_the_mould_of_the_next() {
    let script = "stream = CustomStreamWrapper()
say(stream, *(piece(str(id), id=id) for id in (1, 1, 2, 2)))
say(stream, piece('', id=2), piece('hidden', {'a': 1}, id=2), piece('list', id=[]), piece('list', id=[]))
stream.model = 'another'
say(stream, piece('other', id=2), piece('other', id=2))";
    assert_eq!(
        pieces("copied_pieces", UNCHANGED, script).replace(" repeated?", ""),
        "1 1 anew\n1 1 anew\n2 2 anew\n2 2\n 2 anew\nhidden 2 anew\nlist [] anew\nlist [] anew\nother 2 anew\nother 2\n"
    );
}

#[test]
fn whoever_changes_an_answer_changes_no_other() {
    let script = "stream = CustomStreamWrapper()
for text in 'abc':
    answer = stream.chunk_creator(piece(text, id=1))
    print(answer.choices[0].delta.content, answer.id, list(answer._hidden_params), *answer.__pydantic_fields_set__ - {'id', 'choices'})
    answer.choices[0].delta.content = answer.__dict__['id'] = 'changed'
    answer._hidden_params['more'] = answer.choices.append(1)
    answer.__pydantic_fields_set__.add('more')";
    assert_eq!(
        pieces("copied_pieces", UNCHANGED, script),
        "a 1 ['created_at']\nb 1 ['created_at']\nc 1 ['created_at']\n"
    );
}

#[test]
fn each_piece_has_its_own_moment() {
    let script = "import time, itertools
count = itertools.count()
time.time = lambda: next(count)
stream = CustomStreamWrapper()
print(*(stream.chunk_creator(piece(text, id=1))._hidden_params['created_at'] for text in 'abcd'))";
    // LiteLLM's stand-in always says 0.
    assert_eq!(pieces("copied_pieces", UNCHANGED, script), "0 0 0 1\n");
}

#[test]
fn a_stream_of_another_class_is_left_alone() {
    let script = "class Other(CustomStreamWrapper): pass
say(Other(), *(piece(text, id=1) for text in ('a', 'b', 'c')))";
    let said = pieces("copied_pieces", UNCHANGED, script);
    assert_eq!(said.matches("anew").count(), 3, "{said}");
}

#[test]
fn hidden_data_of_another_kind_makes_no_mould() {
    let script =
        "streaming_handler.piece = lambda text, hidden, **more: piece(text, 'hidden', **more)
say(CustomStreamWrapper(), *(piece(text, id=1) for text in ('a', 'b', 'c')))";
    let said = pieces("copied_pieces", UNCHANGED, script);
    assert_eq!(said.matches("anew").count(), 3, "{said}");
}

#[test]
fn who_debugs_sees_each_piece_made() {
    let script = "stream = CustomStreamWrapper()
for text in 'abcde':
    streaming_handler.DEBUG = text > 'c'
    say(stream, piece(text, id=1))";
    let said = pieces("copied_pieces", UNCHANGED, script);
    assert_eq!(
        said.replace(" repeated?", ""),
        "a 1 anew\nb 1 anew\nc 1\nd 1 anew\ne 1 anew\n"
    );
}

#[test]
fn a_litellm_that_makes_pieces_in_another_way_is_left_alone_with_a_warning() {
    let script = "say(CustomStreamWrapper(), *(piece(text, id=1) for text in ('a', 'b', 'c')))";
    let handler = "litellm/litellm_core_utils/streaming_handler.py";
    for (file, changed) in [
        (
            handler,
            ("self.steps.append('anew')", "self.steps += ['anew']"),
        ),
        (
            handler,
            (
                "self.steps.append('repeated?')",
                "self.steps += ['repeated?']",
            ),
        ),
        (
            handler,
            (
                "    def chunk_creator",
                "    @(lambda method: method)\n    def chunk_creator",
            ),
        ),
        (
            "litellm/litellm_core_utils/core_helpers.py",
            ("_attributes(): pass", "_attributes(): return"),
        ),
        ("litellm/types/utils.py", ("set(fields)", "{*fields}")),
    ] {
        let said = pieces("copied_pieces", changed, script);
        assert_eq!(said.matches("anew").count(), 3, "{said}");
        let warning = format!(
            "WARNING: the diet's copied_pieces is skipped: @/{file} is not as it was (digest "
        );
        assert!(said.contains(&warning), "{said}");
    }
}

#[test]
fn what_else_changes_in_the_same_file_does_not_matter() {
    let script = "say(CustomStreamWrapper(), *(piece(text, id=1) for text in ('a', 'b', 'c')))";
    for changed in [
        (
            "another(self):\n        pass",
            "another(self):\n        return 1",
        ),
        ("import types\n", "import types\n\nSOMETHING = 1\n"),
    ] {
        let said = pieces("copied_pieces", changed, script);
        assert_eq!(said.matches("anew").count(), 2, "{said}");
    }
}
