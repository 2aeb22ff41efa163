"""Makes a piece of a streamed answer from the one before it, in LiteLLM; see diet.py, which it is
imported after.

For each piece that a provider sends, LiteLLM makes what it sends on from nothing: a model of the
whole, two of its choice, four of its text, three dumps and an identifier, of which most is thrown
away. But the pieces of a stream differ in their text. So what LiteLLM made of one is kept as a mould
for those that are like it, as long as LiteLLM's own `chunk_creator` left the stream as it was before
it: then it would make the same of the next, with the next one's text.
"""

import hashlib
import logging
import os
import re
import time
from copy import copy

from diet import Around, skipped, take


class CopiedPieces(Around):
    """Puts the moulds around LiteLLM's making of pieces, where all that makes them is as it was.

    Other measures look for the lines that they change. A mould is right because of all that these
    functions and models do, so they are known by a digest of the whole.
    """

    key = "copied_pieces"
    modules = {"litellm.litellm_core_utils.streaming_handler"}
    # Files among the installed packages, what is looked at in them, and its digest.
    LAID_OUT = {
        "litellm/litellm_core_utils/streaming_handler.py": (
            "_provider_response_model _ParsedChunkHiddenParams _parsed_provider_hidden_params "
            "_provider_hidden_params raise_on_model_repetition check_special_tokens "
            "handle_openai_chat_completion_chunk model_response_creator set_model_id "
            "copy_model_response_level_provider_specific_fields is_chunk_non_empty strip_role_from_delta "
            "_has_special_delta_attribute _copy_delta_attribute _has_any_special_delta_attributes "
            "_handle_special_delta_attributes return_processed_chunk_logic "
            "_optional_combine_thinking_block_in_choices _dispatch_provider_chunk chunk_creator",
            "9d3e14d033366ca8",
        ),
        "litellm/litellm_core_utils/core_helpers.py": (
            "preserve_upstream_non_openai_attributes",
            "11a2713470631c88",
        ),
        "litellm/litellm_core_utils/hidden_params.py": (
            "_get_hidden_params_storage _as_hidden_params_mapping get_hidden_params",
            "24f64f6d09a4f25a",
        ),
        "litellm/types/utils.py": (
            "SafeAttributeModel add_provider_specific_fields Delta StreamingChoices ModelResponseBase ModelResponseStream",
            "bb6fe640e6ee8ce5",
        ),
        "pydantic/main.py": ("__copy__", "b7d7d686b7295a5c"),
    }

    def change(self, spec, source):
        packages = os.path.dirname(os.path.dirname(os.path.dirname(spec.origin)))
        for below, (names, expected) in self.LAID_OUT.items():
            path = os.path.join(packages, below)
            with open(path, encoding="utf-8") as file:
                found = digest(file.read(), names)
            if found != expected:
                skipped(self.key, f"{path} is not as it was (digest {found})")
                return True
        return super().change(spec, source)

    @staticmethod
    def around(module):
        yield
        wrapper = module.CustomStreamWrapper
        made_anew = wrapper.chunk_creator

        def chunk_creator(self, chunk):
            # Who debugs sees each piece made.
            if type(self) is not wrapper or module.verbose_logger.isEnabledFor(logging.DEBUG):
                return made_anew(self, chunk)
            piece = Piece.of(chunk)
            if piece is None:
                return made_anew(self, chunk)
            before = state(self)
            mould = vars(self).get("_mould")
            if mould is not None and mould.fits(piece, before):
                self.raise_on_model_repetition()
                return mould.cast(piece)
            answer = made_anew(self, chunk)
            self._mould = Mould.of(piece, before, answer, self) if answer is not chunk else None
            return answer

        wrapper.chunk_creator = chunk_creator


def digest(source, names):
    """Of the functions, methods and classes of these names, in the order of the source."""
    names = "|".join(names.split())
    head = rf"^((?: {{4}})?)(?:@[^\n]*\n\1)*(?:class|def) (?:{names})\b"
    found = re.finditer(rf"{head}.*?(?=^(?!\1 |\1[)\]]|\n)|\Z)", source, re.DOTALL | re.MULTILINE)
    return hashlib.sha256("".join(one[0].rstrip() + "\n" for one in found).encode()).hexdigest()[:16]


