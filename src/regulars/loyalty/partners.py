"""Partners of a coalition: who they are, at which tills and stores they sell, and what was agreed with them."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.foundation.clashes import or_told
from regulars.foundation.models import Business
from regulars.loyalty.arbitrage import refuse_cycle
from regulars.loyalty.models import Contract, ContractUse, Partner, PartnerStore, PartnerTill
from regulars.purchases.models import Store

REVIEW = "review"  # under this name a person cancels what was rung up twice, at whichever till
MOST_PRICE = 10**9
MOST_LIMIT = 10**12
MOST_WAIT = 365
MOST_STORES = 100  # that tills of one partner may bring along; the operator may give it more
MOST_SHOWN = 500  # stores in a list to choose from
LIMITS = ("most_issued_a_day", "most_issued_a_month", "most_redeemed_a_day", "most_redeemed_a_month")
_TEXTS = {"name": 100, "about_ru": 500, "about_en": 500, "addresses": 2000}
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Terms:
    """What is agreed: prices in minor units for 1,000 points, limits in points (None: none)."""

    issue_price: int
    redeem_price: int
    settled_after_days: int = 0
    most_issued_a_day: int | None = None
    most_issued_a_month: int | None = None
    most_redeemed_a_day: int | None = None
    most_redeemed_a_month: int | None = None


@dataclass(frozen=True)
class Room:
    """How many points a partner may still give and take; None: as many as it likes."""

    issue: int | None = None
    redeem: int | None = None


def add_partner(slug: str, name: str, *, by: User | None, address: str | None = None) -> Partner:
    """Somebody who takes part. `slug` is what rules and programs call it for ever."""
    if not _SLUG.fullmatch(slug):
        raise InputError(
            _("{value!r} is no short name: use up to 40 small Latin letters, digits and hyphens.").format(
                value=slug[:60]
            )
        )
    texts = _checked({"name": name})
    with or_told(_("There is a partner {slug!r} already.").format(slug=slug)):
        made = Partner.objects.create(slug=slug, **texts)
    log("partner_added", user=by, about=made.name, address=address)
    return made


def edit_partner(partner: Partner, texts: Mapping[str, str], *, is_listed: bool, by: User | None) -> None:
    """What everybody reads of it."""
    Partner.objects.filter(pk=partner.pk).update(**_checked(texts), is_listed=is_listed)
    log("partner_changed", user=by, about=partner.name)


def _checked(texts: Mapping[str, str]) -> dict[str, str]:
    found = {name: texts[name].replace("\0", "").replace("\r\n", "\n").strip() for name in _TEXTS if name in texts}
    for name, text in found.items():
        if len(text) > _TEXTS[name] or (name == "name" and not text):
            raise InputError(_("Write 1 to {most} characters, not {count}.").format(most=_TEXTS[name], count=len(text)))
    return found


@transaction.atomic
def agree(
    partner: Partner, terms: Terms, *, begins_on: dt.date, by: User | None, address: str | None = None
) -> Contract:
    """A contract from this day on, in the currency of the business. It is never changed, only followed by another."""
    now, business = timezone.now(), Business.current()
    _check_terms(terms)
    refuse_cycle(terms.issue_price, terms.redeem_price)
    held = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    today = now.astimezone(business.zone).date()
    if begins_on < today or (begins_on == today and held.contracts.filter(begins_on__lt=today).exists()):
        raise InputError(
            _("A contract cannot begin on {day}: points of that day are settled by another one. Choose a later day.")
            .format(day=format_date(begins_on))
        )  # fmt: skip
    if held.contracts.filter(begins_on=begins_on).exists():
        raise InputError(_("Another contract begins on {day} already.").format(day=format_date(begins_on)))
    if (other := Contract.objects.exclude(currency=business.currency).first()) is not None:
        raise InputError(
            _("Contracts are in {theirs}, the business counts in {ours} now: they cannot be settled together.").format(
                theirs=other.currency, ours=business.currency
            )
        )
    made = Contract.objects.create(
        partner=held, begins_on=begins_on, agreed_at=now, currency=business.currency, **vars(terms)
    )
    log("contract_agreed", user=by, about=f"{held.name}, {begins_on.isoformat()}", address=address)
    return made


def _check_terms(terms: Terms) -> None:
    for value, most in (
        (terms.issue_price, MOST_PRICE), (terms.redeem_price, MOST_PRICE), (terms.settled_after_days, MOST_WAIT),
        *((getattr(terms, name), MOST_LIMIT) for name in LIMITS),
    ):  # fmt: skip
        if value is not None and not 0 <= value <= most:
            raise InputError(_("{value} is not between 0 and {most}.").format(value=value, most=most))


def contracts_from(day: dt.date) -> list[Contract]:
    """Those in force on this day or later, with their partners, in the order of partners and days."""
    found: list[Contract] = []
    for one in Contract.objects.select_related("partner").order_by("partner", "begins_on"):
        if found and found[-1].partner_id == one.partner_id and one.begins_on <= day:
            found.pop()
        found.append(one)
    return found


def bind_till(partner: Partner, till: str) -> None:
    """From its first receipt on the till is this partner's."""
    PartnerTill.objects.create(partner=partner, till=till)


