"""The list of customers: found, filtered, page by page. All that was chosen stands in the address."""

import datetime as dt
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.db.models import Prefetch, Q
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.analytics.lifecycle import STATES
from regulars.analytics.rfm import SEGMENTS
from regulars.core.errors import InputError
from regulars.core.i18n import N_
from regulars.customers.models import Contact, Customer, Tag
from regulars.customers.models.customer import CustomerSet, Kind
from regulars.customers.selectors.consents import left_in_peace, today
from regulars.customers.selectors.owners import owner_choices
from regulars.customers.selectors.search import LONGEST_QUERY, found_ids
from regulars.insights.columns import COLUMNS as AUDIT_COLUMNS
from regulars.insights.columns import Column, rows_of
from regulars.insights.selectors.today import titles
from regulars.report import names
from regulars.web.access import Request, needs
from regulars.web.contacts_seen import list_seen
from regulars.web.taking import currency, take, whole_money

PER_PAGE = 50
_COUNTED = 10_000
_FOUND = 300

COLUMNS = (
    ("phone", N_("Phone")),
    ("email", N_("E-mail")),
    ("card", N_("Card")),
    ("kind", N_("Kind")),
    ("owner", N_("Manager")),
    ("tags", N_("Tags")),
    ("birth_date", N_("Birthday")),
    ("source", N_("Source")),
    ("created_at", N_("Added")),
)
# what the newest audit says of each, for those who may see purchases
FROM_AUDIT = ("state", "value", "rfm", "amount", "amount_year", "visits", "last_on", "next_on", "return_chance",
              "opportunity", "gain", "missed")  # fmt: skip
_USUAL = ("phone", "email", "owner", "tags")
_USUAL_WITH_AUDIT = ("phone", "owner", "tags", "state", "value")
ORDERS = (("newest", N_("Newest first")), ("name", N_("By name")))
# orders by a number of the audit, each along an index of its own
SCORE_ORDERS = {
    "value": ("expected_value_12", N_("Most expected first")),
    "amount": ("amount", N_("Most spent first")),
    "latest": ("last_on", N_("Latest visit first")),
}


@dataclass(frozen=True)
class Chosen:
    """What the address asks for; what makes no sense there is left out."""

    query: str
    kind: str
    owner: str
    tag: str
    peace: str
    state: str
    rfm: str
    order: str
    columns: tuple[str, ...]
    after: str
    usual: tuple[str, ...]

    @classmethod
    def of(cls, given: QueryDict, user: User) -> "Chosen":
        """As the address says, as far as this user may ask it."""
        sees = user.may(Right.SEE_PURCHASES)
        known = [name for name, _title in COLUMNS] + list(FROM_AUDIT if sees else ())
        wanted = set(given.getlist("column")[:50])
        asked = tuple(name for name in known if name in wanted)
        usual = _USUAL_WITH_AUDIT if sees else _USUAL
        orders = ("name", *(SCORE_ORDERS if sees else ()))
        return cls(
            query=given.get("q", "").strip()[:LONGEST_QUERY],
            kind=given.get("kind", "") if given.get("kind") in Kind.values else "",
            owner=given.get("owner", "") if given.get("owner") == "none" or _is_id(given.get("owner")) else "",
            tag=given.get("tag", "") if _is_id(given.get("tag")) else "",
            peace="yes" if given.get("peace") == "yes" else "",
            state=given.get("state", "") if sees and given.get("state") in STATES else "",
            rfm=given.get("rfm", "") if sees and given.get("rfm") in SEGMENTS else "",
            order=given.get("order", "") if given.get("order") in orders else "newest",
            columns=asked or usual,
            after=given.get("after", "")[:400],
            usual=usual,
        )

    @property
    def score(self) -> str:
        """The column of the scores that orders the list; empty when none does."""
        return SCORE_ORDERS[self.order][0] if self.order in SCORE_ORDERS else ""

    @property
    def filters(self) -> dict[str, str]:
        """Those that are given, for the log and for forms."""
        names = ("query", "kind", "owner", "tag", "peace", "state", "rfm")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.query or self.kind or self.owner or self.tag or self.peace or self.state or self.rfm)

    def address(self, **changed: Any) -> str:
        """The same list with something else."""
        parts = {
            "q": self.query, "kind": self.kind, "owner": self.owner, "tag": self.tag, "peace": self.peace,
            "state": self.state, "rfm": self.rfm,
            "order": self.order if self.order != "newest" else "",
            "column": self.columns if self.columns != self.usual else (),
        } | changed  # fmt: skip
        return "?" + urlencode({name: value for name, value in parts.items() if value}, doseq=True)


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request) -> HttpResponse:
    """A page of the list."""
    chosen = Chosen.of(request.GET, request.user)
    found = found_ids(chosen.query, request.user, limit=_FOUND) if chosen.query else None
    some = filtered(Customer.objects.whole().seen_by(request.user), chosen, found)
    sees = request.user.may(Right.SEE_PURCHASES)
    rows = list(_page_of(some, chosen))
    more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE]
    list_seen(request, "customers", chosen.columns, len(rows))
    context = {
        "chosen": chosen,
        "rows": rows,
        "next": chosen.address(after=_place(rows[-1], chosen)) if more else None,
        "total": _count(some) if rows or chosen.after else 0,
        "counted": _COUNTED,
        "is_cut": found is not None and len(found) >= _FOUND,
        "columns": (*COLUMNS, *((name, AUDIT_COLUMNS[name].title) for name in FROM_AUDIT if sees)),
        "said_columns": FROM_AUDIT,
        "sorted_by": {"value": "value", "amount": "amount", "last_on": "latest"},
        "said": _said(rows, chosen, request.user),
        "money_of": partial(whole_money, code=currency()),
        "kinds": Kind.choices,
        "orders": (*ORDERS, *((name, title) for name, (_column, title) in SCORE_ORDERS.items() if sees)),
        "states": [(one, names.state(one)) for one in STATES] if sees else [],
        "segments": [(one, names.segment(one)) for one in SEGMENTS] if sees else [],
        "may_export": request.user.may(Right.EXPORT_CUSTOMERS),
        "tags": list(Tag.objects.order_by("name")[:500]),
        "owners": owner_choices(500),
        "is_empty": not (rows or chosen.is_filtered or chosen.after or chosen.score),
        "may_see_contacts": request.user.may(Right.SEE_CONTACTS),
    }
    is_piece = request.htmx and not request.htmx.history_restore_request
    response = render(request, "customers/rows.html" if is_piece else "customers/list.html", context)
    if is_piece:
        # one step back leads over a choice, not over each letter
        way = "HX-Replace-Url" if request.htmx.trigger_name == "q" else "HX-Push-Url"
        response.headers[way] = chosen.address()
    # going back must not show the piece that was cached under the same address
    patch_vary_headers(response, ["HX-Request"])
    return response


