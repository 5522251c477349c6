"""The JSON of a rule set: what is wrong is named with its place, its value and the cure; what is right comes back."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars.core.errors import InputError
from regulars.loyalty.programme import conditions, effects
from regulars.loyalty.programme.rules import as_json, parse
from tests.loyalty.programme_cases import POINTS, data, rule, rule_set

HOURS = {"is": "hours", "from": "09:00", "to": "11:00"}
PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "programme-rules.md"
STEPS = [{"from": 100, "percent": 3}, {"from": 200, "percent": 5}]


def test_what_is_as_usual_need_not_be_said_and_is_not_written() -> None:
    found = rule_set(rule("r", 5))
    assert as_json(found)["rules"] == [{"id": "r", "gives": {"kind": "percent_off", "percent": "5"}}]
    assert found.guard is None


def test_rules_are_kept_in_the_order_in_which_they_act() -> None:
    found = rule_set(rule("b", 5), rule("c", 5, order=1), rule("a", 5))
    assert [one.id for one in found.rules] == ["c", "a", "b"]


def test_the_set_tells_which_turnovers_it_needs() -> None:
    gives = [
        {"kind": "percent_by_turnover", "steps": STEPS, "period": name} for name in ("year", "all", "days:30", "all")
    ]
    assert rule_set(*(rule(f"r{n}", one) for n, one in enumerate(gives))).periods == ("all", "days:30", "year")


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(found: Any) -> None:
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = to

    return change


def _when(condition: Any) -> Callable[[dict[str, Any]], None]:
    return _set("rules", 0, "when", to=condition)


def _gives(effect: Any) -> Callable[[dict[str, Any]], None]:
    return _set("rules", 0, "gives", to=effect)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format", to=2), r"programme\.format is 2, but must be 1"),
        (_set("currency", to="RUR1"), r"no currency 'RUR1'"),
        (_set("rules", to={}), r"programme\.rules is \{\}, but must be a list"),
        (_set("color", to=1), r"programme: there is no 'color' here\. Known: format, currency"),
        (_set("stacking", "choose", to="cheapest"), r"stacking\.choose is 'cheapest', .* best_for_customer, priority"),
        (_set("stacking", "groups", to={"a": "store"}), r"groups\.a is 'store', but must be one of receipt, line"),
        (_set("spending", "most_share", to=12.5), r"most_share is 12\.5, .* in quotes"),
        (_set("spending", "most_share", to="100.01"), r"'100\.01', but must be a number from 0 to 100"),
        (_set("spending", "worth", to=0), r"worth is 0, but must be a whole number from 1"),
        (_set("spending", "worth", to=True), r"worth is True"),
        (_set("accrual", "on_part_paid_with_points", to="yes"), r"is 'yes', but must be true or false"),
        (_set("guard", to={"line": 100}), r"guard\.line is 100, but must be a number from 0 to 99\.99"),
        (_set("guard", to={"unknown_cost": "at_most"}), r"'unknown_most' goes with"),
        (_set("guard", to={"unknown_most": 5}), r"'unknown_most' goes with"),
        (_set("rules", 0, "id", to=" "), r"rules\[0\]\.id is ' ', but must be a text"),
        (_set("rules", 0, "id", to="second"), r"'second' is used 2 times"),
        (_set("rules", 0, "for", to="guests"), r"for is 'guests', but must be one of members, everybody"),
        (_set("rules", 1, "for", to="everybody"), r"'second' gives points to everybody"),
        (_set("rules", 0, "group", to="sale"), r"'first' is of the group 'sale', .* Known: mixed, shelf"),
        (_set("rules", 0, "on", to={"categories": []}), r"on\.categories is \[\], but must be a list of 1 to"),
        (_gives({"kind": "present"}), r"gives\.kind is 'present', but must be one of percent_off"),
        (_gives({"kind": ["percent_off"]}), r"gives\.kind is \['percent_off'\]"),
        (_gives({"kind": "percent_off", "percent": "7,5"}), r"'7,5', .* in quotes: \"7\.5\""),
        (_gives({"kind": "percent_off", "percent": "7.555"}), r"at most two decimals"),
        (_gives({"kind": "percent_off", "percent": 0}), r"is 0, but must be a number from 0\.01 to 100"),
        (_gives({"kind": "percent_off"}), r"gives: 'percent' is missing"),
        (_gives({"kind": "percent_off", "percent": 5, "from": 3}), r"there is no 'from' here"),
        (_gives({"kind": "amount_off", "amount": -5}), r"amount is -5"),
        (_gives({"kind": "nth_free", "n": 1, "counter": "c"}), r"n is 1, but must be a whole number from 2"),
        (_gives({"kind": "percent_by_sum", "steps": STEPS[::-1]}), r"write the steps upwards"),
        (_gives({"kind": "percent_by_turnover", "steps": STEPS, "period": "week"}), r"period is 'week'.* days:365"),
        (_gives({"kind": "points_by_tier", "times": {"gold": "0.5"}}), r"times\.gold is '0\.5', .* from 1 to 100"),
        (_when([]), r"when is \[\], but must be an object"),
        (_when({"is": "moon"}), r"when\.is is 'moon', but must be one of receipt_sum"),
        (_when({"all": []}), r"when\.all is \[\], but must be a list of 1 to"),
        (_when({"all": [HOURS], "any": [HOURS]}), r"'all' stands alone"),
        (_when({"any": [HOURS, {"not": {"is": "moon"}}]}), r"when\.any\[1\]\.not\.is is 'moon'"),
        (_when({"not": {"not": {"not": {"not": {"not": HOURS}}}}}), r"may lie 4 deep"),
        (_when({"all": [{"any": [HOURS] * 20}] * 2}), r"may have 30 conditions"),
        (_when({**HOURS, "from": "24:00"}), r"from is '24:00', but must be a time such as 09:30"),
        (_when({**HOURS, "weekdays": [0]}), r"weekdays is \[0\]"),
        (_when({"is": "dates", "from": "2026-02-30", "to": "2026-03-01"}), r"'2026-02-30', but must be a day such as"),
        (_when({"is": "dates", "from": "2026-03-02", "to": "2026-03-01"}), r"but must be 2026-03-02 or later"),
        (_when({"is": "purchase_number"}), r"either 'number' or 'every'"),
        (_when({"is": "purchase_number", "number": 1, "every": 2}), r"either 'number' or 'every'"),
        (_when({"is": "repeat", "within_days": 0}), r"within_days is 0"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(change: Callable[[Any], None], message: str) -> None:
    found = data(rule("first", 5), rule("second", POINTS), groups={"mixed": "receipt", "shelf": "line"})
    parse(found)
    change(found)
    with pytest.raises(InputError, match=message):
        parse(found)


def test_a_group_does_not_mix_money_with_points_nor_lines_with_receipts() -> None:
    with pytest.raises(InputError, match="'g' mixes"):
        rule_set(rule("a", 5, group="g"), rule("b", POINTS, group="g"), groups={"g": "receipt"})
    with pytest.raises(InputError, match="'a' gives amount_off; in the group 'g'"):
        rule_set(rule("a", {"kind": "amount_off", "amount": 5}, group="g"), groups={"g": "line"})


def test_stamps_are_counted_by_one_rule() -> None:
    sixth = {"kind": "nth_free", "n": 6, "counter": "coffee"}
    with pytest.raises(InputError, match="stamps 'coffee' are counted by 2 rules"):
        rule_set(rule("a", sixth), rule("b", sixth))


def test_parsing_leaves_what_it_was_given_alone() -> None:
    given = data(rule("a", 5, when={"all": [HOURS]}), guard={"categories": {"Tea": None}})
    before = copy.deepcopy(given)
    parse(given)
    assert given == before


def test_the_page_of_the_reference_shows_a_set_that_works_and_names_all_there_is() -> None:
    text = PAGE.read_text()
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(parse(json.loads(example)).rules) == 5
    for name in [*effects.EFFECTS, *conditions.LEAVES]:
        assert f"`{name}`" in text, name