def state(stream):
    """What of a stream LiteLLM goes by when it makes a piece, but for the pieces before it."""
    return (
        stream.custom_llm_provider,
        stream.merge_reasoning_content_in_choices,
        stream._base_hidden_params,
        stream._cached_model_name,
        stream._cached_logging_llm_provider,
        stream.model,
        stream.response_id,
        stream.created,
        stream.system_fingerprint,
        stream.received_finish_reason,
        stream.intermittent_finish_reason,
        stream.holding_chunk,
        stream.sent_first_chunk,
        stream.sent_last_chunk,
        stream.tool_call,
        stream._provider_response_model,
    )


class Piece:
    """A piece of one choice with some text, a provider's or LiteLLM's, taken apart.

    `text` is the text; `padding` what OpenAI hides its length with, another in each piece, or `ABSENT`;
    `hidden` LiteLLM's data about it; `rest` all else, as what can be compared: by value, so that 1 and
    True are the same, and in whatever order.
    """

    __slots__ = ("text", "padding", "hidden", "rest")

    @classmethod
    def of(cls, model):
        """None if it is of another kind."""
        try:
            [choice] = model.choices
            delta = choice.delta
            text = delta.content
            if type(text) is not str or not text:
                return None
            piece = cls()
            whole = parts(model, "choices")
            piece.text = text
            piece.padding = whole[1].pop("obfuscation", ABSENT)
            piece.hidden = whole[2].pop("_hidden_params", None)
            piece.rest = (piece.padding is ABSENT, *whole, *parts(choice, "delta"), *parts(delta, "content"))
            return piece
        except (AttributeError, TypeError, ValueError):
            return None

    def is_plain(self):
        """Whether nothing of the rest could change unseen, or be changed for two at once."""
        data = (part for part in self.rest if type(part) is dict)
        plain = all(type(value) in PLAIN for one in data for value in one.values())
        return plain and (self.padding is ABSENT or type(self.padding) is str)


PLAIN = {str, int, float, bool, type(None)}
ABSENT = object()


def parts(model, name):
    """A model's fields, extra and private data without what has the name, what of it was set, and its type."""
    fields, extra = dict(model.__dict__), dict(model.__pydantic_extra__ or ())
    fields.pop(name, None)
    extra.pop(name, None)
    return fields, extra, dict(model.__pydantic_private__ or ()), model.__pydantic_fields_set__, type(model)


class Mould:
    """What LiteLLM made of a piece, for those that are like it."""

    __slots__ = ("rest", "state", "answer")

    @classmethod
    def of(cls, piece, before, answer, stream):
        """None if LiteLLM may make something else of the next, or the answers would share what can change."""
        if before != state(stream) or stream.received_finish_reason is not None:
            return None
        if stream.merge_reasoning_content_in_choices or piece.hidden or not piece.is_plain():
            return None
        made = Piece.of(answer)
        if made is None or type(made.hidden) is not dict or not made.is_plain():
            return None
        if (made.text, made.padding) != (piece.text, piece.padding):
            return None
        mould = cls()
        mould.rest, mould.state, mould.answer = tuple(map(copy, piece.rest)), before, copied(answer)
        return mould

    def fits(self, piece, now):
        return not piece.hidden and self.rest == piece.rest and self.state == now

    def cast(self, piece):
        """The answer to a piece that fits."""
        answer = copied(self.answer)
        answer.choices[0].delta.content = piece.text
        if piece.padding is not ABSENT:
            answer.obfuscation = piece.padding
        answer._hidden_params["created_at"] = time.time()
        return answer


def copied(answer):
    """A LiteLLM answer of one choice, with models of its own and everything else shared."""
    [choice] = answer.choices
    delta, choice, answer = copy(choice.delta), copy(choice), copy(answer)
    choice.__pydantic_extra__["delta"] = delta
    answer.__dict__["choices"] = [choice]
    answer.__pydantic_private__["_hidden_params"] = dict(answer.__pydantic_private__["_hidden_params"])
    return answer


take(CopiedPieces)
