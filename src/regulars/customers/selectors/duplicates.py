"""Who may be one person: candidates by what they share, never all pairs, each with its reasons.

Points: the same phone or e-mail, the same birthday, names alike speak for it; another birthday, another sex and quite
another name speak against. Families share phones, so a phone alone is never enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from django.db import connection
from rapidfuzz import fuzz

from regulars.core.i18n import N_
from regulars.customers.models import Customer

ENOUGH = 60
# a number of a call centre or a corporate address tells nothing about who writes it
_LARGEST_BLOCK = 8
_MOST_BLOCKS = 50_000

REASONS = {
    "same_phone": N_("the same phone"),
    "same_email": N_("the same e-mail"),
    "same_messenger": N_("the same name in a messenger"),
    "same_birthday": N_("the same birthday"),
    "same_name": N_("the same name"),
    "like_name": N_("names alike"),
}
_POINTS = {
    "same_phone": 45, "same_email": 50, "same_messenger": 45, "same_birthday": 25, "same_name": 40, "like_name": 25,
}  # fmt: skip
_AGAINST = {"birthday": 45, "sex": 45, "name": 30}

_BLOCKS = f"""
WITH shared AS (
    SELECT kind || ':' || value AS block, customer_id AS id FROM customers_contact
    WHERE kind <> 'card' AND is_valid
    UNION ALL
    SELECT 'born:' || lower(family_name) || birth_date::text, id FROM customers_customer
    WHERE family_name <> '' AND birth_date IS NOT NULL
    UNION ALL
    SELECT 'name:' || lower(name), id FROM customers_customer
    WHERE kind IN ('company', 'intermediary', 'supplier', 'partner') AND name <> ''
    UNION ALL
    SELECT 'name:' || lower(family_name || ' ' || given_name || ' ' || middle_name), id FROM customers_customer
    WHERE family_name <> '' AND given_name <> '' AND middle_name <> ''
)
SELECT array_agg(DISTINCT shared.id) FROM shared JOIN customers_customer AS whole USING (id)
WHERE whole.merged_into_id IS NULL
GROUP BY block HAVING count(DISTINCT shared.id) BETWEEN 2 AND {_LARGEST_BLOCK}
ORDER BY min(shared.id) DESC LIMIT {_MOST_BLOCKS}
"""


@dataclass(frozen=True)
class Known:
    """What is compared of a customer."""

    id: int
    kind: str
    name: str
    born: str
    sex: str
    contacts: frozenset[tuple[str, str]]


def candidate_pairs() -> set[tuple[int, int]]:
    """Pairs that share something, the lower id first."""
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS)
        return {pair for (ids,) in cursor.fetchall() for pair in combinations(sorted(ids), 2)}


def judged(pairs: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> Iterator[tuple[int, int, int, list[str]]]:
    """(first, second, score, reasons) of the pairs that are likely enough."""
    pairs = list(pairs)
    known = known_of({one for pair in pairs for one in pair})
    for first, second in pairs:
        if first in known and second in known:
            score, reasons = compare(known[first], known[second])
            if score >= ENOUGH:
                yield first, second, score, reasons


def compare(one: Known, other: Known) -> tuple[int, list[str]]:
    """How likely the two are one person, from 0 to 100, and why."""
    reasons = sorted({_SHARED[kind] for kind, _value in one.contacts & other.contacts if kind in _SHARED})
    if one.born and one.born == other.born:
        reasons.append("same_birthday")
    likeness = _likeness(one.name, other.name)
    if likeness >= 95:
        reasons.append("same_name")
    elif likeness >= 82:
        reasons.append("like_name")
    against = _AGAINST["birthday"] if one.born and other.born and one.born != other.born else 0
    against += _AGAINST["sex"] if one.sex and other.sex and one.sex != other.sex else 0
    against += _AGAINST["name"] if one.name and other.name and likeness < 60 else 0
    score = sum(_POINTS[reason] for reason in reasons) - against
    # companies have no birthday: the same name is what there is
    if one.kind == other.kind and one.kind in _ORGANISATIONS and "same_name" in reasons:
        score += 20
    return max(0, min(100, score)), reasons


def _likeness(one: str, other: str) -> float:
    """From 0 to 100, whatever the order of the words; a name that only lacks the father's is the same."""
    if not (one and other):
        return 0.0
    shorter, longer = sorted((set(one.split()), set(other.split())), key=len)
    if len(shorter) >= 2 and shorter <= longer:
        return 100.0
    return float(fuzz.token_sort_ratio(one, other))


def known_of(ids: set[int]) -> dict[int, Known]:
    """What is known of these customers, in two queries."""
    rows = Customer.objects.whole().filter(pk__in=ids).defer("search_text", "search_parts", "own_fields")
    return {
        one.pk: Known(
            one.pk, one.kind, _compared_name(one), one.birth_date.isoformat() if one.birth_date else "", one.sex,
            frozenset((way.kind, way.value) for way in one.contacts.all()),
        )
        for one in rows.prefetch_related("contacts")
    }  # fmt: skip


_SHARED = {
    "phone": "same_phone", "whatsapp": "same_phone", "viber": "same_phone", "email": "same_email",
    "telegram": "same_messenger", "vk": "same_messenger", "max": "same_messenger",
}  # fmt: skip
_ORGANISATIONS = ("company", "intermediary", "supplier", "partner")


def _compared_name(customer: Customer) -> str:
    words = " ".join(one for one in (customer.family_name, customer.given_name, customer.middle_name) if one)
    return (words or customer.name).casefold().replace("ё", "е")
