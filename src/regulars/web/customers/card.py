"""The card of a customer: who he is, what happened, what to do next. A fixed number of queries for any history."""

import datetime as dt
import secrets
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.customers.field_values import shown_value
from regulars.customers.models import Contact, Customer, Field, Form, Relation, Tag
from regulars.customers.models.customer import Kind
from regulars.customers.names import RELATION_NOUNS, source_name
from regulars.customers.next_steps import steps_for
from regulars.customers.selectors.consents import (
    CHANNELS,
    current_purposes,
    is_left_in_peace,
    proof_of,
    standings,
    texts_of,
    today,
)
from regulars.customers.selectors.family import family_of
from regulars.customers.timeline import Entry, read, sources_for
from regulars.foundation.models import Business
from regulars.insights.selectors.today import score_of
from regulars.loyalty.cards import cards_among
from regulars.loyalty.correcting import waiting_of
from regulars.loyalty.first_rewards import first_reward_of
from regulars.loyalty.gifts import offers_for, rewards_of, waiting_gifts
from regulars.loyalty.holders import HolderMonth, statement
from regulars.loyalty.privileges import names_of_privileges, standing_privileges
from regulars.loyalty.programme.words import percent, period_words
from regulars.loyalty.standing import standings_of
from regulars.loyalty.tastes import fitting
from regulars.loyalty.tiers import tier_of
from regulars.loyalty.volume import way_of
from regulars.web.access import Request, needs
from regulars.web.contacts_seen import card_seen
from regulars.web.customers.access import seen_customer, survivor_seen

_ENTRIES = 30
_SAME = 5
_ONE_DEED = dt.timedelta(minutes=1)
_KINDS_OF_CONTACTS = Contact.Kind.choices


@needs(Right.SEE_CUSTOMERS)
@require_safe
def page(request: Request, customer_id: int) -> HttpResponse:
    """The card; the address of somebody who was merged leads to whom he became part of."""
    try:
        customer = seen_customer(request, customer_id)
    except Http404:
        kept = survivor_seen(request, customer_id)
        if kept is None:
            raise
        return redirect("customer", kept)
    return render_card(request, customer)


@needs(Right.SEE_CUSTOMERS)
@require_safe
def timeline(request: Request, customer_id: int) -> HttpResponse:
    """More of what happened: a piece for the card, a whole page without scripts."""
    customer = seen_customer(request, customer_id)
    card_seen(request, customer)
    context = _happened(request, customer, kind=request.GET.get("only", ""), start=request.GET.get("after", ""))
    template = "customers/timeline.html" if request.htmx else "customers/timeline_page.html"
    response = render(request, template, context | {"customer": customer})
    patch_vary_headers(response, ["HX-Request"])
    return response


