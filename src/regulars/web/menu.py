"""The menu, in the order of the work: know, see who matters, act, measure. Each user sees what he may open."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.web.access import Request

# a page's name, its title, the right that opens it
PAGES = (
    ("today", N_("Today"), None),
    ("customers", N_("Customers"), Right.SEE_CUSTOMERS),
    ("segments", N_("Segments"), Right.SEE_CUSTOMERS),
    ("insights", N_("Insights"), Right.SEE_INSIGHTS),
    ("strategy", N_("Strategy"), Right.SEE_INSIGHTS),
    ("imports", N_("Import"), Right.RUN_IMPORTS),
    ("settings", N_("Settings"), Right.MANAGE_USERS),
)


@dataclass(frozen=True)
class Item:
    """One line of the menu."""

    name: str
    title: str
    address: str
    is_here: bool


def menu(request: Request) -> list[Item]:
    """What this user can open from everywhere."""
    items = []
    for name, title, right in PAGES:
        if right is not None and not request.user.may(right):
            continue
        try:
            address = reverse(name)
        except NoReverseMatch:
            continue
        here = request.path == address if address == "/" else request.path.startswith(address)
        items.append(Item(name, _(title), address, here))
    return items


def business_name(request: Request) -> str:
    """The name at the top: that of the business once it is known."""
    found = Business.objects.first()
    return found.name if found else "Regulars"
