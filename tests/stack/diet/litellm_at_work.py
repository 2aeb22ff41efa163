"""What LiteLLM makes by what the diet puts off or changes at run time, from several threads and tasks at once.

Argument: our modules' folder.
"""

import copy
import hashlib
import inspect
import json
import pickle
import sys
import typing
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])
import gateway_app  # noqa: F401
import litellm
from litellm.proxy import proxy_server
from litellm.types.llms import openai as openai_types
from pydantic import BaseModel, TypeAdapter

# The page that describes the interface, which every route has its part in.
schema = json.dumps(proxy_server.app.openapi(), sort_keys=True)
print(len(schema), hashlib.sha256(schema.encode()).hexdigest())


# Tokens by Anthropic's vocabulary, and the vocabulary itself.
with ThreadPoolExecutor(4) as pool:
    counts = pool.map(lambda text: litellm.token_counter(model="claude-2", text=text), ["Hello", "eins zwei drei", "\u4f60\u597d"] * 3)
    print(list(counts))
from litellm import utils

print(len(utils.json_data), len(utils.claude_json_str), json.loads(utils.claude_json_str) == utils.json_data)

# Models that LiteLLM has validated at their first use: eight threads come first.
models = [kind for _, kind in sorted(vars(openai_types).items()) if inspect.isclass(kind) and issubclass(kind, BaseModel)]
print(len(models), *(kind.__name__ for kind in models[:5]))


def use(kind):
    try:
        schema = kind.model_json_schema()
    except Exception as error:
        schema = type(error).__name__
    try:
        made = repr(kind.model_validate({}))
    except Exception as error:
        made = f"{type(error).__name__}: {error}"
    return kind.__name__, hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16], made[:200]


for turn in range(2):
    with ThreadPoolExecutor(8) as pool:
        seen = [tuple(said) for said in zip(*(pool.map(use, models) for _ in range(3)))]
    assert all(first == second == third for first, second, third in seen)
for first, *_ in seen:
    print(*first)

answer = litellm.ModelResponse(choices=[litellm.Choices(message=litellm.Message(content="text", role="assistant"))])
answer.id = "1"
answer.created = 1
print(answer.model_dump_json(), pickle.loads(pickle.dumps(answer)) == answer, copy.deepcopy(answer) == answer)
print(TypeAdapter(typing.Any).dump_json(answer), TypeAdapter(typing.Any).dump_python([answer.choices[0].message]))
print(inspect.signature(litellm.ModelResponse), inspect.signature(openai_types.ResponsesAPIResponse))


class Late(BaseModel):
    value: "NotYet"


try:
    Late(value={})
except Exception as error:
    print(type(error).__name__, error)


class NotYet(BaseModel):
    number: int = 1


print(Late(value={}), Late.model_json_schema())
