"""Rules and traces as people read them, in both languages."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.core.i18n import LANGUAGES, use_language
from regulars.loyalty.programme.basket import Basket, Member
from regulars.loyalty.programme.judging import judge
from regulars.loyalty.programme.rules import parse
from regulars.loyalty.programme.words import Words
from tests.loyalty.programme_cases import POINTS, basket, baskets, judged, line, members, rule, rule_data, rule_set


def plain(text: str) -> str:
    """With common spaces for those that do not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def said(language: str, given_rule: dict[str, Any]) -> str:
    with use_language(language):
        rules = rule_set(given_rule)
        return plain(Words(rules).rule(rules.rules[0]))


TEA, PENSIONER = {"categories": ["Чай"]}, {"is": "privilege", "any_of": ["пенсионер"]}
MORNING = {"is": "hours", "weekdays": [1, 2], "from": "09:00", "to": "11:00"}
NIGHT = {"is": "hours", "weekdays": [5], "from": "22:00", "to": "06:00"}


@pytest.mark.parametrize(
    ("given_rule", "english", "russian"),
    [
        (rule("r", 5), "5% off for members.", "Скидка 5 % для участников программы."),
        (
            rule("r", {"kind": "percent_off", "percent": "7.25"}, on=TEA, when={"all": [PENSIONER, MORNING]}),
            "7.25% off (the category “Чай”) for members, if the customer has the privilege “пенсионер”, and the day is "
            "Monday or Tuesday, and the time is from 09:00 to 11:00.",
            "Скидка 7,25 % (категория «Чай») для участников программы, если у клиента есть льгота «пенсионер», и день "
            "недели — понедельник или вторник, и время с 09:00 до 11:00.",
        ),
        (
            rule("r", 5, when=NIGHT),
            "5% off for members, if the day is Friday, and the time is from 22:00 to 06:00 of the next day.",
            "Скидка 5 % для участников программы, если день недели — пятница, и время с 22:00 до 06:00 следующего дня.",
        ),
        (
            rule("r", 5, when={"not": {"is": "card", "any_of": ["corporate", "virtual"]}}),
            "5% off for members, if it is not so that the card is of a company or without plastic.",
            "Скидка 5 % для участников программы, если неверно, что карта — корпоративная или без пластика.",
        ),
        (
            rule("r", {"kind": "amount_off", "amount": 50_000}, when={"is": "receipt_sum", "at_least": 300_050}),
            "₽500 off for members, if the receipt is at least ₽3,000.50.",
            "Скидка 500 ₽ для участников программы, если сумма чека не меньше 3 000,50 ₽.",
        ),
        (
            rule("r", 5, **{"for": "everybody"}, when={"any": [PENSIONER, {"not": {"is": "store", "any_of": ["А"]}}]}),
            "5% off for everybody, if the customer has the privilege “пенсионер”, "
            "or it is not so that the store is “А”.",
            "Скидка 5 % для всех, если у клиента есть льгота «пенсионер», или неверно, что магазин — «А».",
        ),
        (
            rule("r", {"kind": "points_times", "times": 2}, when={"is": "repeat", "within_days": 4}),
            "Points × 2 for members, if the last purchase was at most 4 days ago, but not on the same day.",
            "Баллы × 2 для участников программы, если с прошлой покупки прошло не больше 4 дней, "
            "но она была не в тот же день.",
        ),
        (
            rule("r", 5, when={"is": "dates", "from": "2026-03-01", "to": "2026-03-08"}),
            "5% off for members, if the date is from Mar 1, 2026 to Mar 8, 2026.",
            "Скидка 5 % для участников программы, если дата с 1 мар. 2026 г. по 8 мар. 2026 г.",
        ),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(given_rule: dict[str, Any], english: str, russian: str) -> None:
    assert said("en", given_rule) == english
    assert said("ru", given_rule) == russian


@pytest.mark.parametrize(
    ("points", "russian"),
    [
        (1, "1 балл за каждые 100 ₽"),
        (3, "3 балла за каждые 100 ₽"),
        (5, "5 баллов за каждые 100 ₽"),
        (21, "21 балл за"),
    ],
)
def test_russian_counts_points_with_the_right_ending(points: int, russian: str) -> None:
    assert said("ru", rule("r", {"kind": "points_per", "points": points, "per": 10_000})).startswith(russian)


TRACE = {
    "en": [
        "The rule “Old” gave way to “Sale”.",
        "Line 1 (“Green tea”): ₽500 off by the rule “Sale”.",
        "Line 1 (“Green tea”): the discount by the rule “Sale” is lowered by ₽300 to keep the margin.",
        "The rule “Student” does not act; it would, if the customer has the privilege “student”.",
        "104 points spent: ₽1.04.",
        "Points spent: 104 of 900. Points may pay at most 0.13% of a receipt.",
        "Line 1 (“Green tea”): 798 points by the rule “base”.",
        "The rule “tier” had nothing to give here.",
        "Line 1 (“Green tea”): discounted, though its price was raised in the last 14 days.",
    ],
    "ru": [
        "Правило «Old» уступило правилу «Sale».",
        "Строка 1 («Green tea»): скидка 500 ₽ по правилу «Sale».",
        "Строка 1 («Green tea»): скидка по правилу «Sale» уменьшена на 300 ₽, чтобы сохранить маржу.",
        "Правило «Student» здесь не действует. Оно действует, если у клиента есть льгота «student».",
        "Списано 104 балла: 1,04 ₽.",
        "Списано баллов: 104 из 900. Баллами можно оплатить не больше 0,13 % чека.",
        "Строка 1 («Green tea»): 798 баллов по правилу «base».",
        "По правилу «tier» в этом чеке ничего не положено.",
        "Строка 1 («Green tea»): скидка дана, хотя цену подняли за последние 14 дней.",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trace_tells_what_happened_line_by_line(language: str) -> None:
    rules = [
        rule("sale", 50, group="g", title="Sale"), rule("old", 10, group="g", title="Old"),
        rule("student", 5, title="Student", when={"is": "privilege", "any_of": ["student"]}), rule("base", POINTS),
        rule("tier", {"kind": "points_by_tier", "times": {"gold": 2}}),
    ]  # fmt: skip
    more: dict[str, Any] = {
        "groups": {"g": "receipt"}, "guard": {}, "price_watch_days": 14,
        "spending": {"as": "payment", "worth": 1, "most_share": "0.13"},
    }  # fmt: skip
    of = basket(line("tea", 100_000, cost=80_000, raised=dt.date(2026, 3, 1)))
    found = judged(*rules, of=of, points=900, **more)
    with use_language(language):
        words = Words(
            rule_set(*rules, **more), lambda kind, code: {("product", "tea"): "Green tea"}.get((kind, code), code)
        )
        assert [plain(one) for one in words.trace(found)] == TRACE[language]


@settings(max_examples=40, deadline=None)
@given(basket=baskets, member=st.none() | members, rules=rule_data(), language=st.sampled_from(LANGUAGES))
def test_everything_that_a_rule_may_say_or_do_has_words(
    basket: Basket, member: Member | None, rules: Any, language: str
) -> None:
    found = parse(rules)
    with use_language(language):
        words = Words(found, lambda _kind, code: f"{{{code}}}")
        said = [*map(words.rule, found.rules), *words.whole_set(), *words.trace(judge(basket, member, found))]
    assert all(one and one[-1] == "." and ".." not in one for one in said)
    assert all(one.count("{") == one.count("}") for one in said)
