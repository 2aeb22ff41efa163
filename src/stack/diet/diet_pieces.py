"""Makes a piece of a streamed answer from the one before it, in LiteLLM; see diet.py, which it is
imported after.

For each piece that a provider sends, LiteLLM makes what it sends on from nothing: a model of the
whole, three of its choice, four of its text, two dumps and an identifier, of which most is thrown
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

from diet import Around, take

put = object.__setattr__


class CopiedPieces(Around):
    """Puts the moulds around LiteLLM's making of pieces, where all that makes them is as it was.

    A mould is right because of what those methods and models do in all their lines, so it is not
    looked for some of them, but at the whole.
    """

    key = "copied_pieces"
    modules = {"litellm.litellm_core_utils.streaming_handler"}
    # Files beside the module's folder, what is looked at in them, and its digest.
    LAID_OUT = {
        "litellm_core_utils/streaming_handler.py": (
            "_provider_response_model _parsed_provider_hidden_params _provider_hidden_params "
            "raise_on_model_repetition check_special_tokens handle_openai_chat_completion_chunk "
            "model_response_creator set_model_id copy_model_response_level_provider_specific_fields "
            "is_chunk_non_empty strip_role_from_delta return_processed_chunk_logic "
            "_optional_combine_thinking_block_in_choices _dispatch_provider_chunk chunk_creator",
            "f7363ffc3a223323",
        ),
        "litellm_core_utils/core_helpers.py": ("preserve_upstream_non_openai_attributes", "11a2713470631c88"),
        "types/utils.py": ("Delta StreamingChoices ModelResponseBase ModelResponseStream", "ec7f6c7cf54ab298"),
    }

    def change(self, spec, source):
        beside = os.path.dirname(os.path.dirname(spec.origin))
        for path, (names, expected) in self.LAID_OUT.items():
            with open(os.path.join(beside, path), encoding="utf-8") as file:
                if digest(file.read(), names) != expected:
                    return False
        return super().change(spec, source)

    @staticmethod
    def around(module):
        yield
        wrapper = module.CustomStreamWrapper
        made_anew = wrapper.chunk_creator

        def chunk_creator(self, chunk):
            piece = Piece.of(chunk)
            if piece is None:
                return made_anew(self, chunk)
            mould = vars(self).get("_mould")
            if mould is not None and mould.fits(piece, self) and not at_its_limit(self, module.litellm):
                self.raise_on_model_repetition()
                return mould.cast(piece)
            before = state(self)
            answer = made_anew(self, chunk)
            if type(self) is wrapper and not module.verbose_logger.isEnabledFor(logging.DEBUG):
                self._mould = None if answer is chunk else Mould.of(piece, before, self, answer)
            return answer

        wrapper.chunk_creator = chunk_creator


def digest(source, names):
    """Of the functions, methods and classes of these names, in the order of the source."""
    names = "|".join(names.split())
    found = re.finditer(
        rf"^((?: {{4}})?)(?:class|def) (?:{names})\b.*?(?=^(?!\1 |\1[)\]]|\n)|\Z)", source, re.DOTALL | re.MULTILINE
    )
    return hashlib.sha256("".join(one[0].rstrip() + "\n" for one in found).encode()).hexdigest()[:16]


def at_its_limit(stream, litellm):
    """Whether one more piece of the same text may be the one at which LiteLLM ends the stream."""
    return stream._repeated_messages_count + 1 >= litellm.REPEATED_STREAMING_CHUNK_LIMIT


def state(stream):
    """What LiteLLM goes by when it makes a piece, and changes while it does."""
    return (
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

    `text` is the text; `padding` what OpenAI hides its length with, another in each piece, or None;
    `hidden` LiteLLM's data about it; `rest` all else, as rows of what can be compared.
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
            piece.padding = whole[1].pop("obfuscation", None)
            piece.hidden = whole[2].pop("_hidden_params", None)
            piece.rest = (type(piece.padding), *whole, *parts(choice, "delta"), *parts(delta, "content"))
            return piece
        except (AttributeError, TypeError, ValueError):
            return None

    def is_plain(self):
        """Whether nothing of the rest could change unseen, or be changed for two at once."""
        data = (part for part in self.rest if type(part) is dict)
        return self.rest[0] in PADDINGS and all(type(value) in PLAIN for one in data for value in one.values())


NOTHING = type(None)
PLAIN = {str, int, float, bool, NOTHING}
PADDINGS = {str, NOTHING}


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
    def of(cls, piece, before, stream, answer):
        """None if LiteLLM may make something else of the next, or something that shares less."""
        made = Piece.of(answer)
        if (
            before != state(stream)
            or stream.received_finish_reason is not None
            or stream.merge_reasoning_content_in_choices
            or made is None
            or (made.text, made.padding) != (piece.text, piece.padding)
            or piece.hidden
            or not made.hidden
            or not (piece.is_plain() and made.is_plain())
        ):
            return None
        mould = cls()
        mould.rest, mould.state, mould.answer = tuple(map(copy, piece.rest)), before, copied(answer)
        return mould

    def fits(self, piece, stream):
        return not piece.hidden and self.rest == piece.rest and self.state == state(stream)

    def cast(self, piece):
        """The answer to a piece that fits."""
        answer = copied(self.answer)
        answer.choices[0].delta.content = piece.text
        if piece.padding is not None:
            answer.obfuscation = piece.padding
        answer._hidden_params["created_at"] = time.time()
        return answer


def copied(answer):
    """A LiteLLM answer of one choice, with models of its own and everything else shared."""
    [choice] = answer.choices
    delta, choice, answer = one_copied(choice.delta), one_copied(choice), one_copied(answer)
    choice.__pydantic_extra__["delta"] = delta
    answer.__dict__["choices"] = [choice]
    answer.__pydantic_private__["_hidden_params"] = dict(answer.__pydantic_private__["_hidden_params"])
    return answer


def one_copied(model):
    """As Pydantic's `__copy__`, without its looking for what is undefined."""
    made = object.__new__(type(model))
    put(made, "__dict__", dict(model.__dict__))
    put(made, "__pydantic_extra__", copy(model.__pydantic_extra__))
    put(made, "__pydantic_fields_set__", set(model.__pydantic_fields_set__))
    put(made, "__pydantic_private__", copy(model.__pydantic_private__))
    return made


take(CopiedPieces)
