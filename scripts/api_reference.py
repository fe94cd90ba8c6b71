"""Writes docs/reference.md: openapi.yaml as a page for people."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from api_table import METHODS, ROOT, resolve

PAGE = ROOT / "docs/reference.md"
HEAD = """\
# The API's reference

This page is `openapi.yaml`, written by `scripts/api_reference.py`. [The API](api.md) explains what
it only lists. Parameters in **bold** are required, fields in **bold** are required or always there.
"""
# The limits of a schema as words, in the order of their mention.
BOUNDS = (
    (("minimum", "maximum"), ""),
    (("minLength", "maxLength"), " characters"),
    (("minItems", "maxItems"), " items"),
)


def anchor(title: str) -> str:
    """Returns the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))


def link(title: str, text: str = "") -> str:
    """Returns a link to a heading of the page."""
    return f"[{text or title}](#{anchor(title)})"


def example_title(name: str) -> str:
    """Returns the heading of an example."""
    return f"Example {name}"


def name_of(part: Any) -> str:
    """Returns the name of the component that a part of the document refers to, if it does."""
    return part["$ref"].rsplit("/", 1)[1] if "$ref" in part else ""


def cell(text: str) -> str:
    """Returns a text as the cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def in_words(schema: Any) -> str:
    """Returns the type of a schema in words, with its limits."""
    if name := name_of(schema):
        return link(name)
    if "oneOf" in schema:
        return " or ".join(in_words(branch) for branch in schema["oneOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        values = [f"`{json.dumps(value).strip(chr(34))}`" for value in schema["enum"]]
        return ", ".join([*values, *limits(schema)])
    types = schema.get("type", "any")
    names = types if isinstance(types, list) else [types]
    if "items" in schema:
        names = [f"array of {in_words(schema['items'])}" if it == "array" else it for it in names]
    return ", ".join([" or ".join(names), *limits(schema)])


def limits(schema: Any) -> Iterator[str]:
    """Returns the limits of a schema in words."""
    for (low, high), unit in BOUNDS:
        if low in schema and high in schema:
            yield f"{schema[low]} to {schema[high]}{unit}"
        elif schema.get(low) == 1 and unit:
            yield "not empty"
        elif low in schema:
            yield f"at least {schema[low]}{unit}"
        elif high in schema:
            yield f"at most {schema[high]}{unit}"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"
    if "format" in schema:
        yield schema["format"]
    if "default" in schema:
        yield f"by default `{json.dumps(schema['default']).strip(chr(34))}`"


def fields(schema: Any) -> Iterator[str]:
    """Returns the lines of a table of an object's fields."""
    yield "| field | type | |"
    yield "| --- | --- | --- |"
    yield from rows(schema, "")


def rows(schema: Any, prefix: str) -> Iterator[str]:
    """Returns the rows of an object's fields, and of the objects in them."""
    for name, field in schema["properties"].items():
        mark = "**" if name in schema.get("required", []) else ""
        text = cell(field.get("description", ""))
        yield f"| {mark}`{prefix}{name}`{mark} | {cell(in_words(field))} | {text} |"
        items = field.get("items", {})
        if "properties" in field:
            yield from rows(field, f"{prefix}{name}.")
        elif "properties" in items:
            yield from rows(items, f"{prefix}{name}[].")


def structure(schema: Any) -> Iterator[str]:
    """Returns the lines that say what a schema consists of."""
    if "allOf" in schema:
        parts = [link(name) for part in schema["allOf"] if (name := name_of(part))]
        own = [part for part in schema["allOf"] if not name_of(part)]
        yield f"The fields of {' and '.join(parts)}{', and:' if own else '.'}"
        for part in own:
            yield ""
            yield from fields(part)
    elif "oneOf" in schema:
        for number, branch in enumerate(schema["oneOf"]):
            if number:
                yield "\nor\n"
            yield from structure(branch)
    elif "properties" in schema:
        yield from fields(schema)
    elif schema.get("additionalProperties") is False:
        yield "An empty object."
    else:
        yield f"{in_words(schema)}."


def code(value: Any) -> Iterator[str]:
    """Returns an example as a block of code."""
    is_text = isinstance(value, str)
    yield "```" if is_text else "```json"
    yield value.rstrip("\n") if is_text else json.dumps(value, indent=2, ensure_ascii=False)
    yield "```"


