"""Which rules name which promo codes: those of now, those to come, and those that are being written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import timezone

from regulars.core.errors import InputError
from regulars.loyalty.drafts import draft_now
from regulars.loyalty.models import Programme
from regulars.loyalty.programme.conditions import PromoCode
from regulars.loyalty.programme.rules import RuleSet, parse
from regulars.loyalty.programmes import rules_of, versions


@dataclass(frozen=True)
class Naming:
    """A rule that names a code, and the first version with it; None: it is in the draft alone."""

    rule: str
    title: str
    version: Programme | None
    is_valid: bool = False


def rules_with_codes(*, drafted: bool = True) -> dict[str, list[Naming]]:
    """The rules by the codes, or batches of codes, that they name; without capitals, as rules compare them."""
    found: dict[str, dict[str, Naming]] = {}
    for version, is_valid, rules in _written(drafted=drafted):
        for rule in rules.rules:
            named = (leaf for leaf in rule.when.leaves() if isinstance(leaf, PromoCode))
            for key in {one.casefold() for leaf in named for one in leaf.any_of}:
                naming = Naming(rule.id, rule.title or rule.id, version, is_valid)
                found.setdefault(key, {}).setdefault(rule.id, naming)
    return {key: list(each.values()) for key, each in found.items()}


def _written(*, drafted: bool) -> Iterator[tuple[Programme | None, bool, RuleSet]]:
    now, found = timezone.now(), versions()
    valid = next((one for one in found if one.valid_from <= now), None)
    for one in reversed(found):
        if one == valid or one.valid_from > now:
            yield one, one == valid, rules_of(one)
    draft = draft_now()
    if drafted and draft.text:
        try:
            yield None, False, parse(json.loads(draft.text))
        except (InputError, ValueError, RecursionError):
            return  # half of a draft names nothing yet
