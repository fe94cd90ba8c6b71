"""Writes the tables of routes in README.md and docs/api.md from openapi.yaml and template.yaml."""

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- routes, written by scripts/api_table.py -->\n", "<!-- end of the routes -->\n"
METHODS = ("get", "post", "put", "patch", "delete")
FUNCTION = "AWS::Serverless::Function"


class Template(yaml.SafeLoader):
    """A loader that ignores CloudFormation's functions, such as `!Ref`."""


Template.add_multi_constructor("!", lambda *_: None)


class Operation(NamedTuple):
    """A route with its description in openapi.yaml. References in it are resolved."""

    route: str
    purpose: str
    parameters: list[dict[str, Any]]
    body: dict[str, Any]
    statuses: list[str]


def resolve(document: Any, part: Any) -> Any:
    """Follows a reference, if the part of the document is one."""
    if "$ref" not in part:
        return part
    found = document
    for name in part["$ref"].split("/")[1:]:
        found = found[name]
    return found


def operations(document: Any) -> Iterator[Operation]:
    """Returns the operations, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            given = item[method]
            body = given.get("requestBody", {}).get("content", {}).get("application/json", {})
            yield Operation(
                f"{method.upper()} {path}",
                given["summary"] + (" (no token)" if given.get("security") == [] else ""),
                [resolve(document, each) for each in given.get("parameters", [])],
                resolve(document, body.get("schema", {})),
                [status for status in given["responses"] if status.startswith("2")],
            )


def functions(template: Any) -> dict[str, str]:
    """Returns the name of the function that answers each route of the template."""
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] != FUNCTION:
            continue
        properties = resource["Properties"]
        for event in properties.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                given = event["Properties"]
                route = f"{given.get('Method', 'any').upper()} {given.get('Path', '')}"
                # OpenAPI has no sign for a parameter that takes the rest of a path.
                found[route.replace("+}", "}")] = Path(properties["CodeUri"]).name
    return found


def readme_table(found: list[Operation], names: dict[str, str]) -> Iterator[str]:
    """Returns the lines of README's table."""
    yield "| route | purpose | function |"
    yield "| --- | --- | --- |"
    for each in found:
        function = names.pop(each.route)
        yield f"| `{each.route}` | {each.purpose} | `{function}` |"
    # The event without a path is API Gateway's default route.
    for function in names.values():
        yield f"| any other path or method | Answer 404 with a problem | `{function}` |"


def listed(names: Iterable[str], required: Collection[str]) -> str:
    """Returns names as code: those that are required first, in bold."""
    ordered = sorted(names, key=lambda name: name not in required)
    return ", ".join(f"**`{name}`**" if name in required else f"`{name}`" for name in ordered)


def api_table(found: list[Operation]) -> Iterator[str]:
    """Returns the lines of the table in docs/api.md."""
    yield "| route | success | parameters | fields of the body |"
    yield "| --- | --- | --- | --- |"
    for each in found:
        names = [parameter["name"] for parameter in each.parameters]
        required = [given["name"] for given in each.parameters if given.get("required")]
        parameters = listed(names, required)
        fields = listed(each.body.get("properties", ()), each.body.get("required", ()))
        yield f"| `{each.route}` | {', '.join(each.statuses)} | {parameters} | {fields} |"


def with_table(path: Path, lines: Iterator[str]) -> str:
    """Returns a page with this table between its marks."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"error: {path.relative_to(ROOT)} has no place for the table of routes")
    table = "".join(f"{line}\n" for line in lines)
    return before + begin + table + end + after


def render() -> dict[Path, str]:
    """Returns the pages with their tables, by path."""
    found = list(operations(yaml.safe_load((ROOT / "openapi.yaml").read_text())))
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=Template)
    tables = {
        ROOT / "README.md": readme_table(found, functions(template)),
        ROOT / "docs/api.md": api_table(found),
    }
    return {path: with_table(path, lines) for path, lines in tables.items()}


def main() -> None:
    """Writes the tables, or checks that they are up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if a table is out of date")
    pages = render()
    if not parser.parse_args().check:
        for path, text in pages.items():
            path.write_text(text)
    elif stale := [path.name for path, text in pages.items() if path.read_text() != text]:
        sys.exit(f"error: {', '.join(stale)} out of date; run scripts/api_table.py")


if __name__ == "__main__":
    main()
