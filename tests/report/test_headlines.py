import dataclasses

import pytest

from regulars.analytics.audit import Audit
from regulars.analytics.findings import Evidence, Finding
from regulars.core.i18n import LANGUAGES, use_language
from regulars.report import headlines


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_headline_has_a_value_and_a_rule_of_one_or_two_sentences(any_audit: Audit, language: str) -> None:
    with use_language(language):
        found = headlines(any_audit)
    assert len(found) >= 8
    assert len({line.id for line in found}) == len(found)
    for line in found:
        assert line.label, line.id
        assert line.value, line.id
        assert line.rule.endswith("."), line.id


def test_an_inferred_number_has_its_interval(whole: Audit) -> None:
    with use_language("en"):
        found = {line.id: line for line in headlines(whole)}
    for name in ("lost_last_year", "newcomers", "worth", "newcomer_value"):
        assert found[name].interval.startswith("likely "), name
    assert found["customers"].interval == ""


def test_what_is_not_known_says_so_and_why(tiny: Audit) -> None:
    with use_language("en"):
        found = {line.id: line for line in headlines(tiny)}
    assert found["revenue_change"].value == "not enough data"
    assert found["revenue_change"].rule == tiny.skipped["revenue_change"]
    assert not found["revenue_change"].known


def test_opportunities_come_by_money(whole: Audit) -> None:
    with use_language("en"):
        found = [line.id for line in headlines(whole) if line.id.startswith("opportunity:")]
    assert found == [f"opportunity:{item.id}" for item in whole.opportunities.items[:3]]


def test_a_base_without_opportunities_has_no_such_headline(whole: Audit) -> None:
    nothing = dataclasses.replace(whole.opportunities, items=())
    with use_language("en"):
        found = headlines(dataclasses.replace(whole, opportunities=nothing))
    assert not [line for line in found if line.id.startswith("opportunity:")]


def test_every_finding_that_competes_for_money_can_be_said() -> None:
    from regulars.analytics.opportunities import FINDING_SHARES
    from regulars.report.sentences import _KINDS
    from regulars.report.sentences.titles import title

    assert FINDING_SHARES.keys() <= _KINDS.keys()
    about = {"dimension": "staff", "label": "Ann", "product": "tea", "given": "a", "then": "b"}
    about |= {"first": "a", "second": "b", "category": "c"}
    for kind in FINDING_SHARES:
        finding = Finding("x", "x", kind, about, 1, None, Evidence("tested"))
        with use_language("en"):
            assert "{" not in title(finding)
