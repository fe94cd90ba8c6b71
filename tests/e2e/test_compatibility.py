"""The gate against changes of the API's document that break clients."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from compatibility import CURRENT, breaks

pytestmark = pytest.mark.local

Change = Callable[[Any], object]


@pytest.fixture(scope="module")
def document() -> Any:
    """The API's document."""
    return yaml.safe_load(CURRENT.read_text())


def schema(document: Any, name: str) -> Any:
    """Returns a schema of the document."""
    return document["components"]["schemas"][name]


BREAKING: dict[str, tuple[Change, str]] = {
    "removed route": (lambda d: d["paths"].pop("/api/me"), "GET /api/me is gone"),
    "removed field of an answer": (
        lambda d: schema(d, "JobSummary")["properties"].pop("progress"),
        "the field progress is gone",
    ),
    "optional field of an answer": (
        lambda d: schema(d, "Release")["required"].remove("group"),
        "the field group may be absent now",
    ),
    "required field of a request": (
        lambda d: schema(d, "NewFile")["required"].append("sha256"),
        "the field sha256 is required now",
    ),
    "narrowed enumeration": (
        lambda d: schema(d, "JobType")["enum"].remove("repack"),
        "the value repack is refused now",
    ),
    "changed type of an answer": (
        lambda d: schema(d, "File")["properties"]["size"].update(type="string"),
        "the type string is new",
    ),
    "changed type of a request": (
        lambda d: schema(d, "NewFile")["properties"]["size"].update(type="string"),
        "the type integer is refused",
    ),
    "removed parameter": (
        lambda d: d["paths"]["/api/jobs"]["get"]["parameters"].pop(0),
        "the parameter status is gone",
    ),
    "required parameter": (
        lambda d: d["components"]["parameters"]["since"].update(required=True),
        "the parameter since is required now",
    ),
    "lower limit": (
        lambda d: d["components"]["parameters"]["limit"]["schema"].update(maximum=50),
        "maximum is 50 now",
    ),
    "removed answer": (
        lambda d: d["paths"]["/api/jobs"]["post"]["responses"].pop("200"),
        "the answer 200 is gone",
    ),
}
COMPATIBLE: dict[str, Change] = {
    "nothing": lambda d: d,
    "new route": lambda d: d["paths"].update({"/api/new": d["paths"]["/api/me"]}),
    "new field of an answer": lambda d: schema(d, "Me")["properties"].update(name={}),
    "optional field of a request": lambda d: schema(d, "NewFile")["properties"].update(sha256={}),
    "new failure code": lambda d: schema(d, "FailureCode")["enum"].append("new_code"),
    "other words": lambda d: d["info"].update(description="Other words."),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change_is_found(document: Any, name: str) -> None:
    change, message = BREAKING[name]
    changed = copy.deepcopy(document)
    change(changed)
    found = breaks(document, changed)
    assert any(message in one for one in found), found


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible_change_is_accepted(document: Any, name: str) -> None:
    changed = copy.deepcopy(document)
    COMPATIBLE[name](changed)
    assert breaks(document, changed) == []
