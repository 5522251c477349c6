"""At whose tills a rule can hold at all, whatever is bought there and whoever buys it."""

from regulars.loyalty.programme.conditions import AllOf, AnyOf, AtPartner, Condition, Not
from regulars.loyalty.programme.rules import Rule


def can_hold_at(rule: Rule, partner: str) -> bool:
    """Whether a receipt of this partner's tills can meet the rule; empty: of the operator's own."""
    return _holds(rule.when, partner) is not False


def is_only_at(rule: Rule, partner: str, others: frozenset[str]) -> bool:
    """Whether it can hold at this partner's tills, and neither at those of others nor at the operator's."""
    return can_hold_at(rule, partner) and not any(can_hold_at(rule, one) for one in {"", *others} - {partner})


def _holds(condition: Condition, partner: str) -> bool | None:
    """None: it depends on more than the place."""
    if isinstance(condition, AtPartner):
        return partner in condition.any_of
    if isinstance(condition, Not):
        found = _holds(condition.item, partner)
        return None if found is None else not found
    if isinstance(condition, AllOf | AnyOf):
        decides = isinstance(condition, AnyOf)
        parts = [_holds(one, partner) for one in condition.items]
        return decides if decides in parts else None if None in parts else not decides
    return None
