"""Purchases in the timeline of a customer."""

from collections.abc import Sequence

from django.urls import reverse

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.timeline import Before, Entry, Source, register
from regulars.purchases.selectors import Purchase, purchases_of_ids


def register_source() -> None:
    """Called once, when the application is ready."""
    register(Source("purchase", N_("Purchases"), _purchases, Right.SEE_PURCHASES))


def _purchases(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    return [_entry(one) for one in purchases_of_ids(ids, before=before, limit=limit)]


def _entry(one: Purchase) -> Entry:
    receipt = one.receipt
    return Entry(
        one.at,
        receipt.pk,
        "purchase",
        _("Purchase") if one.amount >= 0 else _("Return"),
        who=receipt.seller.name if receipt.seller else "",
        text=_products(one),
        lines=((_("Store"), receipt.store.name),) if receipt.store else (),
        address=reverse("receipt", args=[receipt.pk]),
        amount=one.amount,
        tone="" if one.amount >= 0 else "warn",
    )


def _products(one: Purchase) -> str:
    named = ", ".join(one.products)
    if not one.others or not named:
        return named
    more = ngettext("and {count} more", "and {count} more", one.others).format(count=one.others)
    return f"{named} {more}"
