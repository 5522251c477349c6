"""Lists of people: who is behind a number, narrowed by filters, read page by page however long they are."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.customers.models import Contact, Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.models import Business
from regulars.insights.models import Audience, AuditRun, Score, Segment
from regulars.insights.segments.query import customers_of
from regulars.insights.selectors.flows import movers
from regulars.purchases.models import Receipt

PAGE_ROWS = 50
MOST_COUNTED = 10_000
_EVERYBODY = 2**31

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
    if kind in ("segment", "audience"):
        return _of_rule(kind, value, list_id)
    if kind == "flow":
        return _of_flow(value, list_id)
    if kind in _PERIODS:
        return _of_period(kind, value, list_id)
    filters = _filters(kind, value)
    return None if filters is None else PeopleList(list_id, _whole().filter(**filters), _MONEY.get(kind, "amount"))


def _filters(kind: str, value: str) -> dict[str, object] | None:
    """What the scores of such people have in common."""
    if (kind, value) == ("lost", "any"):
        return {"score__missed_amount__gt": 0}
    if kind == "newcomers":
        return {"score__never_returned": True}
    if kind == "finding":
        # with its bound it is found first and put in order after; else the whole base is walked in the order of money
        return {"pk__in": Score.objects.filter(findings__contains=[value]).values("pk")[:_EVERYBODY]}
    if kind not in _SCORES:
        return None
    known = {f"score__{_MONEY[kind]}__isnull": False} if kind in _MONEY else {}
    return {_SCORES[kind]: value, **known}


def _whole() -> CustomerSet:
    found: CustomerSet = Customer.objects.whole()
    return found


def _of_rule(kind: str, value: str, list_id: str) -> PeopleList | None:
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        return None
    if kind == "audience":
        if not Audience.objects.filter(pk=int(value)).exists():
            return None
        return PeopleList(list_id, _whole().filter(audience_members__audience=int(value)), None)
    segment = Segment.objects.filter(pk=int(value)).first()
    return None if segment is None else PeopleList(list_id, customers_of(segment.rule), None)


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


_PERIODS = ("bought", "first", "returned", "stopped")


def _of_period(kind: str, value: str, list_id: str) -> PeopleList | None:
    """`bought` and `first` take two days; `returned` and `stopped` the first day of the period before as a third."""
    try:
        days = [dt.date.fromisoformat(day) for day in value.split(":")]
    except ValueError:
        return None
    if len(days) != (2 if kind in ("bought", "first") else 3):
        return None
    if kind == "first":
        return PeopleList(list_id, _whole().filter(score__first_on__range=days), None)
    now = _bought(days[0], days[1])
    if kind == "bought":
        return PeopleList(list_id, _whole().filter(now), None)
    before = _bought(days[2], days[0] - dt.timedelta(days=1))
    if kind == "stopped":
        return PeopleList(list_id, _whole().filter(before, ~now), None)
    return PeopleList(list_id, _whole().filter(now, ~before, score__first_on__lt=days[2]), None)


def _bought(first: dt.date, last: dt.date) -> Exists:
    """Bought something on these days by the clock of the business."""
    business = Business.objects.first()
    zone = business.zone if business else dt.UTC
    start = dt.datetime.combine(first, dt.time(), zone)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone)
    return Exists(Receipt.objects.filter(customer=OuterRef("pk"), purchased_at__gte=start, purchased_at__lt=end))


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


def main_contacts(customers: list[Customer]) -> dict[tuple[int, str], str]:
    """One phone and one e-mail of each: the main one, else the oldest that works."""
    place = Window(RowNumber(), partition_by=[F("customer_id"), F("kind")], order_by=[F("is_main").desc(), F("pk")])
    rows = (
        Contact.objects.filter(
            customer__in=[one.pk for one in customers], kind__in=(Contact.Kind.PHONE, Contact.Kind.EMAIL), is_valid=True
        )
        .annotate(place=place)
        .filter(place=1)
    )
    return {(customer, kind): value for customer, kind, value in rows.values_list("customer_id", "kind", "value")}


def tags_of(customers: list[Customer]) -> dict[int, list[str]]:
    """Their tags, one query for all."""
    through = Customer.tags.through
    found: dict[int, list[str]] = {}
    rows = through.objects.filter(customer__in=[one.pk for one in customers]).values_list("customer_id", "tag__name")
    for customer, name in rows.order_by("tag__name"):
        found.setdefault(customer, []).append(name)
    return found
