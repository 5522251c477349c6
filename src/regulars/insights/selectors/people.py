"""Lists of people: who is behind a number, narrowed by filters, read page by page however long they are."""

import datetime as dt
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from regulars.accounts.models import User
from regulars.analytics.pyramid import SEEN_IN_PURCHASES
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.customers.models import Contact, Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business
from regulars.insights.merged import survivors_of
from regulars.insights.models import Audience, AuditRun, Member, Score, Segment
from regulars.insights.segments.query import customers_of
from regulars.insights.selectors.flows import movers
from regulars.insights.selectors.visits import bought_between

PAGE_ROWS = 50
MOST_COUNTED = 10_000
_EVERYBODY = 2**31
_STAGES = SEEN_IN_PURCHASES  # from the bottom of the pyramid to the top

_SCORES = {
    "state": "score__state",
    "lost": "score__lost_kind",
    "rfm": "score__rfm_segment",
    "abc": "score__abc",
    "pyramid": "score__loyalty_stage",
    "opportunity": "score__opportunity",
}
_MONEY = {"lost": "missed_amount", "opportunity": "opportunity_amount"}


@dataclass(frozen=True)
class PeopleList:
    """One list of people by its id: `state:lost`, `finding:…`, `segment:7`, `bought:2026-01-01:2026-01-31`.

    `money` is the column of the scores that ranks it; without one the newest customers come first.
    """

    id: str
    people: CustomerSet = field(repr=False)
    money: str | None
    rule: dict[str, Any] | None = None  # by which they were chosen, where they were

    @property
    def kind(self) -> str:
        """What it is a list by."""
        return self.id.partition(":")[0]

    @property
    def value(self) -> str:
        """Which of them."""
        return self.id.partition(":")[2]


