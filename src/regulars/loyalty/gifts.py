"""Gifts for points: the catalogue, and a member who takes one, has it handed out, or lets it go again.

Points and the piece move in one transaction: the stock falls and the ledger writes what was spent, or nothing happens.
"""

import datetime as dt
import zoneinfo
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, Q, QuerySet, When
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_moment, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import members, till_codes
from regulars.loyalty.codes import drawn
from regulars.loyalty.holders import check_company, holder_of
from regulars.loyalty.ledger import Document, Kind, give_back, spend, write_one
from regulars.loyalty.members import Shown
from regulars.loyalty.models import Gift, Reward, Sale
from regulars.loyalty.partners import partner_at, store_of
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.telling import NotNow, OtherTold, digest_of, hold_number
from regulars.loyalty.tiers import tier_at
from regulars.loyalty.watching import Beyond, Deed, check_limits, note_refusal
from regulars.purchases.models import Product, Store

_LONGEST_NAME = 200
_MOST_STOCK = 10**9
_MOST_MONEY = 10**13
_MOST_EACH = 10**6
_LATEST = dt.timedelta(days=3_660)
# a till and a page go through all gifts that are not over while somebody waits
MOST_LIVING = 1_000
# what is set aside is missing to others: nobody empties the shelf from home, nor fills the ledger by pressing
MOST_SET_ASIDE = 3
MOST_SET_ASIDE_A_DAY = 10
NOBODY_CAME = "job:gifts"  # who cancels what was set aside and not fetched


class NoGift(InputError):
    """There is no such gift."""


class TooManySetAside(NotNow):
    """He has set aside as many gifts as he may."""


@dataclass(frozen=True)
class GiftData:
    """What the catalogue says of a gift, but for the stock; `cost` is of one piece, in minor units."""

    name: str
    points: int
    cost: int
    product: str = ""
    begins_on: dt.date | None = None
    ends_on: dt.date | None = None
    most_each: int | None = None
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """Which gift somebody wants, and for how many points it was shown to him.

    `till` and `number` name the request: the same one again takes nothing more. `shown` is how he was recognised,
    `cashier` is who serves there, `store` where it is: without it, where the till sold last. With `until` he sets it
    aside himself, to fetch it by then.
    """

    till: str
    number: str
    gift: int
    points: int
    shown: str = ""
    cashier: str = ""
    store: str = ""
    is_handed_out: bool = False
    until: dt.datetime | None = None

    @property
    def who(self) -> str:
        """Who did it, as it is written down: a user is known by his number."""
        return self.till if self.till.startswith("user:") else f"{self.till} {self.cashier}".strip()

    @property
    def digest(self) -> bytes:
        """By which a repetition is known: the moment until which it waits is no part of what he wants."""
        return digest_of(replace(self, until=None))


@dataclass(frozen=True)
class Offer:
    """A gift as it stands for one member: how many points he lacks, and what else is in the way (empty: nothing)."""

    gift: Gift
    missing: int
    obstacle: str = ""

    @property
    def can_take(self) -> bool:
        """Whether he could have it at this moment."""
        return not self.missing and not self.obstacle

    @property
    def why_not(self) -> str:
        """In words; empty when he can have it."""
        return self.obstacle or (points_missing(self.missing) if self.missing else "")


def points_missing(points: int) -> str:
    """How many more he needs, in words."""
    return ngettext("{n} point missing", "{n} points missing", points).format(n=format_number(points))


@transaction.atomic
def add_gift(data: GiftData, *, stock: int, by: User | None, address: str | None = None) -> Gift:
    """A new gift with so many pieces. Raises `InputError`."""
    _check(data)
    _check_stock(stock)
    _check_room(data)
    made = Gift.objects.create(**_columns(data), stock=stock)
    log("gift_saved", user=by, about=made.name, details={"gift": {"stock": [0, stock]}}, address=address)
    return made


@transaction.atomic
def change_gift(gift: Gift, data: GiftData, *, more: int = 0, by: User | None, address: str | None = None) -> Gift:
    """Say something else of it, and put so many pieces to the stock, or take them away. What was taken stays as it was.

    The stock is told as a difference: a piece that is taken while a form is open must not come back by the form.
    """
    _check(data)
    held = Gift.objects.select_for_update().get(pk=gift.pk)
    _check_stock(held.stock + more)
    if held.ends_on is not None and held.ends_on < _today():
        _check_room(data)
    before = {name: getattr(held, name) for name in ("points", "cost", "stock")}
    for name, value in (_columns(data) | {"stock": held.stock + more}).items():
        setattr(held, name, value)
    held.save()
    moved = {name: [was, getattr(held, name)] for name, was in before.items() if was != getattr(held, name)}
    log("gift_saved", user=by, about=held.name, details={"gift": moved}, address=address)
    return held


