import dataclasses
import io
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from regulars.analytics.audit import Audit
from regulars.analytics.estimate import Estimate
from regulars.report import json_schema, write_json
from regulars.report.json_file import json_text


def written(audit: Audit) -> str:
    stream = io.StringIO()
    write_json(audit, stream)
    return stream.getvalue()


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def read(audit: Audit, **options: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(written(audit), parse_constant=refuse, **options)
    return document


def test_the_schema_is_a_schema_and_describes_every_member() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    def described(node: Any) -> bool:
        if not isinstance(node, dict):
            return True
        members = node.get("properties", {}).values()
        return all(member.get("description") for member in members) and all(map(described, node.values()))

    assert described(schema)


def test_every_audit_keeps_the_schema(any_audit: Audit) -> None:
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(read(any_audit))) == []


def test_what_programs_read_is_where_they_look_for_it(whole: Audit) -> None:
    document = read(whole)
    assert document["schema_version"] == "1.1"
    assert (document["as_of"], document["currency"]) == ("2025-12-17", "RUB")
    assert document["input"]["rows_read"] == whole.reading.rows_read
    assert document["base"]["customers"] == whole.base.customers
    assert document["lifecycle"]["states"] == {name: state.customers for name, state in whole.lifecycle.states.items()}
    assert whole.lifecycle.auc is not None
    assert math.isclose(document["lifecycle"]["auc"], whole.lifecycle.auc.value, rel_tol=1e-8)
    assert {"customers", "money", "low", "high"} <= document["lost_last_year"].keys()
    assert {"customers", "never_returned", "share", "share_low"} <= document["newcomers"].keys()
    model = document["models"]["mbg_nbd"]
    assert model["unit"] == "week"
    assert model["parameters"].keys() == model["standard_errors"].keys()
    assert [item["id"] for item in document["opportunities"]] == [item.id for item in whole.opportunities.items]
    assert {"customers", "money", "low", "high", "at_stake", "assumed_share", "share_source"} <= document[
        "opportunities"
    ][0].keys()


@pytest.mark.parametrize(("currency", "digits"), [("RUB", 2), ("JPY", 0), ("KWD", 3)])
def test_money_is_exact_to_the_minor_unit(whole: Audit, currency: str, digits: int) -> None:
    document = read(dataclasses.replace(whole, currency=currency), parse_float=Decimal, parse_int=Decimal)
    assert document["base"]["revenue"] * 10**digits == whole.base.revenue
    assert -document["base"]["revenue"].as_tuple().exponent == digits
    assert whole.revenue_change is not None
    change = document["revenue_change"]
    assert sum(change["effects"].values()) == change["last"]["revenue"] - change["previous"]["revenue"]


def test_money_has_no_float_noise() -> None:
    assert "".join(json_text({"a": Decimal("1234.50"), "b": Decimal("0.00")})) == '{\n  "a": 1234.50,\n  "b": 0.00\n}\n'


def test_the_same_audit_gives_the_same_text(whole: Audit) -> None:
    assert written(whole) == written(whole)


def test_what_is_not_a_number_is_null(whole: Audit) -> None:
    lost = dataclasses.replace(whole.lost_last_year, money=Estimate(math.nan, -math.inf, math.inf))
    document = read(dataclasses.replace(whole, lost_last_year=lost))
    assert [document["lost_last_year"][name] for name in ("money", "low", "high")] == [None, None, None]
    jsonschema.Draft202012Validator(json_schema()).validate(document)


def test_what_is_missing_is_null_and_has_a_reason(tiny: Audit) -> None:
    document = read(tiny)
    assert document["check"] is None
    assert document["skipped"] == tiny.skipped
    assert document["lifecycle"]["auc"] is None


def test_hostile_names_come_back_as_they_were(hostile: Audit) -> None:
    document = read(hostile)
    assert document["input"]["reject_reasons"] == dict(hostile.reading.reject_reasons)
    assert document["input"]["columns"] == dict(hostile.reading.columns)


def test_bytes_that_are_no_text_do_not_break_the_file(whole: Audit, tmp_path: Path) -> None:
    odd = b"sales-\xff.csv".decode("utf-8", "surrogateescape")
    audit = dataclasses.replace(whole, reading=dataclasses.replace(whole.reading, files=(odd,)))
    write_json(audit, tmp_path / "audit.json")
    assert json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["input"]["files"] == [odd]


def test_an_empty_list_or_map_is_short() -> None:
    assert "".join(json_text({"a": [], "b": {}})) == '{\n  "a": [],\n  "b": {}\n}\n'