@needs(Right.EXPORT_CUSTOMERS)
@require_POST
def export(request: Request) -> HttpResponseBase:
    """The list as it was chosen, as a file; with a search, those whom it found."""
    chosen = Chosen.of(request.POST, request.user)
    found = found_ids(chosen.query, request.user, limit=_FOUND) if chosen.query else None
    some = filtered(Customer.objects.whole().seen_by(request.user), chosen, found)
    columns = [AUDIT_COLUMNS[name] for name in ("name", *chosen.columns) if name in AUDIT_COLUMNS]
    money = chosen.score if chosen.score in ("amount", "expected_value_12") else None
    try:
        return take(request, some, money, columns, about="customers", filters=chosen.filters)
    except InputError as problem:
        content = {"error": str(problem), "back": reverse("customers") + chosen.address()}
        return render(request, "people_refused.html", content, status=422)


def _said(rows: list[Customer], chosen: Chosen, user: User) -> dict[int, list[tuple[Column, Any]]]:
    """What the audit says of each: the chosen columns with their values."""
    columns = [AUDIT_COLUMNS[name] for name in chosen.columns if name in FROM_AUDIT]
    if not columns:
        return {}
    values = rows_of(rows, columns, user, titles())
    return {one.pk: list(zip(columns, own, strict=True)) for one, own in zip(rows, values, strict=True)}


def filtered(some: CustomerSet, chosen: Chosen, found: list[int] | None) -> CustomerSet:
    """Narrowed to what was chosen, and to whom the search has found."""
    if found is not None:
        some = some.filter(pk__in=found)
    if chosen.kind:
        some = some.filter(kind=chosen.kind)
    if chosen.owner:
        some = some.filter(owner=None if chosen.owner == "none" else int(chosen.owner))
    if chosen.tag:
        some = some.filter(tags=int(chosen.tag))
    if chosen.peace:
        some = some.filter(left_in_peace(today()))
    if chosen.state:
        some = some.filter(score__state=chosen.state)
    if chosen.rfm:
        some = some.filter(score__rfm_segment=chosen.rfm)
    if chosen.score:
        # who never bought has no place in such an order
        some = some.filter(**{f"score__{chosen.score}__isnull": False})
    return some


def _page_of(some: CustomerSet, chosen: Chosen) -> CustomerSet:
    """From the place where the last page ended: no page is slower than the first."""
    word, _bar, number = chosen.after.rpartition("~")
    if chosen.score:
        some = _by_score(some, chosen.score, word, number)
    else:
        some = some.order_by("name", "id") if chosen.order == "name" else some.order_by("-id")
    if _is_id(number) and not chosen.score:
        place = Q(name__gt=word) | Q(name=word, id__gt=int(number))
        some = some.filter(place, name__gte=word) if chosen.order == "name" else some.filter(id__lt=int(number))
    contacts = Contact.objects.order_by("-is_main", "id")
    return (
        some.select_related("owner", "score")
        .defer("search_text", "search_parts", "own_fields")
        .prefetch_related(Prefetch("contacts", contacts), "tags")[: PER_PAGE + 1]
    )


def _place(last: Customer, chosen: Chosen) -> str:
    if chosen.score:
        return f"{getattr(last.score, chosen.score)}~{last.pk}"
    return f"{last.name[:300]}~{last.pk}" if chosen.order == "name" else f"~{last.pk}"


def _by_score(some: CustomerSet, column: str, word: str, number: str) -> CustomerSet:
    """In the order of a number of the audit, from the place where the last page ended."""
    path = f"score__{column}"
    some = some.order_by(f"-{path}", "-score__customer_id")
    try:
        value = dt.date.fromisoformat(word) if column == "last_on" else int(word)
    except ValueError:
        return some
    if not _is_id(number) or (isinstance(value, int) and abs(value) >= 2**63):
        return some
    # the first condition is what the index can be entered at
    place = Q(**{f"{path}__lt": value}) | Q(score__customer_id__lt=int(number))
    return some.filter(place, **{f"{path}__lte": value})


def _count(some: CustomerSet) -> int:
    """How many, as far as it is worth counting."""
    return some.order_by()[: _COUNTED + 1].count()


def _is_id(text: str | None) -> bool:
    return bool(text) and text is not None and text.isascii() and text.isdigit() and len(text) < 19
