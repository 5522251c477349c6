"""The reference pages of the files, written from the same descriptions as the files themselves.

python -m regulars.report.reference docs/reference
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regulars.report.customers_table import COLUMNS
from regulars.report.json_file import json_schema
from regulars.report.json_sections import SCHEMA_VERSION
from regulars.report.json_shape import MOST_ROWS

_JSON_INTRO = f"""\
# audit.json

What `regulars audit --json` writes, version {SCHEMA_VERSION}. `regulars audit --schema` prints the same as JSON Schema
(2020-12); every file is valid against it.

- **Money** is in currency units, exact to the minor unit (1234.50): read it as a decimal, not as a float, where cents
  matter.
- **Shares** are between 0 and 1, **days** are ISO dates, what is missing is `null`. There is no NaN.
- A value that was inferred has its 95 % interval beside it: `auc`, `auc_low`, `auc_high`. That of `money` is called
  `low` and `high`.
- An analysis that the history cannot carry is `null`, and `skipped` says why in one sentence.
- A list holds at most {MOST_ROWS:,} rows; `customers.parquet` holds everybody.
- The same audit always gives the same file.
- New members may come with a new minor version (1.1); a changed or removed one comes with a new major version (2.0).

| member | type | meaning |
|---|---|---|
"""

_TABLE_INTRO = """\
# customers.parquet

What `regulars audit --customers-out` writes: one row per known customer, those who spent most first. Each column of the
Parquet file carries the text below in its metadata, under `description`.

- Money is in minor units of the currency (kopecks, cents) as whole numbers; `currency` names it.
- Columns that the history cannot carry are absent: without stores there is no `first_store`.
- With a name that ends in `.csv` the same columns are written as CSV (UTF-8, comma). There a text that a spreadsheet
  would take for a formula gets an apostrophe before it; telephone numbers stay as they are.

The lists of the report are filters of this table: whoever is slipping is `state = slipping`.

| column | meaning |
|---|---|
"""


def audit_json_page() -> str:
    """`docs/reference/audit-json.md`."""
    rows = (f"| `{path}` | {kind} | {text} |\n" for path, kind, text in _members(json_schema(), ""))
    return _JSON_INTRO + "".join(rows)


def customers_table_page() -> str:
    """`docs/reference/customers-table.md`."""
    return _TABLE_INTRO + "".join(f"| `{name}` | {text} |\n" for name, text in COLUMNS.items())


PAGES = {"audit-json.md": audit_json_page, "customers-table.md": customers_table_page}


def _members(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for name, member in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, _type_of(member), member["description"]
        yield from _inside(member, here)


def _inside(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    yield from _members(schema, path)
    if "items" in schema:
        yield from _inside(schema["items"], f"{path}[]")
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        yield from _inside(values, f"{path}.*")


def _type_of(schema: Mapping[str, Any]) -> str:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if schema.get("x-unit") == "currency":
        types = ["money" if name == "number" else name for name in types]
    if schema.get("format") == "date":
        types = ["date" if name == "string" else name for name in types]
    return " or ".join(types)


if __name__ == "__main__":
    for file, page in PAGES.items():
        (Path(sys.argv[1]) / file).write_text(page(), encoding="utf-8")
