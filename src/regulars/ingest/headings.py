"""What a heading means.

Headings of the vocabulary are recognised word for word; others by words that they contain and words that they must
not contain.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from regulars.analytics.purchases import CONTRACT
from regulars.ingest.vocabulary import OTHER, VOCABULARY

# roles that exist only while files are read
PARTS = ("purchased_date", "purchased_time", "price", "unit_cost", "operation")
ROLES = (*CONTRACT, *PARTS)


@dataclass(frozen=True)
class Meaning:
    """A role that a heading may stand for, and how surely: 4 the contract's own name, 3, 2, 1 as in the vocabulary."""

    role: str
    tier: int


_CURRENCY_WORDS = re.compile(
    r"\b(руб(лей|ли|ля|ль)?|р|rub|rur|usd|eur|kzt|byn|uah|gbp|тг|тенге|долл|евро|в рублях|в валюте"
    r"|коп(ейки|ейках|еек)?|kopecks?|cents?|minor( units?)?)\b"
)
_REPEATED = re.compile(r" \(\d+\)$")


@cache
def normalise(heading: str) -> str:
    """Lower case, ё as е, words apart: `CustomerID`, `customer_id` and `Customer ID:` become `customer id`."""
    text = unicodedata.normalize("NFKC", _REPEATED.sub("", heading).replace("№", " номер "))
    text = re.sub(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    text = text.casefold().replace("ё", "е").replace("#", " number ")
    text = re.sub(r"[^\w%]+|_", " ", text)
    text = re.sub(r"\bид\b", "id", _CURRENCY_WORDS.sub(" ", text))
    return " ".join(text.split())


def _phrases(text: str) -> list[str]:
    return [" ".join(phrase.split()) for phrase in text.split(";") if phrase.strip()]


@cache
def _by_phrase() -> Mapping[str, tuple[Meaning, ...]]:
    meanings: dict[str, tuple[Meaning, ...]] = dict.fromkeys(_phrases(OTHER), ())
    for role, tiers in VOCABULARY.items():
        for tier, phrases in zip((3, 2, 1), tiers, strict=True):
            for phrase in _phrases(phrases):
                meanings[phrase] = (*meanings.get(phrase, ()), Meaning(role, tier))
    for role in ROLES:
        phrase = role.replace("_", " ")
        meanings[phrase] = (Meaning(role, 4),)  # the contract's own names beat everything
    return MappingProxyType(meanings)


# for headings that are not in the vocabulary word for word: what they must contain, and what they must not
_CONTAINS: tuple[tuple[str, str, str], ...] = (
    (
        "customer_id",
        r"(клиент|покупател|customer|client|телефон|phone|household|дисконтн\w* карт|карт\w* лояльн)",
        r"(сегмент|segment|категор|тип|вид|group|групп|город|city|address|адрес|пол|возраст|скид|discount|сумм"
        r"|amount|цена|name|баланс|дата|date|since|count|колич)",
    ),
    (
        "amount",
        r"(сумма|amount|revenue|выручка|net sales|sales value|стоимость)",
        r"(скид|discount|ндс|tax|vat|бонус|bonus|достав|shipping|возврат|refund|налич|безнал|оплат|себест|cost|чаев"
        r"|tip|закуп)",
    ),
    (
        "quantity",
        r"(количество|кол во|quantity|qty)",
        r"(чек|заказ|клиент|order|customer|receipt|скид|discount)",
    ),
    (
        "discount",
        r"(скидк|discount|markdown)",
        r"(%|процент|percent|pct|код|code|без|до|before|after|наимен|name|причин|reason|type|тип|карт|card|вид)",
    ),
    (
        "unit_cost",
        r"(себестоимость (за )?(ед|шт)|закупочн\w* цен|цен\w* закуп|unit cost)",
        r"(сумм|total)",
    ),
    (
        "cost",
        r"(себестоимост|cost of|cogs)",
        r"(%|ед|unit|за шт|процент)",
    ),
    (
        "purchased_at",
        r"\b(дата|date|datetime|timestamp)\b",
        r"(рожд|birth|достав|deliver|ship|регистр|signup|registration|измен|updat|modif|выдач|срок|expir|истек|начал"
        r"|start|end|оконч|возврат|return|отмен|cancel|first|last|перв|послед|join)",
    ),
    (
        "receipt_id",
        r"(номер чека|id чека|receipt|invoice (no|num|id)|order (no|num|id)|transaction (no|num|id)|номер заказа)",
        r"(сумм|amount|total|date|дата|type|тип|status|статус)",
    ),
    (
        "product_id",
        r"(артикул|штрих ?код|sku|barcode|(код|id) (товар|номенкл|product))",
        r"(карт|card|клиент|name|наимен)",
    ),
    (
        "product",
        r"(наименование|название) (товар|услуг|номенкл|продук|позиц)|product (name|title)|item (name|title)",
        r"(групп|group|катег|categ)",
    ),
    (
        "category",
        r"(категори|category|групп\w* товар|товарн\w* групп)",
        r"(клиент|покупател|customer|client|цен|price|id|код)",
    ),
    (
        "price",
        r"(цена|price)",
        r"(закуп|cost|себест|purchase|скид|total|sum|сумм|вид|тип|type|point)",
    ),
    (
        "store",
        r"(магазин|торгов\w* точк|store|shop|филиал|branch)",
        r"(сумм|amount|дата|date|тип|type|вид|регион|region|город|city|площад|формат)",
    ),
    (
        "staff",
        r"(кассир|продавец|cashier|salesperson|employee|сотрудник)",
        r"(сумм|amount|дата|date|отдел|должн|position)",
    ),
    (
        "channel",
        r"(канал|sales channel)",
        r"(сумм|amount|дата|date)",
    ),
    (
        "promotion",
        r"(промокод|promo code|coupon code|акци[яи]\b)",
        r"(сумм|amount|скид|discount|дата|date)",
    ),
)


def meanings(heading: str) -> tuple[Meaning, ...]:
    """What the heading may stand for, surest first; empty when it says nothing about purchases."""
    phrase = normalise(heading)
    exact = _by_phrase().get(phrase)
    if exact is not None:
        return exact
    return tuple(
        Meaning(role, 1)
        for role, wanted, unwanted in _CONTAINS
        if re.search(wanted, phrase) and not re.search(unwanted, phrase)
    )[:1]


def count_known(row: Sequence[str]) -> int:
    """How many cells of the row are headings of the vocabulary, word for word: this is how a header is found."""
    return len({phrase for cell in row if (phrase := normalise(cell)) in _by_phrase()})


def says_minor_units(heading: str) -> bool:
    """Whether the heading says that the money is in kopecks or cents."""
    return (
        re.search(r"\bкоп(ейки|ейках|еек|\b)|\bkopecks?\b|\bcents\b|\bminor\b|_minor\b", heading.casefold()) is not None
    )


def says_phone(heading: str) -> bool:
    """Whether the heading names phone numbers."""
    return re.search(r"телефон|\bтел\b|\bмоб|phone|mobile|\bcell\b|whatsapp", normalise(heading)) is not None


def position_in_vocabulary(role: str, heading: str) -> int:
    """How far down the list of the role the heading stands: the words at the front are the surer ones."""
    phrases = [phrase for tier in VOCABULARY[role] for phrase in _phrases(tier)]
    phrase = normalise(heading)
    return phrases.index(phrase) if phrase in phrases else len(phrases)
