"""Ctrl+K: a customer by any part of name, phone, card, e-mail, or a page."""

from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from regulars.accounts.rights import Right
from regulars.customers.models import Contact, Customer
from regulars.customers.selectors.search import OTHER_LAYOUT, find_customers
from regulars.web.access import Request, for_everybody
from regulars.web.contacts_seen import list_seen
from regulars.web.menu import menu

_PEOPLE = 8


def readings(words: str) -> tuple[str, ...]:
    """What was typed, and what the same keys give in the other layout."""
    typed = words.casefold().strip()
    other = typed.translate(OTHER_LAYOUT)
    return (typed,) if other == typed else (typed, other)


@for_everybody
@require_safe
def page(request: Request) -> HttpResponse:
    """What was found: a piece of a page for the palette, a whole page without scripts."""
    words = request.GET.get("q", "")[:100]
    wanted = readings(words)
    pages = [item for item in menu(request) if words and any(one in item.title.casefold() for one in wanted)]
    context = {
        "words": words,
        "pages": pages,
        "people": _people(request, words),
        "may_see_contacts": request.user.may(Right.SEE_CONTACTS),
    }
    return render(request, "found.html" if request.htmx else "find.html", context)


def _people(request: Request, words: str) -> list[Customer]:
    if not words.strip() or not request.user.may(Right.SEE_CUSTOMERS):
        return []
    found = find_customers(words, request.user, limit=_PEOPLE)
    phones = Contact.objects.filter(kind=Contact.Kind.PHONE).order_by("-is_main", "id")
    prefetch_related_objects(found, Prefetch("contacts", phones, to_attr="phones"))
    list_seen(request, "find", ["phone"], len(found))
    return found
