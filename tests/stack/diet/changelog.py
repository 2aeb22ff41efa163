"""What Open WebUI answers about its changelog, from several threads at once.

Argument: our modules' folder.
"""

import asyncio
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, sys.argv[1])
import webui_app  # noqa: F401
from open_webui.env import CHANGELOG
from open_webui.main import app, get_app_changelog

with ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda _: json.dumps(asyncio.run(get_app_changelog())), range(8)))
assert len(set(answers)) == 1
print(len(answers[0]), hashlib.sha256(answers[0].encode()).hexdigest(), list(CHANGELOG)[:5])
print(hashlib.sha256(json.dumps(app.openapi(), sort_keys=True).encode()).hexdigest())
