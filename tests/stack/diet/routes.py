"""What the routes of a service's application do when nobody has used them yet: their order, their first
requests, several at once, the description of the interface, and routes that a plugin brings.

Argument: our modules' folder, which is named after the service.
"""

import asyncio
import hashlib
import importlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])
LITELLM = os.path.basename(sys.argv[1]) == "litellm"
importlib.import_module("gateway_app" if LITELLM else "webui_app")
import httpx
from fastapi import routing
from pydantic import BaseModel

app = importlib.import_module("litellm.proxy.proxy_server" if LITELLM else "open_webui.main").app
AT_ONCE = 8
# Each with something that its parameters or its body must not be. The last of LiteLLM's are of features
# that LiteLLM itself loads at their first request.
ASKED = [
    ("POST", "/key/generate", {"models": 3, "max_budget": "much"}),
    ("POST", "/user/new", {"max_budget": []}),
    ("POST", "/team/new", {"members_with_roles": 1}),
    ("POST", "/model/update", {"model_info": 1}),
    ("GET", "/key/list?page=first", None),
    ("GET", "/spend/logs/ui?page=x", None),
    ("GET", "/health/liveliness", None),
    ("POST", "/guardrails", {"guardrail": 1}),
    ("POST", "/policies", {"policy_name": []}),
    ("POST", "/v1/agents", {"agent_name": {}}),
    ("POST", "/prompts", {"prompt_id": 1}),
] if LITELLM else [
    ("POST", "/ollama/verify", {"url": 1}),
    ("POST", "/api/v1/auths/signup", {}),
    ("GET", "/health", None),
    ("GET", "/api/version", None),
    ("GET", "/api/changelog", None),
]


def digest(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


def order(routes=None):
    """All routes in the order in which a request is held against them, looked at without using them."""
    found = []
    for route in app.routes if routes is None else routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            found += ["included:", *order(router.routes)]
        else:
            found.append(f"{sorted(getattr(route, 'methods', None) or [])} {getattr(route, 'path', '')} {route.name}")
    return found


before = order()
print(len(before), digest("\n".join(before)), *before[:20], sep="\n")


async def first_requests():
    """Of each route several at once, and of all routes at once."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        asked = [client.request(method, path, json=body) for method, path, body in ASKED for _ in range(AT_ONCE)]
        return await asyncio.gather(*asked)


answers = asyncio.run(first_requests())
for (method, path, _), first in zip(ASKED, range(0, len(answers), AT_ONCE)):
    same = {(answer.status_code, answer.text) for answer in answers[first : first + AT_ONCE]}
    print(method, path, *sorted((status, text[:400], digest(text)) for status, text in same))

# What LiteLLM has loaded meanwhile stands where it would.
after = order()
print(len(after), digest("\n".join(after)))


def fields_of(route):
    yield from (getattr(route, "response_field", None), getattr(route, "body_field", None))
    dependant = getattr(route, "dependant", None)
    if dependant is not None:
        for kind in ("path_params", "query_params", "header_params", "cookie_params"):
            yield from getattr(dependant, kind)


def validated(field):
    said = []
    for value in ({}, "text", 7):
        try:
            said.append(repr(field.validate(value, {}, loc=("body",))))
        except Exception as error:  # a validator's own, with or without us
            said.append(type(error).__name__)
    return f"{field.name} {digest(' '.join(said))}"


# All that check a parameter, a body or an answer, each by several threads at once.
contexts = list(getattr(routing, "iter_route_contexts", list)(app.routes))
fields = [field for route in contexts for field in fields_of(route) if field is not None]
assert len(fields) > 200
with ThreadPoolExecutor(AT_ONCE) as pool:
    seen = list(pool.map(validated, [field for field in fields for _ in range(3)]))
assert seen[0::3] == seen[1::3] == seen[2::3]
print(*seen[0::3], sep="\n")

schema = app.openapi()
print(len(schema["paths"]), digest(json.dumps(schema, sort_keys=True)))


class Answer(BaseModel):
    number: int


def bring(path, returned):
    def ask(count: int = 1):
        return {"number": count}

    ask.__annotations__["return"] = returned
    app.get(path)(ask)


# A plugin's routes: one that works, and one that FastAPI refuses where it is made.
bring("/plugin/answer", Answer)
try:
    bring("/plugin/refused", type("NoModel", (), {}))
    print("not refused")
except Exception as error:
    print(type(error).__name__, str(error)[:60])


async def plugin():
    """What the one that works answers, a wrong parameter included."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return [(await client.get(f"/plugin/answer?count={count}")).text[:200] for count in ("2", "x")]


print(asyncio.run(plugin()))