def render_card(
    request: Request, customer: Customer, *, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    """The whole card, with what went wrong beside its place."""
    card_seen(request, customer)
    day, contacts = today(), list(customer.contacts.order_by("kind", "-is_main", "id"))
    contacts.sort(key=lambda one: list(Contact.Kind).index(Contact.Kind(one.kind)))
    context: dict[str, Any] = {
        "customer": customer,
        "source_name": source_name(customer),
        "errors": errors or {},
        "typed": request.POST if errors else {},
        "contacts": contacts,
        "phones": [one for one in contacts if one.kind == Contact.Kind.PHONE],
        "contact_kinds": _KINDS_OF_CONTACTS,
        "is_left_in_peace": is_left_in_peace(customer, day),
        "tags": list(customer.tags.order_by("name")),
        "all_tags": list(Tag.objects.order_by("name").values_list("name", flat=True)[:500]),
        "relations": _relations(request, customer),
        "relation_kinds": Relation.Kind.choices,
        "relation_nouns": RELATION_NOUNS,
        **_consents(customer),
        "channels": CHANNELS,
        "own_fields": _own_fields(customer),
        "forms": list(Form.objects.filter(is_archived=False).order_by("title")[:50]),
        "users": list(User.objects.filter(is_active=True).order_by("name")[:500]),
        "same": _same_contacts(request, customer, contacts),
        "said": score_of(customer) if request.user.may(Right.SEE_PURCHASES) else None,
        "cards": cards_among(contacts),
        "holders": _holders(request, customer),
        "is_company": customer.kind == Kind.COMPANY,
        **_membership(request, customer),
        **_gifts(request, customer),
        "steps": steps_for(customer, request.user, day),
        "may": {right.name.lower(): request.user.may(right) for right in Right},
        **_happened(request, customer),
    }
    return render(request, "customers/card.html", context, status=status)


def _holders(request: Request, customer: Customer) -> list[HolderMonth]:
    bought = customer.kind == Kind.COMPANY and request.user.may(Right.SEE_PURCHASES)
    return statement(customer, at=timezone.now()) if bought else []


def _membership(request: Request, customer: Customer) -> dict[str, Any]:
    bought = request.user.may(Right.SEE_PURCHASES)
    return {
        "standings": standings_of(customer.pk) if bought else [],
        "tier": tier_of(customer.pk) if bought else None,
        "volume": way_of(customer, at=timezone.now()) if bought else [],
        "share": percent,
        "period_words": period_words,
        "waiting_points": waiting_of(customer.pk) if bought else [],
        # of one form: sent twice it is one correction
        "points_key": request.POST.get("key") or secrets.token_urlsafe(16),
        "privileges": standing_privileges(customer),
        "privilege_names": names_of_privileges(),
        "day_now": today(),
    }


def _gifts(request: Request, customer: Customer) -> dict[str, Any]:
    """What he took and can take. Why a gift suits him tells of purchases, so it is for who may see them."""
    bought = request.user.may(Right.SEE_PURCHASES)
    if not bought and not request.user.may(Right.RECORD_PURCHASES):
        return {"rewards": [], "waiting_gifts": [], "offers": [], "fits": [], "first_reward": None}
    offers = offers_for(customer)
    fits = fitting(customer, offers) if bought else []
    suiting = {one.offer.gift.pk for one in fits}
    return {
        "rewards": rewards_of(customer),
        "waiting_gifts": waiting_gifts(customer),
        "fits": fits,
        "first_reward": first_reward_of(customer, offers) if bought else None,
        "offers": [one for one in offers if one.can_take and one.gift.pk not in suiting],
        "wish_number": secrets.token_hex(8),
    }


def _consents(customer: Customer) -> dict[str, Any]:
    held = standings(list(customer.consents.select_related("recorded_by")), current_purposes())
    statements = {said.pk: said for one in held for said in one.by_channel.values() if said is not None}
    proofs = {key: proof_of(said) for key, said in statements.items()}
    return {"consents": held, "texts": texts_of(statements.values()), "proofs": proofs}


def _happened(request: Request, customer: Customer, *, kind: str = "", start: str = "") -> dict[str, Any]:
    business = Business.objects.first()
    found = read(family_of(customer.pk), request.user, limit=_ENTRIES, start=start or None, kind=kind or None)
    return {
        "entries": _together(found.entries),
        "further": found.next,
        "sources": sources_for(request.user),
        "only": kind,
        "zone": business.zone if business else None,
        "currency": business.currency if business else "",
    }


def _together(entries: list[Entry]) -> list[list[Entry]]:
    """What one person changed within a minute is one thing that was done."""
    groups: list[list[Entry]] = []
    for one in entries:
        last = groups[-1][-1] if groups else None
        if last and one.kind == last.kind == "change" and _is_one_deed(one, last):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _is_one_deed(one: Entry, later: Entry) -> bool:
    same = (one.title, one.actor_id, one.source) == (later.title, later.actor_id, later.source)
    return same and later.at - one.at < _ONE_DEED


def _relations(request: Request, customer: Customer) -> list[Relation]:
    """Both ways; customers whom this user may not see are left out."""
    found = Relation.objects.filter(Q(customer=customer) | Q(other=customer)).select_related("customer", "other")
    rows = list(found.order_by("kind", "id")[:100])
    others = {one.pk: one.other_id if one.customer_id == customer.pk else one.customer_id for one in rows}
    known = {key for key in others.values() if key is not None}
    seen = set(Customer.objects.whole().seen_by(request.user).filter(pk__in=known).values_list("pk", flat=True))
    shown = {
        (one.kind, others[one.pk], one.name): one for one in rows if others[one.pk] in {None, *seen} - {customer.pk}
    }
    return list(shown.values())


def _own_fields(customer: Customer) -> list[tuple[Field, Any, str]]:
    fields = Field.objects.filter(is_archived=False)
    return [
        (one, customer.own_fields.get(one.slug), shown_value(one, customer.own_fields.get(one.slug))) for one in fields
    ]


def _same_contacts(request: Request, customer: Customer, contacts: list[Contact]) -> list[Customer]:
    """Others with one of his phones or e-mails: perhaps he himself."""
    ways = Q(pk__in=[])
    for one in contacts:
        ways |= Q(kind=one.kind, value=one.value)
    others = Contact.objects.filter(ways).exclude(customer=customer).values("customer")[:50]
    seen = Customer.objects.whole().seen_by(request.user)
    return list(seen.filter(pk__in=[one["customer"] for one in others]).defer("search_text", "search_parts")[:_SAME])