class Reference:
    """The page of a document."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.components = document["components"]

    def lines(self) -> Iterator[str]:
        """Returns the lines of the page."""
        yield HEAD
        yield self.document["info"]["description"]
        yield f"## Tokens\n{self.components['securitySchemes']['token']['description']}"
        yield from self.contents()
        for tag in self.document["tags"]:
            yield f"## Routes: {tag['name']}\n\n{tag['description']}\n"
            for path, method, operation in self.operations(tag["name"]):
                yield from self.operation(path, method, operation)
        yield "## Refusals\n\nThose of several routes.\n"
        for name, answer in self.components["responses"].items():
            yield from self.refusal(name, answer)
        yield "## Examples\n"
        for name in self.examples_of_operations():
            example = self.components["examples"][name]
            yield f"### {example_title(name)}\n"
            if "summary" in example:
                yield f"{example['summary']}.\n"
            yield from code(example["value"])
            yield ""
        yield "## Schemas\n"
        for name, schema in self.components["schemas"].items():
            yield f"### {name}\n"
            if "description" in schema:
                yield schema["description"].rstrip("\n") + "\n"
            yield from structure(schema)
            yield ""

    def operations(self, tag: str) -> Iterator[tuple[str, str, Any]]:
        """Returns the path, the method and the description of each operation of a tag."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item and item[method]["tags"] == [tag]:
                    yield path, method, {"shared": item.get("parameters", []), **item[method]}

    def contents(self) -> Iterator[str]:
        """Returns the lines of the table of contents."""
        yield "| route | |"
        yield "| --- | --- |"
        for tag in self.document["tags"]:
            for path, method, operation in self.operations(tag["name"]):
                route = f"{method.upper()} {path}"
                yield f"| {link(route, f'`{route}`')} | {operation['summary']} |"
        sections = ("Refusals", "Examples", "Schemas")
        yield f"\nBelow them: {', '.join(link(title, title.lower()) for title in sections)}.\n"

    def operation(self, path: str, method: str, operation: Any) -> Iterator[str]:
        """Returns the lines on an operation."""
        yield f"### `{method.upper()} {path}`\n"
        token = " It needs no token." if operation.get("security") == [] else ""
        yield f"{operation['summary']}.{token}\n"
        if "description" in operation:
            yield operation["description"].rstrip("\n") + "\n"
        parameters = [resolve(self.document, one) for one in operation["shared"]]
        parameters += [resolve(self.document, one) for one in operation.get("parameters", [])]
        if parameters:
            yield from self.parameters(parameters)
        if "requestBody" in operation:
            body = operation["requestBody"]
            content = body["content"]["application/json"]
            optional = "" if body.get("required") else ", optional"
            yield f"Body{optional}: {in_words(content['schema'])}\n"
            yield from code(content["example"])
            yield ""
        yield "| status | answer | body |"
        yield "| --- | --- | --- |"
        for status, answer in operation["responses"].items():
            yield self.status(status, answer)
        yield ""
        for status, answer in operation["responses"].items():
            for content_type, content in answer.get("content", {}).items():
                if "example" in content:
                    yield f"{status}, `{content_type}`:\n"
                    yield from code(content["example"])
                    yield ""

    def parameters(self, parameters: Iterable[Any]) -> Iterator[str]:
        """Returns the lines of a table of parameters."""
        yield "| parameter | in | type | |"
        yield "| --- | --- | --- | --- |"
        for one in parameters:
            mark = "**" if one.get("required") else ""
            schema, text = cell(in_words(one["schema"])), cell(one["description"])
            yield f"| {mark}`{one['name']}`{mark} | {one['in']} | {schema} | {text} |"
        yield ""

    def status(self, status: str, answer: Any) -> str:
        """Returns the row of an answer in the table of an operation."""
        given = resolve(self.document, answer)
        name = name_of(answer)
        text = given["description"]
        if headers := given.get("headers"):
            text += f" Headers: {', '.join(f'`{header}`' for header in headers)}."
        contents = list(given.get("content", {}).values())
        bodies = dict.fromkeys(in_words(content["schema"]) for content in contents)
        body = " or ".join(bodies)
        examples = (
            [] if name else [one for content in contents for one in content.get("examples", {})]
        )
        if examples:
            shown = ", ".join(link(example_title(example), example) for example in examples)
            body += f", for example {shown}"
        return f"| {link(name, status) if name else status} | {cell(text)} | {body} |"

    def refusal(self, name: str, answer: Any) -> Iterator[str]:
        """Returns the lines on an answer of several operations."""
        yield f"### {name}\n\n{answer['description'].rstrip()}\n"
        for content_type, content in answer["content"].items():
            yield f"`{content_type}`: {in_words(content['schema'])}\n"
            given = content.get("examples", {"": {"value": content.get("example")}})
            for one in given.values():
                yield from code(resolve(self.document, one)["value"])
                yield ""

    def examples_of_operations(self) -> dict[str, None]:
        """Returns the names of the examples that operations share, in the order of their use."""
        return dict.fromkeys(
            name
            for tag in self.document["tags"]
            for _, _, operation in self.operations(tag["name"])
            for answer in operation["responses"].values()
            for content in answer.get("content", {}).values()
            for name in content.get("examples", {})
        )


def render() -> str:
    """Returns the page."""
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    page = "\n".join(Reference(document).lines()).rstrip("\n") + "\n"
    anchors = [anchor(title) for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)]
    if twice := {name for name in anchors if anchors.count(name) > 1}:
        sys.exit(f"error: two headings of docs/reference.md have the same anchor: {twice}")
    return page


def main() -> None:
    """Writes the page, or checks that it is up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    is_check = parser.parse_args().check
    page = render()
    if not is_check:
        PAGE.write_text(page)
    elif not PAGE.exists() or PAGE.read_text() != page:
        sys.exit("error: docs/reference.md is out of date; run scripts/api_reference.py")


if __name__ == "__main__":
    main()
