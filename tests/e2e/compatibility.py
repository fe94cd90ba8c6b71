"""Compares the API's document with the last released one, and finds what would break a client.

A client sends requests and reads answers. So what a request may have can only grow, and what an
answer has can only grow, too. Descriptions and examples do not count.
"""

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from document import METHODS, ROOT

CURRENT = ROOT / "openapi.yaml"
RELEASED = ROOT / "tests/fixtures/released_openapi.yaml"

Schema = dict[str, Any]
# By place and name.
Parameters = dict[tuple[str, str], Any]


class Comparison:
    """Two documents, and how the new one breaks clients of the old one."""

    def __init__(self, old: Any, new: Any) -> None:
        self.old = old
        self.new = new
        self.breaks: list[str] = []
        self.compared: set[tuple[int, int, bool]] = set()

    def run(self) -> list[str]:
        """Compares all operations; returns what breaks."""
        for path, old_item in self.old["paths"].items():
            new_item = self.new["paths"].get(path, {})
            for method in METHODS:
                if method in old_item:
                    name = f"{method.upper()} {path}"
                    if method in new_item:
                        self.compare_operations(name, (old_item, method), (new_item, method))
                    else:
                        self.breaks.append(f"{name} is gone")
        return self.breaks

    def compare_operations(
        self, name: str, old_at: tuple[Any, str], new_at: tuple[Any, str]
    ) -> None:
        """Compares the parameters, the body and the answers of an operation."""
        old, new = old_at[0][old_at[1]], new_at[0][new_at[1]]
        self.compare_parameters(
            name, self.parameters(self.old, *old_at), self.parameters(self.new, *new_at)
        )
        self.compare_bodies(name, old.get("requestBody", {}), new.get("requestBody", {}))
        self.compare_answers(name, old["responses"], new["responses"])

    def compare_parameters(self, name: str, old: Parameters, new: Parameters) -> None:
        """Compares the parameters of an operation."""
        for key, parameter in old.items():
            if key not in new:
                self.breaks.append(f"{name}: the parameter {key[1]} is gone")
            else:
                where = f"{name}, parameter {key[1]}"
                self.compare(where, parameter["schema"], new[key]["schema"], sent=True)
        for key, parameter in new.items():
            was_required = old.get(key, {}).get("required", False)
            if parameter.get("required", False) and not was_required:
                self.breaks.append(f"{name}: the parameter {key[1]} is required now")

    def compare_bodies(self, name: str, old: Any, new: Any) -> None:
        """Compares the bodies that a client sends."""
        if new.get("required") and not old.get("required"):
            self.breaks.append(f"{name}: a body is required now")
        self.compare_contents(f"{name}, body", old, new, sent=True)

    def compare_answers(self, name: str, old: Any, new: Any) -> None:
        """Compares the answers of an operation, by status."""
        for status, answer in old.items():
            if status not in new:
                self.breaks.append(f"{name}: the answer {status} is gone")
            else:
                old_answer = self.resolve(self.old, answer)
                new_answer = self.resolve(self.new, new[status])
                self.compare_contents(f"{name}, {status}", old_answer, new_answer, sent=False)
        for status in new:
            if status.startswith("2") and status not in old:
                self.breaks.append(f"{name}: the answer {status} is new")

    def parameters(self, document: Any, item: Any, method: str) -> Parameters:
        """Returns the parameters of an operation by place and name. Paths have no names."""
        found: Parameters = {}
        for given in [*item.get("parameters", []), *item[method].get("parameters", [])]:
            parameter = self.resolve(document, given)
            found[parameter["in"], parameter["name"]] = parameter
        return found

    def compare_contents(self, where: str, old: Any, new: Any, *, sent: bool) -> None:
        """Compares bodies of each content type."""
        for kind, content in old.get("content", {}).items():
            if kind not in new.get("content", {}):
                self.breaks.append(f"{where}: {kind} is gone")
            else:
                self.compare(where, content["schema"], new["content"][kind]["schema"], sent=sent)

    def compare(self, where: str, old: Schema, new: Schema, *, sent: bool) -> None:
        """Compares schemas of what a client sends, or of what it reads."""
        old, new = self.resolve(self.old, old), self.resolve(self.new, new)
        # Schemas refer to each other, and one comparison of each pair is enough.
        key = (id(old), id(new), sent)
        if key in self.compared:
            return
        self.compared.add(key)
        self.compare_values(where, old, new, sent=sent)
        old_fields, new_fields = self.fields(self.old, old), self.fields(self.new, new)
        for name, field in old_fields.items():
            if name not in new_fields:
                self.breaks.append(f"{where}: the field {name} is gone")
            else:
                self.compare(f"{where}, field {name}", field, new_fields[name], sent=sent)
        old_required, new_required = self.required(self.old, old), self.required(self.new, new)
        if sent:
            breaking = new_required - old_required
            self.breaks += [f"{where}: the field {name} is required now" for name in breaking]
        else:
            breaking = old_required - new_required
            self.breaks += [f"{where}: the field {name} may be absent now" for name in breaking]
        if "items" in old and "items" in new:
            self.compare(f"{where}, items", old["items"], new["items"], sent=sent)

    def compare_values(self, where: str, old: Schema, new: Schema, *, sent: bool) -> None:
        """Compares types, enumerations and limits."""
        old_types, new_types = self.types(self.old, old), self.types(self.new, new)
        if old_types and new_types:
            lost = old_types - new_types if sent else new_types - old_types
            if lost:
                word = "refused" if sent else "new"
                self.breaks.append(f"{where}: the type {', '.join(sorted(lost))} is {word}")
        old_values, new_values = self.values(self.old, old), self.values(self.new, new)
        if new_values is not None and sent:
            for value in sorted((old_values or new_values) - new_values, key=str):
                self.breaks.append(f"{where}: the value {value} is refused now")
            if old_values is None:
                self.breaks.append(f"{where}: only some values are accepted now")
        if old_values is not None and not sent:
            # A client that knows all values of an answer would stumble over a removed meaning.
            for value in sorted(old_values - (new_values or old_values), key=str):
                self.breaks.append(f"{where}: the value {value} is gone")
        if sent:
            self.compare_limits(where, old, new)

    def compare_limits(self, where: str, old: Schema, new: Schema) -> None:
        """Finds limits that refuse what was accepted."""
        for name in ("minimum", "minLength"):
            if name in new and new[name] > old.get(name, float("-inf")):
                self.breaks.append(f"{where}: {name} is {new[name]} now")
        for name in ("maximum", "maxLength", "maxItems"):
            if name in new and new[name] < old.get(name, float("inf")):
                self.breaks.append(f"{where}: {name} is {new[name]} now")
        if "pattern" in new and new["pattern"] != old.get("pattern"):
            self.breaks.append(f"{where}: the pattern is {new['pattern']} now")

    def resolve(self, document: Any, part: Any) -> Any:
        """Follows a reference, if it is one."""
        while isinstance(part, dict) and "$ref" in part:
            found = document
            for name in part["$ref"].split("/")[1:]:
                found = found[name.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def branches(self, document: Any, schema: Schema) -> Iterator[Schema]:
        """Returns a schema and those that it consists of."""
        schema = self.resolve(document, schema)
        yield schema
        for name in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(name, []):
                yield from self.branches(document, part)

    def fields(self, document: Any, schema: Schema) -> dict[str, Schema]:
        """Returns the fields of an object."""
        found: dict[str, Schema] = {}
        for branch in self.branches(document, schema):
            found |= branch.get("properties", {})
        return found

    def required(self, document: Any, schema: Schema) -> set[str]:
        """Returns the names of the fields that are always there."""
        if "oneOf" in schema:
            return set()
        return {
            name
            for branch in self.branches(document, schema)
            for name in branch.get("required", [])
        }

    def types(self, document: Any, schema: Schema) -> set[str]:
        """Returns the types that a value may have."""
        found: set[str] = set()
        for branch in self.branches(document, schema):
            given = branch.get("type", [])
            found |= {given} if isinstance(given, str) else set(given)
        return found

    def values(self, document: Any, schema: Schema) -> set[Any] | None:
        """Returns the values of an enumeration; `None` if there is none."""
        found: set[Any] = set()
        for branch in self.branches(document, schema):
            found |= set(branch.get("enum", []))
            if "const" in branch:
                found.add(branch["const"])
        return found or None


def breaks(old: Any, new: Any) -> list[str]:
    """Returns how a document breaks clients of an older one."""
    return Comparison(old, new).run()


def main() -> None:
    """Fails if the document breaks clients of the last released one of the same version."""
    old, new = (yaml.safe_load(path.read_text()) for path in (RELEASED, CURRENT))
    found = breaks(old, new)
    if found and old["info"]["version"] == new["info"]["version"]:
        print("\n".join(found), file=sys.stderr)
        sys.exit(
            "error: these changes break clients. Undo them, or raise `version` in Cargo.toml and "
            "openapi.yaml and mark them as breaking in CHANGELOG.md"
        )


if __name__ == "__main__":
    main()