def told_before(wish: Wish) -> Reward | None:
    """What this very request took before, however things stand by now; None when it is new.

    Raises `OtherTold` when its number took another gift.
    """
    known = Reward.objects.filter(till=wish.till, number=wish.number).select_related("gift").first()
    if known is not None and bytes(known.digest) != wish.digest:
        raise OtherTold(_("Another gift was taken with the number {number!r}.").format(number=wish.number))
    return known


def take(customer: Customer, wish: Wish, by: Shown | None = None) -> Reward:
    """Take the gift: once for each (till, number); the same request again gives the same reward.

    `by` is what he showed at a till; None: nothing, on his own page.

    Raises `NotNow` when he cannot have it, when it costs other points than were shown, or when it passes a limit of
    the rules; `NoGift` for an unknown one.
    """
    try:
        return _take(customer, wish, by)
    except Beyond as refused:
        note_refusal(refused.alert)
        raise


def _check_card(customer: Customer, wish: Wish, by: Shown | None) -> None:
    """A holder's points of a month are counted by receipts, so a card with such a limit takes no gifts.

    Who works here and gives it from the customer's card knows to whom.
    """
    if by is None and wish.till.startswith("user:"):
        return
    card = by.card if by else ""
    check_company(customer, card)
    holder = holder_of(customer, card)
    if holder is not None and holder.most_points is not None:
        raise NotNow(
            _("The card of {name} has a limit of points in a month: it takes no gifts.").format(name=holder.name)
        )


def _take(customer: Customer, wish: Wish, by: Shown | None) -> Reward:
    with transaction.atomic():
        hold_number(wish.till, f"gift\x1f{wish.number}")
        if known := told_before(wish):
            if known.customer_id != customer.pk:
                raise OtherTold(_("Another gift was taken with the number {number!r}.").format(number=wish.number))
            return known
        if by is not None:
            members.check_proof(by)
        customer, now = members.hold_member(customer), timezone.now()
        gift = Gift.objects.select_for_update().filter(pk=wish.gift).first()
        if gift is None:
            raise NoGift(_("There is no gift {number}: ask for the gifts again.").format(number=wish.gift))
        _check_wish(customer, wish, gift)
        _check_card(customer, wish, by)
        if wish.until is not None:
            _check_set_aside(customer, now)
        store = _store(wish)
        _check_limits(customer, wish, gift, store, now)
        Gift.objects.filter(pk=gift.pk).update(stock=F("stock") - 1)
        document = Document(
            members.points_unit(), Kind.REWARD, wish.till, wish.number, wish.who[:100],
            (spend(customer.pk, gift.points),), reason=gift.name,
        )  # fmt: skip
        spent = write_one(document, at=now)
        if by and by.code and not till_codes.use_up(by.code):
            raise members.code_is_over()
        return Reward.objects.create(
            gift=gift, customer=customer, transaction_id=spent.transaction, till=wish.till, number=wish.number,
            digest=wish.digest, cashier=wish.cashier, store=store, points=gift.points, cost=gift.cost, taken_at=now,
            until=wish.until, **_given(wish, now),
        )  # fmt: skip


def _given(wish: Wish, now: dt.datetime) -> dict[str, Any]:
    """In his hands, or waiting for whoever shows the code."""
    return {"handed_at": now, "handed_by": wish.who} if wish.is_handed_out else {"code": drawn()}


def _store(wish: Wish) -> Store | None:
    """Where it is: a till that keeps silent stands where it sold last."""
    if not wish.store:
        last = Sale.objects.filter(till=wish.till).select_related("store").order_by("-purchased_at").first()
        return last.store if last is not None else None
    found = store_of(wish.store, partner_at(wish.till), make=False)
    if found.pk is None:
        raise InputError(_("There is no store {name!r}: name one that has sold before.").format(name=wish.store[:60]))
    return found


def _check_limits(customer: Customer, wish: Wish, gift: Gift, store: Store | None, now: dt.datetime) -> None:
    """Raise when the points for this gift pass a limit that refuses."""
    valid = valid_at(now)
    if valid is not None:
        zone = zoneinfo.ZoneInfo((store.time_zone if store else "") or Business.current().time_zone)
        deed = Deed(wish.till, wish.cashier, store.pk if store else None, customer.pk, now, spent=gift.points)
        check_limits(deed, valid[1].watch, zone, hold=True)


