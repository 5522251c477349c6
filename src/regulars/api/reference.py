"""The description of the interface in words: the page in the application and the page of the documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from regulars.api.http import DESCRIPTION
from regulars.api.models import Scope
from regulars.foundation.outbox import Event

PREFIX = "/api/v1"
FILE = "docs/reference/api.md"


@dataclass(frozen=True)
class Parameter:
    """One value that an operation takes beside the body, or one field of a body or an answer."""

    name: str
    kind: str
    words: str
    is_required: bool = False


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked."""

    id: str
    method: str
    path: str
    title: str
    words: str
    scope: str
    parameters: list[Parameter]
    body: str  # the name of its shape, or empty
    answer: str  # likewise
    statuses: list[int]


@dataclass(frozen=True)
class Shape:
    """The fields of a body or of an answer."""

    name: str
    words: str
    fields: list[Parameter]


@dataclass(frozen=True)
class Reference:
    """All of it."""

    groups: dict[str, list[Operation]]
    shapes: list[Shape]


@cache
def reference() -> Reference:
    """What the interface offers, by resource."""
    from regulars.api.routes import build  # noqa: PLC0415 - made at the first look, not at each start

    schema = build().get_openapi_schema(path_prefix=f"{PREFIX}/")
    groups: dict[str, list[Operation]] = {}
    for path, methods in schema["paths"].items():
        for method, details in methods.items():
            groups.setdefault(details["tags"][0], []).append(_operation(path, method, details))
    shapes = [_shape(name, one) for name, one in sorted(schema["components"]["schemas"].items())]
    return Reference(groups, shapes)


def _operation(path: str, method: str, details: dict[str, Any]) -> Operation:
    responses = {int(status): one for status, one in details["responses"].items()}
    done = responses[min(responses)]
    return Operation(
        id=details["operationId"], method=method.upper(), path=path, title=details["summary"],
        words=details["description"], scope=details["x-scope"],
        parameters=[
            Parameter(one["name"], _kind(one["schema"]), one["description"], one["required"])
            for one in details.get("parameters", [])
        ],
        body=_content(details.get("requestBody")), answer=_content(done), statuses=sorted(responses),
    )  # fmt: skip


def _content(holder: dict[str, Any] | None) -> str:
    for kind, content in (holder or {}).get("content", {}).items():
        return _kind(content["schema"]) if kind == "application/json" else str(kind)
    return ""


def _shape(name: str, schema: dict[str, Any]) -> Shape:
    required = set(schema.get("required", []))
    fields = [
        Parameter(field, _kind(one), one["description"], field in required)
        for field, one in schema["properties"].items()
    ]
    return Shape(name, schema["description"], fields)


def _kind(schema: dict[str, Any]) -> str:
    """The type of a value as a reader says it."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(f'"{one}"' for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "string" and "format" in schema:
        return str(schema["format"])
    return str(schema.get("type", "anything"))


def markdown() -> str:
    """The page of the documents."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    found = reference()
    yield "# API"
    yield ""
    yield "This page is written from the interface itself; an installation serves it as `/api/v1/docs/` and, for"
    yield "programs, as `/api/v1/openapi.json`."
    yield "How to begin: [Connect a program](../how-to/connect-through-the-api.md)."
    yield ""
    yield from DESCRIPTION.strip().splitlines()
    yield ""
    yield from _table("Scopes", "scope", ((scope.value, str(scope.label)) for scope in Scope))
    yield from _table("Events of web-hooks", "event", ((event.value, str(event.label)) for event in Event))
    for name, operations in found.groups.items():
        yield f"## {name.capitalize()}"
        yield ""
        for one in operations:
            yield from _of_operation(one)
    yield "## Shapes"
    yield ""
    for shape in found.shapes:
        yield f"### {shape.name}"
        yield ""
        yield shape.words
        yield ""
        yield from _fields("field", shape.fields)


def _of_operation(one: Operation) -> Iterator[str]:
    yield f"### {one.title}"
    yield ""
    yield f"`{one.method} {one.path}` · scope `{one.scope}`"
    yield ""
    yield from one.words.splitlines()
    yield ""
    if one.parameters:
        yield from _fields("parameter", one.parameters)
    body = f"Body: `{one.body}`. " if one.body else ""
    yield f"{body}Answer: `{one.answer}`. Statuses: {', '.join(map(str, one.statuses))}."
    yield ""


def _table(title: str, heading: str, rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"| {heading} | what it is |"
    yield "|---|---|"
    for value, words in rows:
        yield f"| `{value}` | {words} |"
    yield ""


def _fields(heading: str, fields: list[Parameter]) -> Iterator[str]:
    yield f"| {heading} | type | what it is |"
    yield "|---|---|---|"
    for one in fields:
        yield f"| `{one.name}`{' *' if one.is_required else ''} | {one.kind} | {one.words} |"
    yield ""