def partner_at(till: str) -> Partner | None:
    """Whose till it is; None: the operator's own."""
    bound = PartnerTill.objects.filter(till=till).select_related("partner").first()
    return None if bound is None else bound.partner


def partners_of_tills() -> dict[str, str]:
    """Whose the tills of partners are, by name."""
    return dict(PartnerTill.objects.values_list("till", "partner__name"))


def partner_named(slug: str) -> Partner:
    """The partner that is called so."""
    found = Partner.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Partner.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise InputError(_("There is no partner {slug!r}. Known: {known}.").format(slug=slug[:60], known=known or "-"))
    return found


def store_of(name: str, partner: Partner | None, *, make: bool) -> Store:
    """The store of this name, in which only its own tills sell; a till may be the first that sells there.

    Without `make` nothing is written: a new store is only thought of.
    """
    found = Store.objects.select_related("of_partner").filter(name=name).first()
    if found is None and not make:
        return Store(name=name)
    is_new = False
    if found is None:
        found, is_new = Store.objects.get_or_create(name=name)
    if is_new and partner is not None:
        _check_stores(partner)
        PartnerStore.objects.create(store=found, partner=partner)
        return found
    owned = getattr(found, "of_partner", None)
    check_store(name, owned and owned.partner_id, partner)
    return found


def _check_stores(partner: Partner) -> None:
    """A till that numbers its receipts in the wrong field makes a store with each."""
    with connection.cursor() as cursor:
        # not the partner's row: whoever holds it has a member already, and this one does not yet
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"stores\x1f{partner.pk}"])
    if partner.stores.count() >= MOST_STORES:
        raise InputError(
            _("{partner} has {count} stores already: ask the operator of the programme for another one.").format(
                partner=partner.name, count=MOST_STORES
            )
        )


@transaction.atomic
def give_store(name: str, partner: Partner, *, by: User | None, address: str | None = None) -> None:
    """From now on this partner alone sells there, whoever did before; what was sold there stays as it is."""
    found = Store.objects.filter(name=name.strip()).first()
    if found is None:
        raise InputError(_("There is no store {name!r}.").format(name=name[:60]))
    PartnerStore.objects.update_or_create(store=found, defaults={"partner": partner})
    log("store_given", user=by, about=f"{found.name[:90]}, {partner.name[:90]}", address=address)


@transaction.atomic
def take_store(name: str, partner: Partner, *, by: User | None, address: str | None = None) -> None:
    """It is a store of the operator from now on."""
    if not PartnerStore.objects.filter(store__name=name, partner=partner).delete()[0]:
        raise InputError(_("{partner} has no store {name!r}.").format(partner=partner.name, name=name[:60]))
    log("store_taken", user=by, about=f"{name[:90]}, {partner.name[:90]}", address=address)


