"""The rules that hold at a partner's tills, in words: for whoever runs the programme, and for the partner itself."""

from dataclasses import dataclass

from regulars.loyalty.models import Partner
from regulars.loyalty.programme.conditions import InSegment, PromoCode
from regulars.loyalty.programme.places import can_hold_at, is_only_at
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programme.words import Names, Words


@dataclass(frozen=True)
class PartnerRule:
    """A rule that can hold at the partner's tills; `is_own`: and at nobody else's. `is_told`: the partner reads it.

    Segments and promo codes are between the operator and its members.
    """

    id: str
    title: str
    text: str
    is_own: bool
    is_told: bool


def rules_at(partner: Partner, rules: RuleSet, names: Names | None = None) -> list[PartnerRule]:
    """Its own ones first, each kind by id."""
    slugs = frozenset(Partner.objects.values_list("slug", flat=True))
    titles = dict(Partner.objects.values_list("slug", "name"))
    words = Words(rules, names or (lambda kind, code: titles.get(code, code) if kind == "partner" else code))
    found = [
        PartnerRule(
            one.id, one.title or one.id, words.rule(one), is_only_at(one, partner.slug, slugs),
            not any(isinstance(leaf, InSegment | PromoCode) for leaf in one.when.leaves()),
        )
        for one in rules.rules if can_hold_at(one, partner.slug)
    ]  # fmt: skip
    return sorted(found, key=lambda one: not one.is_own)
