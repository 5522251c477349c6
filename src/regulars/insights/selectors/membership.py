"""Which of some segments one customer is in: asked while he stands at the till."""

from collections.abc import Collection

from regulars.insights.models import Segment
from regulars.insights.segments.query import customers_of


def segment_names() -> frozenset[str]:
    """The ids by which rules may name the segments that there are."""
    return frozenset(map(str, Segment.objects.values_list("pk", flat=True)))


def segments_of(customer: int, wanted: Collection[str]) -> frozenset[str]:
    """Of these segments, named by their ids, those that he is in now. An id that is none is nobody's."""
    known = Segment.objects.filter(pk__in=[int(one) for one in wanted if one.isascii() and one.isdigit()])
    return frozenset(
        str(one.pk) for one in known if customers_of(one.rule, one_by_one=True).filter(pk=customer).exists()
    )
