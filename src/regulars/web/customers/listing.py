"""The list of customers: found, filtered, page by page. All that was chosen stands in the address."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Prefetch, Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_
from regulars.customers.models import Contact, Customer, Tag
from regulars.customers.models.customer import CustomerSet, Kind
from regulars.customers.selectors.search import LONGEST_QUERY, found_ids
from regulars.web.access import Request, needs

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
_USUAL = ("phone", "email", "owner", "tags")
ORDERS = (("newest", N_("Newest first")), ("name", N_("By name")))


@dataclass(frozen=True)
class Chosen:
    """What the address asks for; what makes no sense there is left out."""

    query: str
    kind: str
    owner: str
    tag: str
    peace: str
    order: str
    columns: tuple[str, ...]
    after: str

    @classmethod
    def of(cls, given: QueryDict) -> "Chosen":
        """As the address says."""
        known = [name for name, _title in COLUMNS]
        asked = tuple(name for name in known if name in given.getlist("column"))
        return cls(
            query=given.get("q", "").strip()[:LONGEST_QUERY],
            kind=given.get("kind", "") if given.get("kind") in Kind.values else "",
            owner=given.get("owner", "") if given.get("owner") == "none" or _is_id(given.get("owner")) else "",
            tag=given.get("tag", "") if _is_id(given.get("tag")) else "",
            peace="yes" if given.get("peace") == "yes" else "",
            order="name" if given.get("order") == "name" else "newest",
            columns=asked or _USUAL,
            after=given.get("after", "")[:400],
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.query or self.kind or self.owner or self.tag or self.peace)

    def address(self, **changed: Any) -> str:
        """The same list with something else."""
        parts = {
            "q": self.query, "kind": self.kind, "owner": self.owner, "tag": self.tag, "peace": self.peace,
            "order": self.order if self.order != "newest" else "",
            "column": self.columns if self.columns != _USUAL else (),
        } | changed  # fmt: skip
        return "?" + urlencode({name: value for name, value in parts.items() if value}, doseq=True)


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request) -> HttpResponse:
    """A page of the list."""
    chosen = Chosen.of(request.GET)
    found = found_ids(chosen.query, request.user, limit=_FOUND) if chosen.query else None
    some = filtered(Customer.objects.whole().seen_by(request.user), chosen, found)
    rows = list(_page_of(some, chosen))
    more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE]
    context = {
        "chosen": chosen,
        "rows": rows,
        "next": chosen.address(after=_place(rows[-1], chosen)) if more else None,
        "total": _count(some) if rows or chosen.after else 0,
        "counted": _COUNTED,
        "is_cut": found is not None and len(found) >= _FOUND,
        "columns": COLUMNS,
        "kinds": Kind.choices,
        "orders": ORDERS,
        "tags": list(Tag.objects.order_by("name")[:500]),
        "users": list(User.objects.filter(is_active=True).order_by("name")[:500]),
        "is_empty": not rows and not chosen.is_filtered and not chosen.after,
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
        some = some.filter(is_quiet=True)
    return some


def _page_of(some: CustomerSet, chosen: Chosen) -> CustomerSet:
    """From the place where the last page ended: no page is slower than the first."""
    some = some.order_by("name", "id") if chosen.order == "name" else some.order_by("-id")
    word, _bar, number = chosen.after.rpartition("~")
    if _is_id(number):
        place = Q(name__gt=word) | Q(name=word, id__gt=int(number))
        some = some.filter(place, name__gte=word) if chosen.order == "name" else some.filter(id__lt=int(number))
    contacts = Contact.objects.order_by("-is_main", "id")
    return (
        some.select_related("owner")
        .defer("search_text", "search_parts", "own_fields")
        .prefetch_related(Prefetch("contacts", contacts), "tags")[: PER_PAGE + 1]
    )


def _place(last: Customer, chosen: Chosen) -> str:
    return f"{last.name[:300]}~{last.pk}" if chosen.order == "name" else f"~{last.pk}"


def _count(some: CustomerSet) -> int:
    """How many, as far as it is worth counting."""
    return some.order_by()[: _COUNTED + 1].count()


def _is_id(text: str | None) -> bool:
    return bool(text) and text is not None and text.isascii() and text.isdigit() and len(text) < 19
