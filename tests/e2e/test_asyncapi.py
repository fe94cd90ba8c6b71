"""The document of messages and events, `asyncapi.yaml`, against the official schema and itself."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from asyncapi import load, load_events, validator
from document import ROOT
from page_code import code_below

pytestmark = pytest.mark.local

OFFICIAL = ROOT / "tests/fixtures/asyncapi/3.0.0.json"
MESSAGES: dict[str, Any] = load()["components"]["messages"]
EXAMPLES: list[tuple[str, Any]] = [
    (name, example["payload"])
    for name, message in MESSAGES.items()
    for example in message["examples"]
]


def messages_of(operation: Any) -> set[str]:
    """Returns the names of the messages that an operation has."""
    references = operation["messages"] + operation.get("reply", {}).get("messages", [])
    return {reference["$ref"].rpartition("/")[2] for reference in references}


def test_document_is_valid() -> None:
    faults = Draft7Validator(json.loads(OFFICIAL.read_text())).iter_errors(load())
    assert [(list(fault.path), fault.message) for fault in faults] == []


def test_wrong_document_is_refused() -> None:
    wrong = load() | {"operations": {"push": {"action": "publish"}}}
    assert not Draft7Validator(json.loads(OFFICIAL.read_text())).is_valid(wrong)


def test_each_message_is_part_of_a_channel_and_of_its_operations() -> None:
    channels: dict[str, Any] = load()["channels"]
    listed = [each for channel in channels.values() for each in channel["messages"].items()]
    assert sorted(name for name, _ in listed) == sorted(MESSAGES)
    assert all(part == {"$ref": f"#/components/messages/{name}"} for name, part in listed)
    for name, channel in channels.items():
        own = {"$ref": f"#/channels/{name}"}
        operations = [each for each in load()["operations"].values() if each["channel"] == own]
        assert set().union(*map(messages_of, operations)) == set(channel["messages"])


def test_each_message_has_the_name_that_it_carries() -> None:
    for name, payload in EXAMPLES:
        assert name in (payload.get("type"), payload.get("action"))


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_example_is_valid(name: str, payload: Any) -> None:
    assert [fault.message for fault in validator(name).iter_errors(payload)] == []


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_unknown_field_is_refused(name: str, payload: Any) -> None:
    assert not validator(name).is_valid(payload | {"other": 1})


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_other_message_is_refused(name: str, payload: Any) -> None:
    """The examples of no other message are valid."""
    others = [name for name in MESSAGES if validator(name).is_valid(payload)]
    assert others == [name]


def test_schema_of_events_is_valid() -> None:
    Draft202012Validator.check_schema(load_events())


def test_each_type_of_event_has_its_example_on_the_page() -> None:
    events = [json.loads(code) for code in code_below("events", "An event", "json")]
    on_the_page = {event["type"]: event for event in events}
    examples = {name: payload for name, payload in EXAMPLES if name.startswith("job.")}
    assert on_the_page == examples
    assert list(examples) == load_events()["properties"]["type"]["enum"]


def test_event_with_the_fields_of_another_type_is_refused() -> None:
    examples = dict(EXAMPLES)
    failed, started = examples["job.failed"], examples["job.started"]
    for wrong in (
        failed | {"data": failed["data"] | {"error": None}},
        failed | {"data": failed["data"] | {"status": "completed"}},
        started | {"data": started["data"] | {"attempt": 0}},
        started | {"data": started["data"] | {"draft": True}},
        started | {"id": "245095320762529"},
    ):
        assert not validator(wrong["type"]).is_valid(wrong)
