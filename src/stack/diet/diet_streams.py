"""What makes the pieces of a streamed answer cheap in LiteLLM; see diet.py, which it is imported after.

A stream of LiteLLM's is a row of Pydantic models, of which each is asked for a hundred attributes
on its way. Those of OpenAI's types are no fields but extra data, private, or absent, which is where
Pydantic takes longest.
"""

import sys

from diet import Around, skipped, take


class QuickAttributes(Around):
    """Finds a model's extra and private data, and the lack of them, in fewer steps than Pydantic does, and
    its fields by their old name without a warning that Python does not show.

    An extra attribute's setter is kept by its class as a field's is, while that has less than `MOST` of
    any kind: Pydantic keeps none, because data from outside may have any names.
    """

    key = "quick_attributes"
    modules = {"pydantic.main"}
    MOST = 32
    EXPECTED = {
        """
        def __getattr__(self, item: str) -> Any:
            private_attributes = object.__getattribute__(self, '__private_attributes__')
            if item in private_attributes:
                attribute = private_attributes[item]
                if hasattr(attribute, '__get__'):
""": 1,
        """
                    # Note: self.__pydantic_private__ cannot be None if self.__private_attributes__ has items
                    return self.__pydantic_private__[item]  # type: ignore
""": 1,
        """
                if pydantic_extra and item in pydantic_extra:
                    return pydantic_extra[item]
                else:
                    if hasattr(self.__class__, item):
                        return super().__getattribute__(item)  # Raises AttributeError if appropriate
                    else:
                        # this is the current error
                        raise AttributeError(f'{type(self).__name__!r} object has no attribute {item!r}')
""": 1,
        """
            if (setattr_handler := self.__pydantic_setattr_handlers__.get(name)) is not None:
                setattr_handler(self, name, value)
""": 1,
        """
                    # attribute does not exist, so put it in extra
                    self.__pydantic_extra__[name] = value
                    self.__pydantic_fields_set__.add(name)
                    return None  # Can not return memoized handler with possibly freeform attr names
""": 1,
        """
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
""": 1,
        "__slots__ = '__dict__', '__pydantic_fields_set__', '__pydantic_extra__', '__pydantic_private__'\n": 1,
    }

    @classmethod
    def around(cls, module):
        yield
        model = module.BaseModel
        whole_getattr, whole_handler = model.__getattr__, model._setattr_handler
        ask = object.__getattribute__

        def __getattr__(self, item):
            if item[:1] == "_":
                try:
                    if not hasattr(type(self).__private_attributes__[item].default, "__get__"):
                        return self.__pydantic_private__[item]
                except (AttributeError, KeyError, TypeError):
                    pass
                return whole_getattr(self, item)
            try:
                extra = self.__pydantic_extra__
            except AttributeError:  # it is being made
                return whole_getattr(self, item)
            if extra and item in extra:
                return extra[item]
            return ask(self, item)  # raises what there is to be raised

        def _setattr_handler(self, name, value):
            handler = whole_handler(self, name, value)
            handlers = type(self).__pydantic_setattr_handlers__
            if handler is None and name[:1] != "_" and len(handlers) < cls.MOST:
                handlers[name] = put
            return handler

        model.__getattr__, model._setattr_handler = __getattr__, _setattr_handler
        if not sys.warnoptions:
            # 2 % of a chat went into the warning. A property of the metaclass of the same name does not
            # let the class have another.
            vars(model)["__fields__"].fget.__code__ = fields.__code__


def fields(model):
    return getattr(type(model), "__pydantic_fields__", {})


def put(model, name, value):
    """Sets what is no field, as Pydantic does."""
    model.__pydantic_extra__[name] = value
    model.__pydantic_fields_set__.add(name)


class QuickPieces(Around):
    """Lets the classes of a stream's pieces know their extra data themselves.

    What a class does not have, Python looks for in vain before it asks a model's `__getattr__`. A
    subclass could not make a field of one of these names any more; nobody has one.
    """

    key = QuickAttributes.key
    modules = {"litellm.types.utils"}
    # What each of them has, by its `__init__`.
    EXTRA = {
        "Delta": ("content", "role", "function_call", "tool_calls", "audio"),
        "StreamingChoices": ("finish_reason", "index", "delta", "logprobs"),
    }
    EXPECTED = {
        "\nclass Delta(SafeAttributeModel, OpenAIObject):\n": 1,
        """
        extra["content"] = content
        extra["role"] = role
        extra["function_call"] = function_call
        extra["tool_calls"] = tool_calls
        extra["audio"] = audio
""": 1,
        "\nclass StreamingChoices(OpenAIObject):\n    def __init__(\n": 1,
        """
            self.finish_reason = map_finish_reason(finish_reason)
        else:
            self.finish_reason = None
        self.index = index
        if delta is not None:
""": 1,
    }

    @classmethod
    def around(cls, module):
        yield
        extras = [(getattr(module, kind), name) for kind, names in cls.EXTRA.items() for name in names]
        if any(hasattr(kind, name) for kind, name in extras):
            skipped(cls.key, f"{module.__name__} has made fields of what was extra data")
            return
        for kind, name in extras:
            setattr(kind, name, extra(name))
            kind.__pydantic_setattr_handlers__[name] = put


def extra(name):
    def get(model):
        try:
            return model.__pydantic_extra__[name]
        except (AttributeError, KeyError, TypeError):
            raise AttributeError(f"{type(model).__name__!r} object has no attribute {name!r}") from None

    return property(get, lambda model, value: put(model, name, value))


take(QuickAttributes, QuickPieces)
