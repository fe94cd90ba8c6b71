"""The messages of the live connection and the events, as `asyncapi.yaml` describes them."""

import functools
import json
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from document import ROOT
from document import load as load_openapi

# Its references to other documents are relative.
URI = "https://jobs.invalid/asyncapi.yaml"
OPENAPI_URI = "https://jobs.invalid/openapi.yaml"
EVENTS_URI = "https://jobs.invalid/docs/events.schema.json"


@functools.cache
def load() -> Any:
    """Returns the document."""
    return yaml.safe_load((ROOT / "asyncapi.yaml").read_text())


@functools.cache
def load_events() -> Any:
    """Returns the schema of the events."""
    return json.loads((ROOT / "docs/events.schema.json").read_text())


@functools.cache
def registry() -> Any:
    """Returns the document, and those that it refers to, as JSON Schema finds them."""
    documents = {URI: load(), OPENAPI_URI: load_openapi(), EVENTS_URI: load_events()}
    resources = ((uri, DRAFT202012.create_resource(each)) for uri, each in documents.items())
    return Registry().with_resources(resources)


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """Returns the validator of a message."""
    reference = f"{URI}#/components/messages/{name}/payload/schema"
    return Draft202012Validator({"$ref": reference}, registry=registry())


def check_message(message: Any) -> None:
    """Fails if a message of the server is not one that the document describes."""
    name = message["type"]
    faults = [error.message for error in validator(name).iter_errors(message)]
    assert not faults, (message, faults)