def _check_wish(customer: Customer, wish: Wish, gift: Gift) -> None:
    if partner_at(wish.till) is not None:
        # the coalition would pay the partner for points, and the operator hand the gift out
        raise NotNow(_("Gifts are handed out by the operator of the programme, not by partners."))
    (offer,) = _offers(customer, [gift])
    if offer.obstacle:
        raise NotNow(offer.obstacle)
    if gift.points != wish.points:
        raise NotNow(
            _("This gift costs {now} points by now, not {told}: show him the new price.").format(
                now=gift.points, told=wish.points
            )
        )
    if offer.missing:
        raise NotNow(offer.why_not)


def _check_set_aside(customer: Customer, now: dt.datetime) -> None:
    his = Reward.objects.filter(customer=customer, until__isnull=False)
    if his.filter(handed_at=None, cancelled_at=None).count() >= MOST_SET_ASIDE:
        raise TooManySetAside(
            _("{most} gifts wait for you already: fetch one first, or let one go.").format(most=MOST_SET_ASIDE)
        )
    if his.filter(taken_at__gt=now - dt.timedelta(days=1)).count() >= MOST_SET_ASIDE_A_DAY:
        raise TooManySetAside(_("You have set aside many gifts today: come back tomorrow, or ask at the till."))


def hand_out(reward: Reward, *, who: str, number: str = "") -> Reward:
    """He has it in his hands; `who` gave it to him. The same `number` of the same giver again changes nothing.

    Raises `NotNow` when he has it already: who shows one gift at two tills gets one.
    """
    with transaction.atomic():
        held = Reward.objects.select_for_update(of=("self",)).select_related("gift").get(pk=reward.pk)
        if held.cancelled_at is not None:
            raise NotNow(_("This gift was cancelled: there is nothing to hand out."))
        if held.handed_at is not None:
            if number and (held.handed_by, held.handed_number) == (who, number):
                return held
            given = format_moment(held.handed_at, Business.current().zone)
            raise NotNow(_("This gift was handed out already, on {moment}.").format(moment=given))
        held.handed_at, held.handed_by, held.handed_number = max(timezone.now(), held.taken_at), who, number
        held.save(update_fields=["handed_at", "handed_by", "handed_number"])
        return held


def cancel(reward: Reward, *, who: str, only_waiting: bool = False) -> bool:
    """The points go back to the lots they came from, the piece to the stock; whether it was done now.

    A second time changes nothing, and so, with `only_waiting`, does what he has in his hands. Points whose time is over
    meanwhile live on as the programme says of those that come back late.
    """
    with transaction.atomic():
        members.hold_survivor(reward.customer_id)
        held = Reward.objects.select_for_update(of=("self",)).select_related("gift").get(pk=reward.pk)
        if held.cancelled_at is not None or (only_waiting and held.handed_at is not None):
            return False
        Gift.objects.filter(pk=held.gift_id).update(stock=F("stock") + 1)
        now = max(timezone.now(), held.handed_at or held.taken_at)
        valid = valid_at(now)
        late = valid[1].life.late_days if valid else 0
        document = Document(
            members.points_unit(), Kind.REWARD_VOID, "reward", str(held.pk), who[:100],
            (give_back(held.points, late_until=now + dt.timedelta(days=late) if late else None),),
            reason=held.gift.name, reverses=held.transaction_id,
        )  # fmt: skip
        held.cancellation_id = write_one(document, at=now).transaction
        held.cancelled_at, held.cancelled_by = now, who
        held.save(update_fields=["cancellation", "cancelled_at", "cancelled_by"])
        return True


def cancel_of_till(till: str, number: str, *, cashier: str = "") -> Reward:
    """Cancel what this till took under this number. Raises `NoGift` when there is no such gift of its own."""
    found = Reward.objects.filter(till=till, number=number).first()
    if found is None:
        raise NoGift(_("This till took no gift with the number {number!r}.").format(number=number))
    cancel(found, who=f"{till} {cashier}".strip())
    return Reward.objects.select_related("gift").get(pk=found.pk)


def offers_for(customer: Customer) -> list[Offer]:
    """Every gift that is not over, the cheapest first, as it stands for this member."""
    living = list(_living().order_by("points", "pk")[:MOST_LIVING])
    return _offers(customer, living) if living else []


def _living() -> QuerySet[Gift]:
    """Those that are not over."""
    return Gift.objects.filter(Q(ends_on=None) | Q(ends_on__gte=_today()))


def rewards_of(customer: Customer, *, most: int = 20) -> list[Reward]:
    """What he took, the newest first."""
    return list(Reward.objects.filter(customer=customer).select_related("gift").order_by("-taken_at", "-pk")[:most])


def waiting_gifts(customer: Customer) -> list[Reward]:
    """What he took and has not got yet, the oldest first."""
    found = Reward.objects.filter(customer=customer, handed_at=None, cancelled_at=None).select_related("gift")
    return list(found.order_by("taken_at", "pk")[:MOST_LIVING])


