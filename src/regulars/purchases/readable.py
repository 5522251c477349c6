"""Purchases on the page of all that is known of a person."""

from collections.abc import Iterator, Sequence

from regulars.core.i18n import N_, format_moment, format_number
from regulars.core.money import format_money
from regulars.customers.readable import Cells, Section, register
from regulars.foundation.models import Business
from regulars.purchases.models import Line, Receipt
from regulars.purchases.selectors import zone_of

_ROWS = 500


def register_section() -> None:
    """Called once, when the application is ready."""
    columns = (N_("When"), N_("Store"), N_("Receipt"), N_("Products"), N_("Amount"))
    register(Section(N_("Purchases"), ("receipt", "receipt line"), _purchases, columns))


def _purchases(ids: Sequence[int]) -> Iterator[Cells]:
    business = Business.current()
    rows = Receipt.objects.filter(customer__in=ids).select_related("store", "seller").order_by("purchased_at", "pk")
    for one in rows.prefetch_related("lines__product").iterator(_ROWS):
        lines = [_said(line, business.currency) for line in sorted(one.lines.all(), key=lambda line: line.position)]
        where = [one.store.name if one.store else "", one.channel, one.seller.name if one.seller else ""]
        yield (
            format_moment(one.purchased_at, zone_of(one, business)), "\n".join(filter(None, where)), one.number,
            "\n".join(lines), format_money(one.amount, business.currency, exact=True),
        )  # fmt: skip


def _said(line: Line, currency: str) -> str:
    """One line: what, how much of it, for how much, and what was off."""
    quantity = "" if line.quantity is None else f" × {format_number(line.quantity, 0 if line.quantity % 1 == 0 else 3)}"
    off = f" (−{format_money(line.discount, currency, exact=True)})" if line.discount else ""
    offer = f", {line.promotion}" if line.promotion else ""
    name = line.product.name if line.product else "–"
    return f"{name}{quantity}: {format_money(line.amount, currency, exact=True)}{off}{offer}"