@dataclass(frozen=True)
class Filters:
    """What narrows a list; each is as in the address of the page, empty for none."""

    state: str = ""
    rfm: str = ""
    abc: str = ""
    owner: str = ""
    tag: str = ""
    spent: str = ""  # at least, in units of the currency

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filters":
        """Those of an address; what is longer than any value is cut."""
        return cls(**{name: given.get(name, "").strip()[:60] for name in cls.__dataclass_fields__})

    def of_base(self) -> "Filters":
        """Without those that tell of purchases."""
        return Filters(owner=self.owner, tag=self.tag)

    @property
    def given(self) -> dict[str, str]:
        """Those that are not empty."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if getattr(self, name)}


def people_list(list_id: str) -> PeopleList | None:
    """The list with this id; None when there can be no such list."""
    kind, _colon, value = list_id.partition(":")
    if list_id == "all":
        return PeopleList(list_id, _whole().filter(score__isnull=False), "amount")
    if not value:
        return None
    made = {"segment": _of_rule, "audience": _of_rule, "flow": _of_flow, "cohort": _of_cohort}
    make = made.get(kind) or (_of_period if kind in _PERIODS else None)
    if make is not None:
        return make(value, list_id)
    filters = _filters(kind, value)
    return None if filters is None else PeopleList(list_id, _whole().filter(**filters), _MONEY.get(kind, "amount"))


def _filters(kind: str, value: str) -> dict[str, object] | None:
    """What the scores of such people have in common; None when there is no such list."""
    special: dict[str, Callable[[], dict[str, object] | None]] = {
        "newcomers": lambda: _never_returned(value),
        "finding": lambda: _marked("findings", value),
        "group": lambda: _of_group(value),
        "stage": lambda: {"score__loyalty_stage__in": _STAGES[_STAGES.index(value) :]} if value in _STAGES else None,
        "paced": lambda: {"score__rfm_segment": value, "score__visit_period_days__isnull": False},
    }
    if kind in special:
        return special[kind]()
    if (kind, value) == ("lost", "any"):
        return {"score__missed_amount__gt": 0}
    if kind not in _SCORES:
        return None
    known = {f"score__{_MONEY[kind]}__isnull": False} if kind in _MONEY else {}
    return {_SCORES[kind]: value, **known}


def _never_returned(value: str) -> dict[str, object] | None:
    """All of them, or those of a month."""
    month = "" if value == "never_returned" else value
    if month and _month_of(month) is None:
        return None
    return {"score__never_returned": True} | _first_in(month)


def _of_group(value: str) -> dict[str, object]:
    group, _colon, month = value.rpartition(":")
    day = _month_of(month)
    return _marked("groups", value) if day is None else _marked("groups", group, first_on__range=(day, _last_of(day)))


def _marked(column: str, value: str, **more: object) -> dict[str, object]:
    # with its bound it is found first and put in order after; else the whole base is walked in the order of money
    return {"pk__in": Score.objects.filter(**{f"{column}__contains": [value]}, **more).values("pk")[:_EVERYBODY]}


def _first_in(month: str) -> dict[str, object]:
    """First seen in this month, written 2026-02; nothing is asked when it is empty."""
    day = _month_of(month)
    return {} if day is None else {"score__first_on__range": (day, _last_of(day))}


def _month_of(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None


def _last_of(day: dt.date) -> dt.date:
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def _whole() -> CustomerSet:
    found: CustomerSet = Customer.objects.whole()
    return found


def _of_rule(value: str, list_id: str) -> PeopleList | None:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        return None
    if list_id.startswith("audience:"):
        audience = Audience.objects.filter(pk=int(value)).first()
        return None if audience is None else PeopleList(list_id, _members(int(value)), None, audience.rule)
    segment = Segment.objects.filter(pk=int(value)).first()
    return None if segment is None else PeopleList(list_id, customers_of(segment.rule), None, segment.rule)


def _members(audience: int) -> CustomerSet:
    """Those who were frozen; for somebody who was merged since, the one who is left."""
    members = Member.objects.filter(audience=audience)
    if not members.filter(customer__merged_into__isnull=False).exists():
        return _whole().filter(audience_members__audience=audience)
    return _whole().filter(Q(pk__in=members.values("customer")) | Q(pk__in=survivors_of(members.values("customer"))))


def _of_flow(value: str, list_id: str) -> PeopleList | None:
    """Two audits by their numbers, the state in the first and the state in the second."""
    parts = value.split(":")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts[:2]):
        return None
    runs = {run.pk: run for run in AuditRun.objects.filter(pk__in=parts[:2], state=AuditRun.State.DONE)}
    older, newer = (runs.get(int(part)) for part in parts[:2])
    if older is None or newer is None:
        return None
    return PeopleList(list_id, _whole().filter(pk__in=movers(older, newer, parts[2], parts[3])), None)


def _of_cohort(value: str, list_id: str) -> PeopleList | None:
    """The month of the first visit, and the number of the month after it in which they bought."""
    month, _colon, number = value.partition(":")
    day = _month_of(month)
    if day is None or not 1900 <= day.year <= 2200 or not (number.isascii() and number.isdigit() and len(number) < 4):
        return None
    months = day.year * 12 + day.month - 1 + int(number)
    then = dt.date(months // 12, months % 12 + 1, 1)
    people = _whole().filter(bought_between(then, _last_of(then)), **_first_in(month))
    return PeopleList(list_id, people, "amount")


_PERIODS = ("bought", "first", "returned", "stopped")


def _of_period(value: str, list_id: str) -> PeopleList | None:
    """`bought` and `first` take two days; `returned` and `stopped` the first day of the period before as a third."""
    kind = list_id.partition(":")[0]
    try:
        days = [dt.date.fromisoformat(day) for day in value.split(":")]
    except ValueError:
        return None
    if len(days) != (2 if kind in ("bought", "first") else 3) or not all(1900 <= day.year <= 2200 for day in days):
        return None
    if kind == "first":
        return PeopleList(list_id, _whole().filter(score__first_on__range=days), None)
    now = bought_between(days[0], days[1])
    if kind == "bought":
        return PeopleList(list_id, _whole().filter(now), None)
    before = bought_between(days[2], days[0] - dt.timedelta(days=1))
    if kind == "stopped":
        return PeopleList(list_id, _whole().filter(before, ~now), None)
    return PeopleList(list_id, _whole().filter(now, ~before, score__first_on__lt=days[2]), None)


def narrowed(people: CustomerSet, filters: Filters, user: User) -> CustomerSet:
    """Those of the list whom this user may see and the filters let through; `InputError` names a wrong filter."""
    found = people.seen_by(user)
    exact = {"score__state": filters.state, "score__rfm_segment": filters.rfm, "score__abc": filters.abc}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if filters.owner == "nobody":
        found = found.filter(owner=None)
    elif filters.owner:
        found = found.filter(owner=_number(filters.owner))
    if filters.tag:
        found = found.filter(tags__name=filters.tag)
    if filters.spent:
        found = found.filter(score__amount__gte=_number(filters.spent) * 10 ** minor_digits(_currency()))
    return found


def _currency() -> str:
    business = Business.objects.first()
    return business.currency if business else "USD"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise InputError(_("{value!r} is not a whole number.").format(value=text))
    return int(text)


@dataclass(frozen=True)
class PeoplePage:
    """One page of a list; `after` opens the next one, empty at the end."""

    customers: list[Customer]
    after: str


def page_of(people: CustomerSet, money: str | None, *, after: str = "", rows: int = PAGE_ROWS) -> PeoplePage:
    """The next `rows` people, most money first, then the newest; `InputError` when `after` is not one of ours."""
    ordered = people
    if money is None:
        ordered = ordered.order_by("-pk")
        ordered = ordered.filter(pk__lt=_place(after, 1)[0]) if after else ordered
    else:
        ordered = ordered.order_by(f"-score__{money}", "-score__customer_id")
        if after:
            amount, key = _place(after, 2)
            # the first condition is what the index can be entered at
            ordered = ordered.filter(
                Q(**{f"score__{money}__lte": amount}),
                Q(**{f"score__{money}__lt": amount}) | Q(score__customer_id__lt=key),
            )
    # first who: whole rows of all that fit would be carried through the sorting
    keys = list(ordered.values_list("pk", flat=True)[: rows + 1])
    whole = Customer.objects.select_related("score", "owner").defer("search_text", "search_parts").in_bulk(keys[:rows])
    more, found = len(keys) > rows, [whole[key] for key in keys[:rows] if key in whole]
    return PeoplePage(found, _mark(found[-1], money) if more else "")


def _mark(last: Customer, money: str | None) -> str:
    return str(last.pk) if money is None else f"{getattr(last.score, money)}:{last.pk}"


def _place(text: str, parts: int) -> list[int]:
    words = text.split(":")
    if len(words) != parts or not all(word.lstrip("-").isdigit() and len(word) <= 19 for word in words):
        raise InputError(_("This address of a page is not complete. Open the list from its beginning."))
    return [int(word) for word in words]


def count_of(people: CustomerSet, *, most: int = MOST_COUNTED) -> tuple[int, bool]:
    """How many, counted up to `most`, and whether there are more."""
    found = people.order_by()[: most + 1].count()
    return min(found, most), found > most


def all_of(people: CustomerSet, money: str | None, *, at_once: int = 1000) -> Iterator[list[Customer]]:
    """The whole list in pieces; memory does not grow with it."""
    page = page_of(people, money, rows=at_once)
    while page.customers:
        yield page.customers
        if not page.after:
            return
        page = page_of(people, money, after=page.after, rows=at_once)


_ONCE = """
WITH found (id) AS MATERIALIZED ({sql})
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found WHERE id < %s ORDER BY id DESC LIMIT %s)
"""


def page_at_once(people: CustomerSet, *, after: str = "", rows: int = PAGE_ROWS) -> tuple[PeoplePage, int]:
    """As `page_of` without money, and how many there are, by one look at people who are slow to be found."""
    below = _place(after, 1)[0] if after else 2**63 - 1
    sql, values = people.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_ONCE.format(sql=sql), [*values, below, rows + 1])
        count, keys = cursor.fetchone()
    found = _by_keys(keys[:rows])
    return PeoplePage(found, str(keys[rows - 1]) if len(keys) > rows else ""), count


def keys_at_once(people: CustomerSet) -> "array[int]":
    """The numbers of all of them, the newest first: eight bytes for each, and found once for a whole file."""
    return array("q", people.order_by("-pk").values_list("pk", flat=True).iterator(chunk_size=10_000))


def all_with(keys: Sequence[int], *, at_once: int = 1000) -> Iterator[list[Customer]]:
    """These customers in pieces; who was erased since is left out."""
    for start in range(0, len(keys), at_once):
        yield [one for one in _by_keys(keys[start : start + at_once]) if not one.is_erased]


def _by_keys(keys: Sequence[int]) -> list[Customer]:
    whole = Customer.objects.select_related("score", "owner").defer("search_text", "search_parts").in_bulk(list(keys))
    return [whole[key] for key in keys if key in whole]


def main_contacts(customers: list[Customer]) -> dict[tuple[int, str], str]:
    """One phone, one e-mail and one card of each: the main one, else the oldest that works."""
    place = Window(RowNumber(), partition_by=[F("customer_id"), F("kind")], order_by=[F("is_main").desc(), F("pk")])
    rows = (
        Contact.objects.filter(customer__in=[one.pk for one in customers], kind__in=_SHOWN_CONTACTS, is_valid=True)
        .annotate(place=place)
        .filter(place=1)
    )
    return {(customer, kind): value for customer, kind, value in rows.values_list("customer_id", "kind", "value")}


_SHOWN_CONTACTS = (Contact.Kind.PHONE, Contact.Kind.EMAIL, Contact.Kind.CARD)


def tags_of(customers: list[Customer]) -> dict[int, list[str]]:
    """Their tags, one query for all."""
    through = Customer.tags.through
    found: dict[int, list[str]] = {}
    rows = through.objects.filter(customer__in=[one.pk for one in customers]).values_list("customer_id", "tag__name")
    for customer, name in rows.order_by("tag__name"):
        found.setdefault(customer, []).append(name)
    return found
