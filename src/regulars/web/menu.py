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
    ("programme", N_("Loyalty"), Right.SEE_PURCHASES),
    ("imports", N_("Import"), Right.RUN_IMPORTS),
    ("settings", N_("Settings"), None),
)
SETTINGS = (
    ("users", N_("People"), Right.MANAGE_USERS),
    ("business", N_("Business"), Right.MANAGE_BUSINESS),
    ("audit_settings", N_("Audit"), Right.MANAGE_BUSINESS),
    ("programs", N_("Other programs"), Right.MANAGE_API),
    ("log", N_("Log of safety"), Right.SEE_LOG),
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
        address = reverse(name)
        if name == "settings":
            items += _settings_item(request, address, _(title))
            continue
        here = request.path == address if address == "/" else request.path.startswith(address)
        items.append(Item(name, _(title), address, here))
    return items


def _settings_item(request: Request, address: str, title: str) -> list[Item]:
    """The way to the first of the settings that this user may open, if there is one."""
    tabs = settings_tabs(request)
    return [Item("settings", title, tabs[0].address, request.path.startswith(address))] if tabs else []


def settings_tabs(request: Request) -> list[Item]:
    """The pages of the settings that this user may open."""
    found = [(name, reverse(name), _(title)) for name, title, right in SETTINGS if request.user.may(right)]
    return [Item(name, title, address, request.path.startswith(address)) for name, address, title in found]


def business_name(request: Request) -> str:
    """The name at the top: that of the business once it is known."""
    found = Business.objects.first()
    return found.name if found else "Regulars"