def catalogue(*, since: int = 0, most: int = MOST_LIVING) -> list[Gift]:
    """So many gifts from a place in the list on: all by name, those that are over at the end."""
    is_over = Case(When(ends_on__lt=_today(), then=1), default=0)
    return list(Gift.objects.order_by(is_over, "name", "pk")[since : since + most])


@dataclass(frozen=True)
class Taken:
    """How many of a gift members have, and how many of them still wait for it."""

    count: int = 0
    waiting: int = 0


def taken_of(gifts: Collection[Gift]) -> dict[int, Taken]:
    """For each of these gifts."""
    kept = Reward.objects.filter(gift__in=[one.pk for one in gifts], cancelled_at=None).order_by().values("gift")
    counted = kept.annotate(count=Count("pk"), waiting=Count("pk", filter=Q(handed_at=None)))
    return {one.pk: Taken() for one in gifts} | {one["gift"]: Taken(one["count"], one["waiting"]) for one in counted}


def _offers(customer: Customer, gifts: Iterable[Gift]) -> list[Offer]:
    day, available, tier = _today(), members.points_of(customer).available, _tier(customer)
    taken = Reward.objects.filter(customer=customer, cancelled_at=None).order_by().values("gift")
    counts = dict(taken.values_list("gift", Count("pk")))
    return [
        Offer(one, max(0, one.points - available), _obstacle(one, day, tier, counts.get(one.pk, 0))) for one in gifts
    ]


def _tier(customer: Customer) -> str:
    now = timezone.now()
    valid = valid_at(now)
    return tier_at(customer.pk, now) if valid is not None and valid[1].tiers is not None else ""


def _obstacle(gift: Gift, day: dt.date, tier: str, taken: int) -> str:
    if gift.begins_on is not None and day < gift.begins_on:
        return _("This gift can be taken from {day} on.").format(day=format_date(gift.begins_on))
    if gift.ends_on is not None and day > gift.ends_on:
        return _("This gift could be taken through {day}.").format(day=format_date(gift.ends_on))
    if gift.tiers and tier not in gift.tiers:
        return _("This gift is for other tiers.")
    if gift.most_each is not None and taken >= gift.most_each:
        return _("He has taken this gift as often as he may.")
    if gift.stock < 1:
        return _("None of this gift is left.")
    return ""


def _today() -> dt.date:
    return timezone.now().astimezone(Business.current().zone).date()


def _columns(data: GiftData) -> dict[str, object]:
    return asdict(data) | {"tiers": list(data.tiers), "name": data.name.strip()}


def _check(data: GiftData) -> None:
    name = data.name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(_("Name the gift with 1 to {most} signs.").format(most=_LONGEST_NAME))
    if not 1 <= data.points <= MOST_POINTS:
        raise InputError(_("A gift costs 1 to {most} points, not {given}.").format(most=MOST_POINTS, given=data.points))
    if not 0 <= data.cost <= _MOST_MONEY:
        raise InputError(_("Say what one piece costs you; nothing is 0."))
    if data.most_each is not None and not 1 <= data.most_each <= _MOST_EACH:
        raise InputError(_("One member may take 1 to {most}; leave it empty for any number.").format(most=_MOST_EACH))
    if data.product and not Product.objects.filter(code=data.product).exists():
        raise InputError(_("There are no goods with the code {code!r}.").format(code=data.product[:60]))
    _check_days(data)
    valid = valid_at(timezone.now())
    known = valid[1].tiers.ids if valid is not None and valid[1].tiers is not None else ()
    for tier in data.tiers:
        if tier not in known:
            raise InputError(
                _("There is no tier {tier!r}. Known: {known}.").format(tier=tier[:60], known=", ".join(known) or "-")
            )


def _check_days(data: GiftData) -> None:
    for day in (data.begins_on, data.ends_on):
        if day is not None and abs(day - _today()) > _LATEST:
            raise InputError(_("{day} is too far away.").format(day=day.isoformat()))
    if data.begins_on is not None and data.ends_on is not None and data.ends_on < data.begins_on:
        raise InputError(_("The last day is before the first one."))


def _check_room(data: GiftData) -> None:
    if (data.ends_on is None or data.ends_on >= _today()) and _living().count() >= MOST_LIVING:
        raise InputError(
            _("There are {most} gifts already, and no more can be chosen from at a till: end one first.").format(
                most=format_number(MOST_LIVING)
            )
        )


def _check_stock(stock: int) -> None:
    if not 0 <= stock <= _MOST_STOCK:
        raise InputError(_("The stock would be {stock}: give 0 to {most}.").format(stock=stock, most=_MOST_STOCK))
