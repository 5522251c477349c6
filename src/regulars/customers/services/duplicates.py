"""Likely duplicates: found in the background, refused by people, merged by a rule only where one is switched on.

A name and an e-mail are said by anybody, and a card spends what the merged customer has. So two who both have a
card, or what else a package above knows to be worth taking, are merged by a person alone.
"""

from collections.abc import Callable, Collection, Iterator

from django.db.models import Q
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.customers.models import Contact, Customer, Likeness, MergeRule
from regulars.customers.selectors.duplicates import candidate_pairs, judged
from regulars.customers.services.merging import merge
from regulars.foundation.changes import acting

_BATCH = 2_000
# what each rule asks for besides a score that nothing speaks against
RULES = {
    "same_phone_and_name": frozenset({"same_phone", "same_name"}),
    "same_email_and_name": frozenset({"same_email", "same_name"}),
}

# of these customers: who has something that a merge would lay into other hands
Holders = Callable[[Collection[int]], set[int]]


def _with_cards(customers: Collection[int]) -> set[int]:
    held = Contact.objects.filter(customer__in=customers, kind=Contact.Kind.CARD)
    return set(held.values_list("customer", flat=True))


_holders: list[Holders] = [_with_cards]


def register(holders: Holders) -> None:
    """No rule merges two of whom each has a card or is one of these."""
    if holders not in _holders:
        _holders.append(holders)


def find_duplicates() -> int:
    """Look through the whole base anew; what somebody refused stays refused. Returns how many pairs wait."""
    pairs = sorted(candidate_pairs())
    begun = timezone.now()
    for start in range(0, len(pairs), _BATCH):
        _keep(judged(pairs[start : start + _BATCH]))
    gone = Q(found_at__lt=begun) | Q(first__merged_into__isnull=False) | Q(second__merged_into__isnull=False)
    Likeness.objects.filter(gone, refused_at=None).delete()
    _merge_by_rules()
    return Likeness.objects.filter(refused_at=None).count()


def refuse(likeness: Likeness, *, by: User) -> None:
    """They are two people: do not ask again."""
    with acting(by.pk, "web"):
        likeness.refused_by, likeness.refused_at = by, timezone.now()
        likeness.save(update_fields=["refused_by", "refused_at"])


def switch_rule(slug: str, *, is_on: bool) -> None:
    """Merge such matches without asking, or ask again."""
    if slug not in RULES:
        raise InputError(slug)
    MergeRule.objects.update_or_create(slug=slug, defaults={"is_on": is_on})


def _keep(found: Iterator[tuple[int, int, int, list[str]]]) -> None:
    rows = [Likeness(first_id=one, second_id=two, score=score, reasons=why) for one, two, score, why in found]
    now = timezone.now()
    for row in rows:
        row.found_at = now
    Likeness.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["first", "second"], update_fields=["score", "reasons", "found_at"]
    )


def _merge_by_rules() -> None:
    wanted = [
        RULES[slug] for slug in MergeRule.objects.filter(is_on=True).values_list("slug", flat=True) if slug in RULES
    ]
    if not wanted:
        return
    for pair in Likeness.objects.filter(refused_at=None).order_by("-score", "id").iterator():
        if any(rule <= set(pair.reasons) for rule in wanted) and pair.score >= 85:
            # one that was merged a moment ago is no longer whole
            both = list(Customer.objects.whole().filter(pk__in=[pair.first_id, pair.second_id]).order_by("pk"))
            if len(both) == 2 and not _is_for_people(both):
                _try_merge(both, pair)


def _is_for_people(both: list[Customer]) -> bool:
    ids = {one.pk for one in both}
    return set().union(*(holders(ids) for holders in _holders)) == ids


def _try_merge(both: list[Customer], pair: Likeness) -> None:
    try:
        merge(both[0], both[1], by=None, reasons=pair.reasons)
    except InputError:
        # an open demand to erase: a person decides
        return
    pair.delete()
