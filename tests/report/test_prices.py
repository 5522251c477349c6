"""What is said of prices, the shelf, the check and the rhythm, whatever the products are called."""

from typing import Any

import pytest

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Evidence, Finding
from regulars.core.i18n import use_language
from regulars.report.sentences import action, prices, sentence
from regulars.report.words import Purse
from tests.report.conftest import HOSTILE

FACTS: dict[str, Any] = {
    "product": "Latte", "store": "Quay", "share": 0.7, "offered": 0.3, "discount_year": 120_000, "given": 50_000,
    "elasticity": Estimate(-2.0, -2.5, -1.5), "fall": 0.17, "margin": 0.25, "lift": Estimate(0.5, 0.4, 0.6),
    "depth": 0.15, "break_even": 1.5, "threshold": 100_000, "bonus": 3_000, "moved": 40.0, "needed_share": 0.12,
    "move_share": 0.2, "best_purchases": 30, "purchases": 40, "expected": 12.0, "devoted": 3, "leave_share": 0.2,
    "from": 738_000, "to": 738_010, "ratio": 2.5, "precision": 0.4, "base_rate": 0.1,
}  # fmt: skip


def said(kind: str, **about: Any) -> str:
    one = Finding("x", "x", kind, FACTS | about, 12, None, Evidence("strong", 160, 0.001, 0.002))
    with use_language("en"):
        return sentence(one, Purse("USD")) + " " + action(one, Purse("USD"))


@pytest.mark.parametrize("kind", prices.SENTENCES)
def test_every_kind_has_its_sentence_and_its_action(kind: str) -> None:
    text = said(kind)
    assert "{" not in text
    assert text.endswith(".")


def test_the_advice_on_a_price_follows_its_margin() -> None:
    # at a margin of a quarter the best elasticity is -4
    assert "slightly higher price" in said("price:product")
    assert "slightly lower price" in said("price:product", margin=0.8)
    assert "small steps" in said("price:product", margin=None)


def test_an_offer_deeper_than_the_margin_is_said_so() -> None:
    assert "15% off is more than its margin" in said("offer:loses", break_even=None)
    assert "150% is needed to pay" in said("offer:loses")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_break_out_of_a_sentence(name: str) -> None:
    for kind in ("gap:product", "assortment:product", "offer:earns", "price:product"):
        text = said(kind, product=name, store=name)
        assert "\u202e" not in text
        assert "\x00" not in text
        assert len(text) < 1_500
