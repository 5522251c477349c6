"""Gifts for points: the catalogue, and a member who takes one, has it handed out, or lets it go again.

Points and the piece move in one transaction: the stock falls and the ledger writes what was spent, or nothing happens.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty import members
from regulars.loyalty.ledger import Document, Kind, give_back, spend, write_one
from regulars.loyalty.models import Gift, Reward
from regulars.loyalty.partners import partner_at
from regulars.loyalty.programme.effects import MOST_POINTS
from regulars.loyalty.programmes import valid_at
from regulars.loyalty.telling import NotNow, digest_of, hold_number
from regulars.loyalty.tiers import tier_at
from regulars.purchases.models import Product

_LONGEST_NAME = 200
_MOST_STOCK = 10**9
_MOST_MONEY = 10**13
_MOST_EACH = 10**6
_LATEST = dt.timedelta(days=3_660)


class NoGift(InputError):
    """There is no such gift."""


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

    `till` and `number` name the request: the same one again takes nothing more. `cashier` is who serves there.
    """

    till: str
    number: str
    gift: int
    points: int
    cashier: str = ""
    is_handed_out: bool = False

    @property
    def who(self) -> str:
        """Who did it, as it is written down."""
        return f"{self.till} {self.cashier}".strip()


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
    before = {name: getattr(held, name) for name in ("points", "cost", "stock")}
    for name, value in (_columns(data) | {"stock": held.stock + more}).items():
        setattr(held, name, value)
    held.save()
    moved = {name: [was, getattr(held, name)] for name, was in before.items() if was != getattr(held, name)}
    log("gift_saved", user=by, about=held.name, details={"gift": moved}, address=address)
    return held


def take(customer: Customer, wish: Wish) -> Reward:
    """Take the gift: once for each (till, number); the same request again gives the same reward.

    Raises `NotNow` when he cannot have it, or when it costs other points than were shown; `NoGift` for an unknown one.
    """
    digest = digest_of(wish)
    with transaction.atomic():
        hold_number(wish.till, f"gift\x1f{wish.number}")
        if known := _repeated(customer, wish, digest):
            return known
        customer, now = members.hold_member(customer), timezone.now()
        gift = Gift.objects.select_for_update().filter(pk=wish.gift).first()
        if gift is None:
            raise NoGift(_("There is no gift {number}: ask for the gifts again.").format(number=wish.gift))
        _check_wish(customer, wish, gift)
        Gift.objects.filter(pk=gift.pk).update(stock=F("stock") - 1)
        document = Document(
            members.points_unit(), Kind.REWARD, wish.till, wish.number, wish.who[:100],
            (spend(customer.pk, gift.points),), reason=gift.name,
        )  # fmt: skip
        spent = write_one(document, at=now)
        return Reward.objects.create(
            gift=gift, customer=customer, transaction_id=spent.transaction, till=wish.till, number=wish.number,
            digest=digest, points=gift.points, cost=gift.cost, taken_at=now,
            handed_at=now if wish.is_handed_out else None, handed_by=wish.who if wish.is_handed_out else "",
        )  # fmt: skip


def _repeated(customer: Customer, wish: Wish, digest: bytes) -> Reward | None:
    known = Reward.objects.filter(till=wish.till, number=wish.number).select_related("gift").first()
    if known is not None and (bytes(known.digest) != digest or known.customer_id != customer.pk):
        raise NotNow(_("Another gift was taken with the number {number!r}.").format(number=wish.number))
    return known


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


def hand_out(reward: Reward, *, who: str) -> None:
    """He has it in his hands; `who` gave it to him. A second time changes nothing."""
    with transaction.atomic():
        held = Reward.objects.select_for_update().get(pk=reward.pk)
        if held.cancelled_at is not None:
            raise NotNow(_("This gift was cancelled: there is nothing to hand out."))
        if held.handed_at is None:
            held.handed_at, held.handed_by = max(timezone.now(), held.taken_at), who
            held.save(update_fields=["handed_at", "handed_by"])


def cancel(reward: Reward, *, who: str) -> None:
    """The points go back to the lots they came from, the piece to the stock. A second time changes nothing.

    Points whose time is over meanwhile live on as the programme says of those that come back late.
    """
    with transaction.atomic():
        members.hold_survivor(reward.customer_id)
        held = Reward.objects.select_for_update().get(pk=reward.pk)
        if held.cancelled_at is not None:
            return
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


def cancel_of_till(till: str, number: str, *, cashier: str = "") -> Reward:
    """Cancel what this till took under this number. Raises `NoGift` when there is no such gift of its own."""
    found = Reward.objects.filter(till=till, number=number).first()
    if found is None:
        raise NoGift(_("This till took no gift with the number {number!r}.").format(number=number))
    cancel(found, who=f"{till} {cashier}".strip())
    return Reward.objects.select_related("gift").get(pk=found.pk)


def offers_for(customer: Customer) -> list[Offer]:
    """Every gift that is not over, the cheapest first, as it stands for this member."""
    day = _today()
    living = [one for one in Gift.objects.order_by("points", "pk") if one.ends_on is None or one.ends_on >= day]
    return _offers(customer, living) if living else []


def rewards_of(customer: Customer, *, most: int = 20) -> list[Reward]:
    """What he took, the newest first."""
    return list(Reward.objects.filter(customer=customer).select_related("gift").order_by("-taken_at", "-pk")[:most])


def catalogue() -> list[Gift]:
    """All gifts by name, those that are over at the end."""
    day = _today()
    found = Gift.objects.order_by("name", "pk")
    return sorted(found, key=lambda one: one.ends_on is not None and one.ends_on < day)


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


def _check_stock(stock: int) -> None:
    if not 0 <= stock <= _MOST_STOCK:
        raise InputError(_("The stock would be {stock}: give 0 to {most}.").format(stock=stock, most=_MOST_STOCK))
