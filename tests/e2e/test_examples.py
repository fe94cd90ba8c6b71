"""The examples and texts of the API's document: each body and answer has a true example."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from document import ROOT, Pointer, at, load, operations, problems, resolve

pytestmark = pytest.mark.local

PROBLEM = "application/problem+json"
URN = "urn:jobs:"
SNAPSHOTS = ROOT / "tests/tests/snapshots"
# API Gateway answers before the code that has them.
WITHOUT_EXAMPLE = {"unauthorized", "method-not-allowed"}


def media_types() -> Iterator[tuple[str, Pointer]]:
    """Returns each body and answer of each operation in each content type, with its place."""
    for route, place in operations():
        found = {"body": (*place, "requestBody")} if "requestBody" in at(place) else {}
        found |= {status: (*place, "responses", status) for status in at((*place, "responses"))}
        for name, pointer in found.items():
            body = resolve(pointer)
            for content_type in at(body).get("content", {}):
                yield f"{route} {name}", (*body, "content", content_type)


def examples(pointer: Pointer) -> list[Any]:
    """Returns the examples at a content type."""
    part = at(pointer)
    names = part.get("examples", {})
    shared = [at(resolve((*pointer, "examples", name)))["value"] for name in names]
    return [part["example"], *shared] if "example" in part else shared


def problem_examples() -> Iterator[tuple[str, Pointer, Any]]:
    """Returns each example of a problem, with its route and status, and its place."""
    for name, pointer in media_types():
        if pointer[-1] == PROBLEM:
            for example in examples(pointer):
                yield name, pointer, example


def keys(part: object) -> Iterator[str]:
    """Returns the keys of all objects in a part of the document."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield key
            yield from keys(value)
    elif isinstance(part, list):
        for value in part:
            yield from keys(value)


def without_numbers(text: str) -> str:
    """Returns a text in which all numbers are equal."""
    return re.sub(r"\d+", "0", text)


def test_every_body_and_answer_has_an_example() -> None:
    found = list(media_types())
    assert len(found) > len(list(operations()))
    assert [f"{name} {pointer[-1]}" for name, pointer in found if not examples(pointer)] == []


def test_examples_are_valid() -> None:
    faults = {
        f"{name} {pointer[-1]}": found
        for name, pointer in media_types()
        for example in examples(pointer)
        if (found := problems((*pointer, "schema"), example))
    }
    assert faults == {}


def test_example_of_a_problem_has_the_status_of_its_answer() -> None:
    for name, _, example in problem_examples():
        status = name.rsplit(" ", 1)[1]
        assert status in ("default", str(example["status"])), (name, example)


def test_problems_that_an_answer_names_have_an_example() -> None:
    urns = load()["components"]["schemas"]["ProblemType"]["enum"]
    known = {urn.removeprefix(URN) for urn in urns}
    shown = {example["type"].removeprefix(URN) for _, _, example in problem_examples()}
    assert shown == known - WITHOUT_EXAMPLE
    for name, pointer in media_types():
        if pointer[-1] == PROBLEM:
            named = set(re.findall(r"`([a-z-]+)`", at(pointer[:-2])["description"])) & known
            given = {example["type"].removeprefix(URN) for example in examples(pointer)}
            assert named <= given, name


def test_examples_of_problems_are_those_that_the_code_makes() -> None:
    for name, _, example in problem_examples():
        snapshot = SNAPSHOTS / f"problem-{example['type'].removeprefix(URN)}.snap"
        made = json.loads(snapshot.read_text().split("---\n", 2)[2])["body"]
        assert example.keys() == made.keys(), name
        assert (example["title"], example["status"]) == (made["title"], made["status"]), name
        if "errors" in made:
            made["detail"] = f"The request is not valid: {' '.join(example['errors'][0].values())}."
        assert without_numbers(example["detail"]) == without_numbers(made["detail"]), name


def test_no_text_ends_at_its_first_comma() -> None:
    """A text without quotes in braces does so, and its rest becomes a key."""
    assert [key for key in keys(load()) if " " in key] == []
