"""Points on the page of all that is known of a person."""

from collections.abc import Iterator, Sequence

from regulars.core.i18n import N_, format_moment, format_number
from regulars.core.i18n import gettext as _
from regulars.customers.readable import Cells, Section, register
from regulars.foundation.models import Business
from regulars.loyalty.models import Posting, Transaction

_ROWS = 500


def register_section() -> None:
    """Called once, when the application is ready."""
    register(Section(N_("Points"), ("account",), _points, (N_("When"), N_("What"), N_("Points"), N_("Reason"))))


def _points(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    rows = Posting.objects.filter(account__customer__in=ids).select_related("transaction", "transaction__unit")
    for one in rows.order_by("id").iterator(_ROWS):
        fact = one.transaction
        yield (
            format_moment(fact.recorded_at, zone), _(str(Transaction.Kind(fact.kind).label)),
            f"{format_number(one.amount)} ({fact.unit.title})", fact.reason,
        )  # fmt: skip
