"""What an entry of the log of safety says beside its title, in words: whom or what it was about, and the details."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from regulars.accounts.models import LogEntry, Role, User
from regulars.accounts.rights import TITLES
from regulars.api.models import Export, Scope
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.act import counted
from regulars.customers.models import Contact, Tag
from regulars.customers.models.customer import Kind
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event
from regulars.insights.columns import COLUMNS
from regulars.insights.selectors.people import people_list
from regulars.insights.titles import title_of
from regulars.loyalty.models import Alert
from regulars.report import names
from regulars.web.leftover_columns import LEFTOVERS, leftover_columns

_OF_LISTS = ("exported", "contacts_seen", "export_asked")


class Speaker:
    """Tells the entries of one page: names are looked up once, and only when an entry needs them."""

    def __init__(self) -> None:
        self._lists: dict[str, str] = {}

    def about(self, entry: LogEntry) -> str:
        """Whom or what it was about."""
        if entry.event == "role_saved":
            return self._roles.get(entry.about, entry.about)
        if entry.event not in _OF_LISTS:
            return entry.about
        if entry.about not in self._lists:
            self._lists[entry.about] = _list_name(entry.about.removesuffix(":hashed"))
        return self._lists[entry.about]

    def details(self, entry: LogEntry) -> str:
        """The details; numbers by which the database knows other rows say nothing to a reader and are left out."""
        given = entry.details
        if entry.event == "erased":
            return ", ".join(counted(given))
        said = [say(given[name]) for name, say in self._says.items() if given.get(name)]
        if given.get("filters"):
            said.append(self._filters(given["filters"], by_id=entry.about == "customers"))
        return "; ".join(said)

    @cached_property
    def _says(self) -> dict[str, Callable[[Any], str]]:
        columns = {name: _(column.title) for name, column in COLUMNS.items()}
        columns |= {column.id: _(column.title) for column in leftover_columns({})}
        rights = {right.value: _(title) for right, title in TITLES.items()}
        return {
            "role": lambda slug: _("role: {name}").format(name=self._roles.get(slug, slug)),
            "rights": lambda given: _("may: {rights}").format(rights=_listed(given, rights)),
            "own_customers_only": lambda _on: _("own customers only"),
            "heir": lambda name: _("new manager: {name}").format(name=_("nobody") if name == "nobody" else name),
            "people": lambda n: ngettext("{n} customer", "{n} customers", n).format(n=format_number(n)),
            "scopes": lambda given: _("opens: {scopes}").format(scopes=_listed(given, _labels(Scope))),
            "events": lambda given: _("is told when: {events}").format(events=_listed(given, _labels(Event))),
            "system": str,
            "phones": lambda n: _("hashes of phones: {n}").format(n=format_number(n)),
            "emails": lambda n: _("hashes of addresses: {n}").format(n=format_number(n)),
            "rows": lambda n: ngettext("{n} row", "{n} rows", n).format(n=format_number(n)),
            "columns": lambda given: _("columns: {names}").format(
                names=_listed(given, columns | _labels(Contact.Kind))
            ),
            "codes": lambda n: ngettext("{n} code", "{n} codes", n).format(n=format_number(n)),
            "form": str.upper,
            "points": lambda n: ngettext("{n} point", "{n} points", abs(n)).format(n=f"{n:+}"),
            "decision": lambda word: _(str(Alert.Decision(word).label)),
            "gift": _changed,
            "refund": lambda minor: _("given back: {money}").format(
                money=format_money(minor, Business.current().currency, exact=True)
            ),
            "points_back": lambda n: _("points back: {n}").format(n=format_number(n)),
            "points_taken": lambda n: _("points taken: {n}").format(n=format_number(n)),
            "points_forgiven": lambda n: _("points forgiven: {n}").format(n=format_number(n)),
            "order": lambda number: _("order {number}").format(number=number),
            "why": str,
        }

    def _filters(self, given: dict[str, str], *, by_id: bool) -> str:
        values: dict[str, dict[str, str]] = {"kind": _labels(Kind), "peace": {"yes": _("yes")}}
        if "owner" in given:
            users = {str(one.pk): one.name for one in User.objects.filter(pk__in=_ids(given["owner"]))}
            values["owner"] = users | {"none": _("nobody"), "nobody": _("nobody")}
        if by_id and "tag" in given:
            values["tag"] = {str(one.pk): one.name for one in Tag.objects.filter(pk__in=_ids(given["tag"]))}
        if "state" in given:
            values["state"] = {given["state"]: names.state(given["state"])}
        if "rfm" in given:
            values["rfm"] = {given["rfm"]: names.segment(given["rfm"])}
        titles = {
            "query": _("Search"), "kind": _("Kind"), "owner": _("Manager"), "tag": _("Tag"),
            "peace": _("Only those left in peace"), "state": _("State"), "rfm": _("RFM segment"), "abc": _("Class"),
            "spent": _("Spent at least"),
        }  # fmt: skip
        said = [f"{title}: {values.get(name, {}).get(given[name], given[name])}" for name, title in titles.items()
                if name in given]  # fmt: skip
        return _("chosen by: {filters}").format(filters=", ".join(said))

    @cached_property
    def _roles(self) -> dict[str, str]:
        return {role.slug: role.title for role in Role.objects.all()}


def _changed(gift: dict[str, list[int]]) -> str:
    """What of a gift was changed; its cost is in minor units."""
    titles = {"points": _("Points"), "cost": _("Cost"), "stock": _("Stock")}
    return ", ".join(
        f"{title}: {format_number(gift[name][0])} → {format_number(gift[name][1])}"
        for name, title in titles.items() if name in gift
    )  # fmt: skip


def _list_name(about: str) -> str:
    places = {"customers": _("Customers"), "duplicates": _("Duplicates"), "find": _("Search")}
    places |= {f"leftovers:{kind}": _(title) for kind, title in LEFTOVERS.items()}
    known = _labels(Export.Kind) | places
    if about in known:
        return known[about]
    listed = people_list(about)
    return about if listed is None else title_of(listed).name


def _listed(given: list[str], titles: dict[str, str]) -> str:
    return ", ".join(titles.get(one, one) for one in given)


def _labels(choices: Any) -> dict[str, str]:
    return {value: _(str(label)) for value, label in choices.choices}


def _ids(text: str) -> list[int]:
    return [int(text)] if text.isascii() and text.isdigit() else []
