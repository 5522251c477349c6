"""The menu, in the order of the work: know, see who matters, act, measure. Each user sees what he may open."""

from dataclasses import dataclass

from django.urls import reverse

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
    ("programme", N_("Loyalty"), None),
    ("till", N_("Till"), Right.SERVE_AT_TILL),
    ("imports", N_("Import"), Right.RUN_IMPORTS),
    ("settings", N_("Settings"), None),
)
LOYALTY = (
    ("programme", N_("Programme"), Right.SEE_PURCHASES),
    ("promo_codes", N_("Promo codes"), Right.SEE_PURCHASES),
    ("cards", N_("Cards"), Right.SEE_PURCHASES),
    ("certificates", N_("Certificates"), Right.SEE_PURCHASES),
    ("gifts", N_("Gifts"), Right.SEE_PURCHASES),
    ("goods", N_("Goods"), Right.SEE_INSIGHTS),
    ("partners", N_("Partners"), Right.SEE_INSIGHTS),
    ("review", N_("Review"), Right.WATCH_TILLS),
    ("programme_results", N_("Results"), Right.SEE_INSIGHTS),
    ("programme_liability", N_("Liability"), Right.SEE_INSIGHTS),
    ("programme_leaving", N_("Who leaves"), Right.SEE_INSIGHTS),
)
SETTINGS = (
    ("users", N_("People"), Right.MANAGE_USERS),
    ("business", N_("Business"), Right.MANAGE_BUSINESS),
    ("audit_settings", N_("Audit"), Right.MANAGE_BUSINESS),
    ("programs", N_("Other programs"), Right.MANAGE_API),
    ("log", N_("Log of safety"), Right.SEE_LOG),
)
# the first of their pages that somebody may open is where they lead
_TABBED = {"programme": LOYALTY, "settings": SETTINGS}


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
        address = reverse(name)
        if name in _TABBED:
            items += _tabbed_item(request, name, address, _(title))
            continue
        here = request.path == address if address == "/" else request.path.startswith(address)
        items.append(Item(name, _(title), address, here))
    return items


def _tabbed_item(request: Request, name: str, address: str, title: str) -> list[Item]:
    """The way to the first of its pages that this user may open, if there is one."""
    tabs = _tabs(request, _TABBED[name])
    return [Item(name, title, tabs[0].address, request.path.startswith(address))] if tabs else []


def settings_tabs(request: Request) -> list[Item]:
    """The pages of the settings that this user may open."""
    return _tabs(request, SETTINGS)


def loyalty_tabs(request: Request) -> list[Item]:
    """The pages of the loyalty programme that this user may open."""
    return _tabs(request, LOYALTY)


def _tabs(request: Request, pages: tuple[tuple[str, str, Right], ...]) -> list[Item]:
    found = [(name, reverse(name), _(title)) for name, title, right in pages if request.user.may(right)]
    # the address of one may begin with that of another
    here = max((address for _name, address, _title in found if request.path.startswith(address)), key=len, default="")
    return [Item(name, title, address, address == here) for name, address, title in found]


def business_name(request: Request) -> str:
    """The name at the top: that of the business once it is known."""
    found = Business.objects.first()
    return found.name if found else "Regulars"
