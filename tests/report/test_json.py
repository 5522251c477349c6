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
    assert document["schema_version"] == "1.2"
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


def test_every_analysis_of_reasons_has_a_section_or_a_reason(whole: Audit, tiny: Audit) -> None:
    for audit in (whole, tiny):
        document = read(audit)
        for each in dataclasses.fields(audit.reasons):
            name = each.name
            assert (document[name] is None) == (getattr(audit.reasons, name) is None) == (name in document["skipped"])


def test_the_stages_of_the_pyramid_are_there_those_unseen_too(whole: Audit) -> None:
    stages = read(whole)["pyramid"]["stages"]
    assert [one["stage"] for one in stages][0::5] == ["knows_us", "recommends"]
    assert stages[0]["customers"] is None
    seen = [one for one in stages if one["customers"] is not None]
    assert [one["customers"] for one in seen] == sorted((one["customers"] for one in seen), reverse=True)
    assert sum(one["customers_here"] for one in seen) == seen[0]["customers"]


def test_forecasts_of_the_whole_are_money_and_those_of_products_are_units(whole: Audit) -> None:
    assert whole.reasons.demand is not None
    demand, table = read(whole)["demand"], whole.reasons.demand.forecasts
    in_units = table.filter(table.kind == "product").order_by("product_id").last.to_pyarrow().to_pylist()
    assert [row["last"] for row in demand["forecasts"] if row["kind"] == "product"] == pytest.approx(in_units)
    (every,) = [row for row in demand["forecasts"] if row["kind"] == "all"]
    assert every["last"] == demand["past"][-1]["amount"]
    assert every["last"] * 100 == table.filter(table.kind == "all").last.to_pyarrow().to_pylist()[0]
    assert every["low"] <= every["forecast"] <= every["enough"] <= every["high"]


def test_levels_carry_what_was_compared_and_how_it_came_out(whole: Audit) -> None:
    document = read(whole)
    compared = {one["analysis"]: one for one in document["comparisons"]}
    sellers = [row for row in document["service"]["levels"] if row["dimension"] == "staff"]
    assert len([row for row in sellers if row["q_value"] is not None]) == compared["service:staff"]["compared"]
    assert sum(row["reported"] for row in sellers) == compared["service:staff"]["reported"]


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