def own_stores() -> list[str]:
    """Names of the operator's own stores."""
    return _names(Store.objects.filter(of_partner=None))


def stores_of_others(partner: Partner) -> list[str]:
    """Names of the stores that it might be given."""
    return _names(Store.objects.exclude(of_partner__partner=partner))


def _names(stores: QuerySet[Store]) -> list[str]:
    return list(stores.order_by("name").values_list("name", flat=True)[:MOST_SHOWN])


def check_store(name: str, owner: int | None, partner: Partner | None) -> None:
    """A till sells in no store of another partner; None is the operator himself."""
    if owner != (partner and partner.pk):
        raise InputError(_("The store {name!r} is somebody else's: give yours another name.").format(name=name))


def check_same_partner(till: str, sale_till: str) -> None:
    """What was sold at one partner comes back to it: nobody else may turn its receipts."""
    if till in {sale_till, REVIEW}:
        return
    owners = dict(PartnerTill.objects.filter(till__in=(till, sale_till)).values_list("till", "partner"))
    if owners.get(till) != owners.get(sale_till):
        raise InputError(_("The till {till!r} is not one of yours: goods come back where they were sold.").format(
            till=sale_till
        ))  # fmt: skip


def room_of(partner: Partner, *, bought_at: dt.datetime, now: dt.datetime) -> Room:
    """What its contract of today still allows. Raises `InputError` when there was none on the day of the purchase."""
    zone = Business.current().zone
    bought, today = bought_at.astimezone(zone).date(), now.astimezone(zone).date()
    # no date that a till tells chooses limits that are wider
    terms = partner.contracts.filter(begins_on__lte=today).order_by("-begins_on").first()
    if terms is None or not partner.contracts.filter(begins_on__lte=bought).exists():
        raise InputError(
            _("{partner} has no contract for {day}: agree on one first.").format(
                partner=partner.name, day=format_date(bought)
            )
        )
    if all(getattr(terms, name) is None for name in LIMITS):
        return Room()
    used: dict[str, Any] = ContractUse.objects.filter(
        contract__partner=partner, used_on__year=today.year, used_on__month=today.month
    ).aggregate(
        **{f"{what}_a_month": Sum(what) for what in ("issued", "redeemed")},
        **{f"{what}_a_day": Sum(what, filter=Q(used_on=today)) for what in ("issued", "redeemed")},
    )
    left = {
        what: [
            max(0, most - (used[f"{what}_a_{period}"] or 0)) for period in ("day", "month")
            if (most := getattr(terms, f"most_{what}_a_{period}")) is not None
        ] for what in ("issued", "redeemed")
    }  # fmt: skip
    return Room(min(left["issued"], default=None), min(left["redeemed"], default=None))


@dataclass(frozen=True)
class Listed:
    """A partner for everybody."""

    name: str
    about: str
    addresses: tuple[str, ...]


def catalogue(language: str) -> list[Listed]:
    """Partners that are to be shown and have a contract in force, in the reader's language where there are words."""
    today = timezone.now().astimezone(Business.current().zone).date()
    return [
        Listed(one.name, _about(one, language), tuple(line for line in one.addresses.split("\n") if line.strip()))
        for one in _listed(today).distinct().order_by("name", "id")
    ]  # fmt: skip


def has_catalogue(today: dt.date) -> bool:
    """Whether there is anybody in it on this day."""
    return _listed(today).exists()


def _listed(today: dt.date) -> QuerySet[Partner]:
    return Partner.objects.filter(is_listed=True, contracts__begins_on__lte=today)


def _about(partner: Partner, language: str) -> str:
    first, second = partner.about_ru, partner.about_en
    return (first or second) if language == "ru" else (second or first)
