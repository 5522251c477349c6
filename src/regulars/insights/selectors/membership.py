"""Which of some segments one customer is in: asked while he stands at the till."""

from collections.abc import Collection, Sequence

from django.db.models import F, Func, Value

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.insights.models import Score, Segment
from regulars.insights.segments.query import customers_of

MOST_SEGMENTS = 50  # looked at at once


def segment_names() -> frozenset[str]:
    """The ids by which rules may name the segments that there are."""
    return frozenset(map(str, Segment.objects.values_list("pk", flat=True)))


def drawn_by_state(states: Collection[str], most: int) -> list[int]:
    """The ids of customers whom the newest audit puts into these states: all, or so many drawn by lot."""
    lot = Func(F("customer_id"), Value(0), function="hashint8extended")
    found = Score.objects.filter(state__in=states, customer__merged_into=None, customer__is_erased=False)
    return list(found.order_by(lot, "customer_id").values_list("customer_id", flat=True)[:most])


def people_of(segment: int, *, by: User | None = None) -> list[int]:
    """The ids of all who are in the segment now; `InputError` when there is none of this number, or nobody in it.

    `by`: only those whom he may see.
    """
    found = Segment.objects.filter(pk=segment).first()
    if found is None:
        raise InputError(_("There is no segment {number}: its number stands in its address.").format(number=segment))
    people = customers_of(found.rule) if by is None else customers_of(found.rule).seen_by(by)
    ids = list(people.order_by("pk").values_list("pk", flat=True))
    if not ids:
        raise InputError(_("Nobody is in the segment “{name}”.").format(name=found.name))
    return ids


def by_segment(ids: Sequence[int]) -> list[tuple[str, frozenset[int]]]:
    """Every segment by its name, and who of some customers is in it now: a question each, of these customers alone."""
    return [
        (one.name, frozenset(customers_of(one.rule, one_by_one=True).filter(pk__in=ids).values_list("pk", flat=True)))
        for one in Segment.objects.order_by("name", "pk")[:MOST_SEGMENTS]
    ]


def segments_of(customer: int, wanted: Collection[str]) -> frozenset[str]:
    """Of these segments, named by their ids, those that he is in now. An id that is none is nobody's."""
    known = Segment.objects.filter(pk__in=[int(one) for one in wanted if one.isascii() and one.isdigit()])
    return frozenset(
        str(one.pk) for one in known if customers_of(one.rule, one_by_one=True).filter(pk=customer).exists()
    )
