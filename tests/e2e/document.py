"""Each exchange with the API against its document, `openapi.yaml`.

The tests' clients check every answer here, and every request that the API accepted. Each process
counts the operations and statuses that it has seen, and writes them to `target/openapi/`.
"""

import collections
import functools
import json
import os
import re
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).parents[2]
SEEN = ROOT / "target/openapi"
URI = "urn:openapi"
METHODS = ("get", "post", "put", "patch", "delete")
BAD_REQUEST, SERVER_ERROR = 400, 500

Pointer = tuple[str, ...]

_seen: collections.Counter[str] = collections.Counter()
_lock = threading.Lock()


@functools.cache
def load() -> Any:
    """Returns the document."""
    return yaml.safe_load((ROOT / "openapi.yaml").read_text())


@functools.cache
def registry() -> Any:
    """Returns the document as JSON Schema finds it."""
    return Registry().with_resource(URI, DRAFT202012.create_resource(load()))


def at(pointer: Pointer) -> Any:
    """Returns the part of the document at a pointer."""
    part = load()
    for name in pointer:
        part = part[name]
    return part


def resolve(pointer: Pointer) -> Pointer:
    """Follows a reference, if there is one at a pointer."""
    part = at(pointer)
    if isinstance(part, dict) and "$ref" in part:
        return resolve(tuple(part["$ref"].split("/")[1:]))
    return pointer


@functools.cache
def validator(pointer: Pointer) -> Draft202012Validator:
    """Returns the validator of the schema at a pointer."""
    escaped = "/".join(name.replace("~", "~0").replace("/", "~1") for name in pointer)
    reference = f"{URI}#/{urllib.parse.quote(escaped)}"
    return Draft202012Validator({"$ref": reference}, registry=registry())


def operations() -> Iterator[tuple[str, Pointer]]:
    """Returns each operation's route, such as `GET /api/jobs`, and its place."""
    for path, item in load()["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", ("paths", path, method)


@functools.cache
def patterns() -> list[tuple[str, re.Pattern[str], str, Pointer]]:
    """Returns each operation's method, the pattern of its paths, its route and its place."""
    found = []
    for route, place in operations():
        method, path = route.split(" ")
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        found.append((method, re.compile(pattern), route, place))
    # `/api/jobs/{id}` does not match `/api/jobs/1/logs`, so the order does not matter.
    return found


def find(method: str, path: str) -> tuple[str, Pointer] | None:
    """Returns the operation of a request."""
    for other, pattern, route, place in patterns():
        if other == method and pattern.fullmatch(path):
            return route, place
    return None


def problems(pointer: Pointer, value: object) -> list[str]:
    """Returns how a value breaks the schema at a pointer."""
    errors = validator(pointer).iter_errors(value)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def answer_problems(place: Pointer, status: int, content_type: str, body: object) -> list[str]:
    """Returns how an answer differs from the document."""
    responses = at((*place, "responses"))
    is_own_problem = content_type == "application/problem+json" and status < SERVER_ERROR
    if str(status) in responses:
        name = str(status)
    elif is_own_problem:
        return [f"the status {status} is not in the document: {body}"]
    else:
        name = "default"
    response = resolve((*place, "responses", name))
    contents = at(response).get("content")
    if contents is None:
        return [] if body in ("", b"") else [f"a body: {body!r}"]
    if content_type not in contents:
        return [f"the content type {content_type!r} is not in the document"]
    return problems((*response, "content", content_type, "schema"), body)


class Exchange(NamedTuple):
    """A request, with the JSON of its body, and its answer."""

    method: str
    url: str
    sent: object
    status: int
    content_type: str
    body: object


def check(exchange: Exchange) -> None:
    """Checks an exchange, and counts it."""
    operation = find(exchange.method, urllib.parse.urlsplit(exchange.url).path)
    if operation is None:
        return
    route, place = operation
    status, sent = exchange.status, exchange.sent
    content_type = exchange.content_type.partition(";")[0]
    found = answer_problems(place, status, content_type, exchange.body)
    if status < BAD_REQUEST and sent is not None and sent != {}:
        request = (*place, "requestBody", "content", "application/json", "schema")
        found += problems(request, sent)
    assert not found, f"{route} {status} differs from openapi.yaml: {found}"
    with _lock:
        _seen[f"{route} {status}"] += 1


def write_seen() -> None:
    """Writes the operations and statuses that this process has seen."""
    SEEN.mkdir(parents=True, exist_ok=True)
    (SEEN / f"{os.getpid()}.json").write_text(json.dumps(_seen))


def documented() -> set[str]:
    """Returns each operation with each of its statuses."""
    return {
        f"{route} {status}"
        for route, place in operations()
        for status in at((*place, "responses"))
        if status != "default"
    }


def main() -> None:
    """Prints how much of the document the tests have seen; fails if it is not all."""
    seen: collections.Counter[str] = collections.Counter()
    for path in SEEN.glob("*.json"):
        seen.update(json.loads(path.read_text()))
    wanted = documented()
    missing = sorted(wanted - set(seen))
    routes = {route for route, _ in operations()}
    seen_routes = {name.rsplit(" ", 1)[0] for name in seen}
    print(
        f"The API's document: {len(routes & seen_routes)} of {len(routes)} operations and "
        f"{len(wanted) - len(missing)} of {len(wanted)} statuses seen in {seen.total()} exchanges."
    )
    if missing:
        raise SystemExit("error: no test has seen " + ", ".join(missing))


if __name__ == "__main__":
    main()
