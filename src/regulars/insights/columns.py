"""What a list of people can show of each of them, on the page and in the files that are taken out."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import masked
from regulars.customers.models import Customer
from regulars.insights.models import Score
from regulars.insights.selectors.people import PeopleList, main_contacts, tags_of
from regulars.report import names


@dataclass(frozen=True)
class Extra:
    """What is fetched for a page of customers at once."""

    contacts: dict[tuple[int, str], str]
    tags: dict[int, list[str]]
    titles: dict[str, str]  # of opportunities, by id


@dataclass(frozen=True)
class Column:
    """One thing to show. `kind` says how: text, money (minor units), number, share, day."""

    id: str
    title: str
    kind: str
    read: Callable[[Customer, Extra], Any]
    right: Right | None = None

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right."""
        return self.kind in ("money", "number", "share")


def _score(name: str, say: Callable[[Any], Any] = lambda value: value) -> Callable[[Customer, Extra], Any]:
    def read(customer: Customer, _extra: Extra) -> Any:
        score = getattr(customer, "score", None)
        value = getattr(score, name, None)
        return None if value in (None, "") else say(value)

    return read


def _detail(name: str) -> Callable[[Customer, Extra], Any]:
    def read(customer: Customer, _extra: Extra) -> Any:
        score = getattr(customer, "score", None)
        return None if score is None else score.details.get(name)

    return read


def _opportunity(customer: Customer, extra: Extra) -> Any:
    key = _score("opportunity")(customer, extra)
    return None if key is None else extra.titles.get(f"opportunity:{key}") or names.opportunity(key)


def _next_visit(customer: Customer, _extra: Extra) -> dt.date | None:
    score = getattr(customer, "score", None)
    return None if score is None else next_visit(score)


def next_visit(score: Score) -> dt.date | None:
    """When he would come by his own rhythm; None for those who came once, and for the lost, who are not expected."""
    if score.state == "lost" or score.last_on is None or score.visit_period_days is None:
        return None
    return score.last_on + dt.timedelta(days=round(score.visit_period_days))


_PURCHASES = Right.SEE_PURCHASES

COLUMNS = {
    column.id: column
    for column in (
        Column("name", N_("Customer"), "text", lambda one, _extra: str(one)),
        Column("phone", N_("Phone"), "text", lambda one, extra: extra.contacts.get((one.pk, "phone"))),
        Column("email", N_("E-mail"), "text", lambda one, extra: extra.contacts.get((one.pk, "email"))),
        Column("card", N_("Card"), "text", lambda one, extra: extra.contacts.get((one.pk, "card"))),
        Column("kind", N_("Kind"), "text", lambda one, _extra: _(one.get_kind_display())),
        Column("owner", N_("Manager"), "text", lambda one, _extra: str(one.owner) if one.owner else None),
        Column("tags", N_("Tags"), "text", lambda one, extra: ", ".join(extra.tags.get(one.pk, [])) or None),
        Column("birth_date", N_("Birthday"), "day", lambda one, _extra: one.birth_date),
        Column("source", N_("Source"), "text", lambda one, _extra: one.source or None),
        Column("created_at", N_("Added"), "day", lambda one, _extra: one.created_at.date()),
        Column("state", N_("State"), "text", _score("state", names.state), _PURCHASES),
        Column("rfm", N_("RFM segment"), "text", _score("rfm_segment", names.segment), _PURCHASES),
        Column("abc", N_("Class"), "text", _score("abc"), _PURCHASES),
        Column("stage", N_("Loyalty stage"), "text", _score("loyalty_stage", names.loyalty_stage), _PURCHASES),
        Column("last_on", N_("Last visit"), "day", _score("last_on"), _PURCHASES),
        Column("first_on", N_("First visit"), "day", _score("first_on"), _PURCHASES),
        Column("next_on", N_("Next visit expected"), "day", _next_visit, _PURCHASES),
        Column("visits", N_("Visits"), "number", _score("visits"), _PURCHASES),
        Column("amount", N_("Spent"), "money", _score("amount"), _PURCHASES),
        Column("amount_year", N_("Spent in the year"), "money", _score("amount_year"), _PURCHASES),
        Column("mean_check", N_("Mean check"), "money", _score("mean_check"), _PURCHASES),
        Column("period", N_("Usual interval, days"), "number", _score("visit_period_days", round), _PURCHASES),
        Column("return_chance", N_("Chance to return"), "share", _score("return_chance"), _PURCHASES),
        Column("value", N_("Expected in 12 months"), "money", _score("expected_value_12"), _PURCHASES),
        Column("missed", N_("Missed in the year"), "money", _score("missed_amount"), _PURCHASES),
        Column("opportunity", N_("What to do"), "text", _opportunity, _PURCHASES),
        Column("gain", N_("Possible gain"), "money", _score("opportunity_amount"), _PURCHASES),
        Column("first_store", N_("First store"), "text", _detail("first_store"), _PURCHASES),
        Column("first_product", N_("First product"), "text", _detail("first_product"), _PURCHASES),
    )
}
_ABOUT = {"lost": ("missed",), "opportunity": ("gain",)}
_USUAL = ("amount", "visits", "last_on", "state")


def allowed(user: User) -> list[Column]:
    """Those that this user may see."""
    return [column for column in COLUMNS.values() if column.right is None or user.may(column.right)]


def chosen(listed: PeopleList, wanted: Iterable[str], user: User) -> list[Column]:
    """The wanted columns in their order, else the usual ones of this list; always the name first."""
    known = {column.id: column for column in allowed(user)}
    ids = [name for name in wanted if name in known]
    if not ids:
        ids = [name for name in ("phone", *_ABOUT.get(listed.kind, ("value",)), *_USUAL) if name in known]
        ids = [name for name in ids if name != listed.kind]  # a list of the lost need not say so in each row
    return [known[name] for name in dict.fromkeys(("name", *ids))]


def rows_of(
    customers: list[Customer], columns: Sequence[Column], user: User, titles: dict[str, str]
) -> list[tuple[Any, ...]]:
    """The values of each customer; contacts are hidden from those who may not see them."""
    wanted = {column.id for column in columns}
    contacts = main_contacts(customers) if wanted & {"phone", "email", "card"} else {}
    if not user.may(Right.SEE_CONTACTS):
        contacts = {(pk, kind): masked(kind, value) for (pk, kind), value in contacts.items()}
    extra = Extra(contacts, tags_of(customers) if "tags" in wanted else {}, titles)
    return [tuple(column.read(one, extra) for column in columns) for one in customers]


def heading(column: Column) -> str:
    """Its title in the language of the reader."""
    return _(column.title)
