"""This asks copies of Open WebUI for the files of their page, and gives them documents.

`comparison` calls it.
"""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from ..common import process
from .copies import TIMEOUT_SECONDS, Copy

PAGES = 40
# Some thousand characters each, of which Open WebUI makes seven pieces.
DOCUMENTS, SENTENCES = 60, 150
BOUNDARY = "a-part-of-the-form"


def page(copy: Copy, nginx: tuple[int, list[int]] | None) -> float:
    """Milliseconds of processor time for the files of one page: by nginx (its port and its processes), if
    that serves them, or by the copy."""
    port, pids = nginx or (copy.port, copy.pids())
    used = process.cpu(pids)
    for _ in range(PAGES):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        for path in copy.files:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"error: {path}: {answer.status}")
    return (process.cpu(pids) - used) / PAGES * 1000


def add_ask_and_delete(copy: Copy, password: str) -> None:
    """Adds documents, and asks and deletes each, one after the other."""
    signed_in = ask(copy, "POST", "/api/v1/auths/signin", {"email": "admin@localhost", "password": password})
    headers = {"Authorization": f"Bearer {signed_in['token']}"}
    for number in range(DOCUMENTS):
        form = {**headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        added = upload(f"{number}.txt", text(number))
        document = ask(copy, "POST", "/api/v1/files/?process_in_background=false", added, form)["id"]
        question = {"collection_name": f"file-{document}", "query": "What does it tell?", "k": 1}
        found = ask(copy, "POST", "/api/v1/retrieval/query/doc", question, headers)
        if not found["documents"][0]:
            raise SystemExit(f"error: document {number} was not found")
        ask(copy, "DELETE", f"/api/v1/files/{document}", None, headers)


def text(number: int) -> str:
    return "".join(f"Sentence {place} of document {number} tells of {number * place}. " for place in range(SENTENCES))


def upload(name: str, content: str) -> bytes:
    """A form with one text file. Pure."""
    disposition = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    part = f"{disposition}\r\nContent-Type: text/plain\r\n\r\n{content}\r\n"
    return f"--{BOUNDARY}\r\n{part}--{BOUNDARY}--\r\n".encode()


def ask(
    copy: Copy,
    method: str,
    path: str,
    body: bytes | dict[str, Any] | None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    sent = dict(headers or {})
    if isinstance(body, dict):
        body, sent = json.dumps(body).encode(), {"Content-Type": "application/json", **sent}
    connection = copy.connection()
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise SystemExit(f"error: {method} {path}: {answer.status} {said[:500]!r}")
    return json.loads(said)
