"""The page of the documents says what the interface is, and the interface describes all of itself."""

from typing import Any

from regulars.api.reference import FILE, markdown
from regulars.api.routes import build
from tools.messages import ROOT

SCHEMA: dict[str, Any] = build().get_openapi_schema(path_prefix="/api/v1/")
OPERATIONS = [details for methods in SCHEMA["paths"].values() for details in methods.values()]


def test_the_page_is_the_interface() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == markdown(), "python -m tools.api_reference"


def test_every_operation_and_field_is_described() -> None:
    for operation in OPERATIONS:
        assert operation["summary"], operation["operationId"]
        assert operation["description"], operation["operationId"]
        assert operation["x-scope"], operation["operationId"]
        assert all(one["description"] for one in operation.get("parameters", [])), operation["operationId"]
    for name, shape in SCHEMA["components"]["schemas"].items():
        assert shape["description"], name
        assert all(field.get("description") for field in shape["properties"].values()), name


def test_every_body_has_an_example() -> None:
    bodies = [one["requestBody"]["content"]["application/json"]["schema"] for one in OPERATIONS if "requestBody" in one]
    assert bodies
    for body in bodies:
        shape = SCHEMA["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        for name, field in shape["properties"].items():
            assert "examples" in field or field.get("type") == "array", f"{shape['title']}.{name}"


def test_a_name_that_is_not_known_is_refused_everywhere() -> None:
    for name, shape in SCHEMA["components"]["schemas"].items():
        if name.endswith("In"):
            assert shape["additionalProperties"] is False, name
