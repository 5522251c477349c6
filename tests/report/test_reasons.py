"""What is said of beginnings, ends and people, whatever they are called."""

from typing import Any

import pytest

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Evidence, Finding
from regulars.core.i18n import use_language
from regulars.report.sentences import action, sentence
from regulars.report.sentences.levels import level, thing
from regulars.report.words import Purse
from tests.report.conftest import HOSTILE


def finding(kind: str, **about: Any) -> Finding:
    facts: dict[str, Any] = {
        "dimension": "product", "label": "Latte", "cases": 160, "share": 0.55, "expected": 0.7, "window_days": 30,
        "difference": Estimate(-0.1, -0.2, 0.0), "last": 60, "ratio": Estimate(3.0, 2.0, 5.0),
    }  # fmt: skip
    return Finding("x", "entry", kind, facts | about, 12, None, Evidence("strong", 160, 0.001, 0.002))


def said(one: Finding) -> str:
    with use_language("en"):
        return sentence(one, Purse("USD")) + " " + action(one, Purse("USD"))


@pytest.mark.parametrize("label", HOSTILE)
@pytest.mark.parametrize("kind", ["entry_worse", "entry_better", "exit", "service_worse", "service_better"])
@pytest.mark.parametrize("dimension", ["product", "staff"])
def test_every_kind_has_a_sentence_and_an_action_for_any_name(kind: str, dimension: str, label: str) -> None:
    expected = {"expected": 20.0} if kind == "exit" else {}
    text = said(finding(kind, dimension=dimension, label=label, **expected))
    assert "\n" not in text and "\u202e" not in text and "\x00" not in text
    assert len(text) < 700


def test_the_beginning_is_told_with_its_numbers() -> None:
    text = said(finding("entry_worse"))
    assert "product “Latte”" in text and "55%" in text and "160 newcomers" in text and "70%" in text


@pytest.mark.parametrize("kind", ["service_worse", "entry_worse"])
def test_nobody_is_blamed(kind: str) -> None:
    text = said(finding(kind, dimension="staff", label="Orlov"))
    assert "without blame" in text and "not why" in text
    assert " bad" not in text and "fault" not in text


@pytest.mark.parametrize(
    ("dimension", "key", "text"),
    [
        ("shift", "0:11", "Monday, from 11:00 to 15:00"),
        ("shift", "6:19", "Sunday, after 19:00"),
        ("discount", "0", "no discount"),
        ("discount", "5", "discount of up to 5%"),
        ("discount", "100", "discount of more than 30%"),
        ("store", "North", "North"),
    ],
)
def test_levels_are_named_so_that_everybody_understands(dimension: str, key: str, text: str) -> None:
    with use_language("en"):
        assert level(dimension, key) == text
        if dimension != "store":
            assert thing(dimension, key) == text
