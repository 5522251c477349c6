"""`audit.json`: the audit for programs, with a schema and exact money."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from regulars.analytics.audit import Audit
from regulars.report.atomic import replacing
from regulars.report.json_sections import AUDIT, SCHEMA_VERSION

_SURROGATE = re.compile("[\ud800-\udfff]")


def audit_document(audit: Audit) -> dict[str, Any]:
    """The audit as JSON values; money is `Decimal`."""
    document: dict[str, Any] = AUDIT.write(audit, audit.currency)
    return document


def write_json(audit: Audit, target: Path | str | TextIO) -> None:
    """Write the audit as JSON to a file or to an open text stream.

    Money is in currency units with all its decimals (1234.50), what is missing is null, and the same audit
    always gives the same text. The format is described by `json_schema`. Raises `OutputError` when the file
    cannot be written; an older file under that name is then left as it was.
    """
    chunks = json_text(audit_document(audit))
    if not isinstance(target, Path | str):
        target.writelines(chunks)
        return
    with replacing(Path(target)) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(chunks)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of what `write_json` writes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Regulars audit, version {SCHEMA_VERSION}",
        **AUDIT.schema,
    }


def json_text(value: Any, indent: str = "\n") -> Iterator[str]:
    """JSON in pieces. The standard encoder knows no `Decimal`, and a float would spoil exact money."""
    deeper = indent + "  "
    if isinstance(value, dict):
        yield from _members("{}", ((f"{_text(str(key))}: ", item) for key, item in value.items()), indent, deeper)
    elif isinstance(value, list):
        yield from _members("[]", (("", item) for item in value), indent, deeper)
    elif isinstance(value, Decimal):
        yield format(value, "f")
    elif isinstance(value, str):
        yield _text(value)
    else:
        yield json.dumps(value, allow_nan=False)
    if indent == "\n":
        yield "\n"


def _members(brackets: str, items: Iterator[tuple[str, Any]], indent: str, deeper: str) -> Iterator[str]:
    yield brackets[0]
    separator = deeper
    for key, item in items:
        yield separator + key
        yield from json_text(item, deeper)
        separator = "," + deeper
    yield (indent if separator != deeper else "") + brackets[1]


def _text(text: str) -> str:
    # names of files may hold bytes that are no text at all
    return _SURROGATE.sub(lambda sign: f"\\u{ord(sign.group()):04x}", json.dumps(text, ensure_ascii=False))
