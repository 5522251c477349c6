"""Cards: made in batches for the printer, given, blocked and replaced.

Whose a card is stands in `customers` alone, as a contact; his points are his, whatever becomes of his card.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.customers.services.contacts import add_contact, make_main
from regulars.customers.services.living import lock_living
from regulars.foundation.changes import acting
from regulars.foundation.outbox import Event, announce
from regulars.loyalty.card_numbers import drawn, is_right, number_of, room
from regulars.loyalty.models import Card, CardBatch, CardHolder, CardSale

Scheme = CardBatch.Scheme

PREFIX = "290"  # of the numbers that shops may use as they like
MOST_CARDS = 1_000_000
# whoever tries numbers at random meets a card once in so many tries
_SPARSE = 1_000
_AT_ONCE = 100_000
_LONGEST_NAME = 60
_VIRTUAL = "virtual"
_DEAREST = 10**9  # minor units
_LONGEST_PRIVILEGE = 200
MOST_PRICE = 10**11
MOST_DAYS = 3_660


def make_cards(
    name: str, *, count: int, scheme: str = Scheme.EAN13, prefix: str = PREFIX, digits: int = 13,
    in_sequence: bool = False, cost: int | None = None, by: User | None = None, address: str | None = None,
    paid: "Paid | None" = None,
) -> CardBatch:  # fmt: skip
    """So many new numbers, which nobody can guess unless they are wanted in sequence. None is anybody's card yet.

    `cost` is what one card costs the business, in minor units; `paid`: what they cost at a till, and for what. Raises
    `InputError` when the name is taken, or when there is no room for so many.
    """
    digits = 13 if scheme == Scheme.EAN13 else digits
    name = " ".join(name.split())
    _check(name, count, scheme, prefix, digits)
    _check_cost(cost)
    if paid is not None:
        _check_paid(paid)
    with transaction.atomic():
        _one_maker()
        if CardBatch.objects.filter(name__iexact=name).exists():
            raise InputError(_("There are cards named {name!r} already: choose another name.").format(name=name))
        batch = CardBatch.objects.create(
            name=name, scheme=scheme, prefix=prefix, digits=digits, is_random=not in_sequence, made_at=timezone.now(),
            made_by=by, cost=cost, next_serial=_next_serial(prefix, digits),
            price=paid.price if paid else None, privilege=paid.privilege if paid else "",
            privilege_days=paid.days if paid else None,
        )  # fmt: skip
        _fill(batch, count)
        log("cards_made", user=by, about=name, details={"cards": count}, address=address)
    return batch


@dataclass(frozen=True)
class Paid:
    """What a card costs, and which privilege its holder has for so many days after he paid."""

    price: int
    privilege: str
    days: int


def _check_paid(paid: Paid) -> None:
    if not 1 <= paid.price <= MOST_PRICE:
        raise InputError(_("Say what the card costs."))
    if not paid.privilege or len(paid.privilege) > _LONGEST_PRIVILEGE or not paid.privilege.isprintable():
        raise InputError(_("Say which privilege the card gives, as the rules call it."))
    if not 1 <= paid.days <= MOST_DAYS:
        raise InputError(_("The privilege of a paid card lasts 1 to {most} days.").format(most=MOST_DAYS))


def _check(name: str, count: int, scheme: str, prefix: str, digits: int) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name.casefold() == _VIRTUAL:
        raise InputError(_("Name the batch with 1 to {most} signs.").format(most=_LONGEST_NAME))
    if not 1 <= count <= MOST_CARDS:
        raise InputError(_("Make 1 to {most} cards at once.").format(most=MOST_CARDS))
    if scheme not in Scheme.values or not 6 <= digits <= 19:
        raise InputError(_("A number has 6 to 19 digits; an EAN-13 has 13."))
    longest = min(12, digits - 2)
    if not (prefix.isascii() and prefix.isdigit() and prefix[0] != "0" and len(prefix) <= longest):
        raise InputError(
            _("Numbers begin with 1 to {most} digits, the first of them no zero; {value!r} is none.").format(
                most=longest, value=prefix[:40]
            )
        )


def _one_maker() -> None:
    """Two who make cards at one moment follow each other: a sequence goes on where the last one ended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('loyalty.cards', 0))")


def _next_serial(prefix: str, digits: int) -> int:
    same = CardBatch.objects.filter(prefix=prefix, digits=digits, is_random=False)
    return max(same.values_list("next_serial", flat=True), default=1)


def _fill(batch: CardBatch, count: int) -> None:
    most = room(batch.prefix, batch.digits)
    if batch.is_random:
        there = Card.objects.filter(batch__prefix=batch.prefix, batch__digits=batch.digits).count()
        if (there + count) * _SPARSE > most:
            raise InputError(_too_dense(most // _SPARSE - there))
    serials = drawn(batch.prefix, batch.digits) if batch.is_random else iter(range(batch.next_serial, most))
    missing, last = count, batch.next_serial - 1
    while missing:
        some = list(islice(serials, min(missing, _AT_ONCE)))
        if not some:
            raise InputError(
                _(
                    "Only {count} numbers are left with this beginning: take a longer number or another beginning."
                ).format(count=count - missing)
            )
        last = some[-1]
        missing -= _written(batch, some)
    if not batch.is_random:
        batch.next_serial = last + 1
        batch.save(update_fields=["next_serial"])


def _too_dense(left: int) -> str:
    return _(
        "With this beginning and length at most {count} more numbers are hard to guess: make the beginning shorter or "
        "the number longer, or take numbers in sequence."
    ).format(count=max(0, left))


def _written(batch: CardBatch, serials: list[int]) -> int:
    """How many of them were free: neither made before nor somebody's card."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO loyalty_card (batch_id, number, reason, is_replaced)
            SELECT %s, wanted.number, '', false FROM unnest(%s::text[]) WITH ORDINALITY AS wanted(number, place)
            WHERE NOT EXISTS (
                SELECT FROM customers_contact held WHERE held.kind = 'card' AND held.value = wanted.number
            )
            ORDER BY wanted.place ON CONFLICT DO NOTHING""",
            [batch.pk, [_numbered(batch, one) for one in serials]],
        )
        return int(cursor.rowcount)


def _numbered(batch: CardBatch, serial: int) -> str:
    return number_of(serial, prefix=batch.prefix, digits=batch.digits, scheme=batch.scheme)


@transaction.atomic
def say_cost(batch: CardBatch, cost: int | None, *, by: User, address: str | None = None) -> None:
    """What one card of the batch costs the business, in minor units; None: not known."""
    _check_cost(cost)
    held = CardBatch.objects.select_for_update().get(pk=batch.pk)
    if held.cost != cost:
        log("card_cost_changed", user=by, about=held.name, details={"cost": [held.cost, cost]}, address=address)
        held.cost = cost
        held.save(update_fields=["cost"])


def _check_cost(cost: int | None) -> None:
    if cost is not None and not 0 <= cost <= _DEAREST:
        raise InputError(_("A card costs nothing or more, and less than that."))


def numbers_of(batch: CardBatch, *, since: int = 0, most: int | None = None) -> Iterator[str]:
    """For the printer, in the order in which they were made; so many of them from a place on."""
    numbers = batch.cards.order_by("pk").values_list("number", flat=True)
    return numbers[since : None if most is None else since + most].iterator(_AT_ONCE)


def why_blocked(value: str, *, at: dt.datetime | None = None) -> str:
    """Why this card is worth nothing at that moment, now when left out; empty when it is as good as any other."""
    card = Card.objects.filter(number=value, blocked_at__lte=at or timezone.now()).first()
    if card is None:
        return ""
    if card.is_replaced:
        return _("Card {number} was replaced by another one: ask for that.").format(number=value)
    return _("Card {number} is blocked.").format(number=value)


def why_misread(value: str) -> str:
    """What is wrong with a number that nobody has; empty when it could be one from before cards were made here."""
    alike = CardBatch.objects.filter(digits=len(value))
    if not (value.isascii() and value.isdigit()) or not alike.exists():
        return ""
    batches = list(alike.order_by().distinct("scheme", "prefix"))
    if not any(is_right(value, one.scheme) for one in batches):
        return _("{number} is no number of a card, its check digit is wrong: read it once more.").format(number=value)
    ours = [one for one in batches if value.startswith(one.prefix) and is_right(value, one.scheme)]
    if ours and not Card.objects.filter(number=value).exists():
        return _("No card with the number {number} was made: read it once more.").format(number=value)
    return ""


def check_to_give(written: str) -> None:
    """`InputError` for a number that must not become somebody's card."""
    value = normalised(Contact.Kind.CARD, written, region=region())
    # what somebody has already was good when he got it
    is_known = Contact.objects.filter(kind=Contact.Kind.CARD, value=value).exists()
    if problem := why_blocked(value) or ("" if is_known else why_misread(value)):
        raise InputError(problem)


def give_virtual(customer: Customer, *, by: User | None, source: str = "web") -> Contact:
    """A card without plastic: a new number that is his at once."""
    with acting(by.pk if by else None, source):
        batch = _virtual_batch()
        serials = drawn(batch.prefix, batch.digits)
        # nearly always the first one is free
        number = next(_numbered(batch, one) for one in serials if _written(batch, [one]))
        return add_contact(customer, kind=Contact.Kind.CARD, written=number, by=by, source=source)


def _virtual_batch() -> CardBatch:
    """That of the numbers without plastic; they look like those that were printed first."""
    found = CardBatch.objects.filter(is_virtual=True).first()
    if found is not None:
        return found
    _one_maker()
    printed = CardBatch.objects.filter(is_virtual=False).order_by("pk").first()
    shape = {"scheme": Scheme.EAN13, "prefix": PREFIX, "digits": 13}
    if printed is not None and room(printed.prefix, printed.digits) >= _SPARSE * MOST_CARDS:
        shape = {"scheme": printed.scheme, "prefix": printed.prefix, "digits": printed.digits}
    values = {"is_random": True, "is_virtual": True, "made_at": timezone.now()}
    return CardBatch.objects.get_or_create(name=_VIRTUAL, defaults=shape | values)[0]


def block(contact: Contact, *, reason: str, by: User) -> None:
    """The card is refused from now on; it stays his, and so do his points."""
    reason = _reason(reason)
    with _writing(contact, by):
        Card.objects.get_or_create(number=contact.value)
        free = Card.objects.filter(number=contact.value, blocked_at=None)
        if not free.update(blocked_at=timezone.now(), blocked_by=by, reason=reason):
            raise InputError(_("Card {number} is blocked already.").format(number=contact.value))
    log("card_blocked", user=by, about=f"#{contact.customer_id}")


def unblock(contact: Contact, *, by: User) -> None:
    """It works again. A replaced one never does."""
    with _writing(contact, by):
        blocked = Card.objects.filter(number=contact.value, is_replaced=False)
        if not blocked.update(blocked_at=None, blocked_by=None, reason=""):
            raise InputError(_("Card {number} was replaced: it stays blocked.").format(number=contact.value))
    log("card_unblocked", user=by, about=f"#{contact.customer_id}")


def replace(contact: Contact, written: str, *, by: User) -> Contact:
    """He has another card for this one, a virtual one when no number is given; the old one is blocked for good."""
    written = written.strip()
    with _writing(contact, by):
        if written:
            check_to_give(written)
        old = Card.objects.get_or_create(number=contact.value)[0]
        if old.is_replaced:
            raise InputError(_("Card {number} was replaced before.").format(number=old.number))
        if written:
            new = add_contact(contact.customer, kind=Contact.Kind.CARD, written=written, by=by)
        else:
            new = give_virtual(contact.customer, by=by)
        if new.pk == contact.pk:
            raise InputError(_("This is the card that shall be replaced: give another one."))
        old.blocked_at, old.blocked_by = old.blocked_at or timezone.now(), old.blocked_by or by
        old.is_replaced, old.replaced_by = True, Card.objects.get_or_create(number=new.value)[0]
        old.save()
        # a card of a company stays in the same hands, with the same limits
        if not CardHolder.objects.filter(card=old.replaced_by).exists():
            CardHolder.objects.filter(card=old).update(card=old.replaced_by)
        # what was paid for the old one goes on with the new one
        CardSale.objects.filter(card=old).update(card=old.replaced_by)
        make_main(new, by=by)
        new.refresh_from_db()
    log("card_replaced", user=by, about=f"#{contact.customer_id}")
    return new


@dataclass(frozen=True)
class HeldCard:
    """A card of somebody, with what was said about it."""

    contact: Contact
    card: Card | None

    @property
    def is_blocked(self) -> bool:
        """Whether tills refuse it."""
        return self.card is not None and self.card.blocked_at is not None

    @property
    def is_replaced(self) -> bool:
        """Whether it is refused for good."""
        return self.card is not None and self.card.is_replaced


def cards_of(customers: Sequence[int]) -> list[HeldCard]:
    """All that they have, the one to use first at the top."""
    held = Contact.objects.filter(customer__in=customers, kind=Contact.Kind.CARD)
    return cards_among(held.order_by("-is_main", "-id"))


def has_card(customer: int) -> bool:
    """Whether he has one, blocked ones too: whoever has stolen the card may know the phone as well."""
    return Contact.objects.filter(customer=customer, kind=Contact.Kind.CARD).exists()


def cards_among(contacts: Iterable[Contact]) -> list[HeldCard]:
    """Those of the contacts that are cards."""
    held = [one for one in contacts if one.kind == Contact.Kind.CARD]
    known = Card.objects.filter(number__in=[one.value for one in held]).select_related("blocked_by")
    by_number = {one.number: one for one in known}
    return [HeldCard(one, by_number.get(one.value)) for one in held]


@dataclass(frozen=True)
class BatchSummary:
    """A batch for people: how many cards wait, are somebody's, are blocked, were replaced."""

    batch: CardBatch
    cards: int
    issued: int
    active: int
    blocked: int
    replaced: int


def batches() -> list[BatchSummary]:
    """The newest hundred."""
    newest = list(CardBatch.objects.select_related("made_by").order_by("-pk")[:100])
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT card.batch_id, count(*), count(*) FILTER (WHERE held.id IS NULL AND blocked_at IS NULL),
                count(*) FILTER (WHERE held.id IS NOT NULL AND blocked_at IS NULL),
                count(*) FILTER (WHERE blocked_at IS NOT NULL AND NOT is_replaced), count(*) FILTER (WHERE is_replaced)
            FROM loyalty_card card
            LEFT JOIN customers_contact held ON held.kind = 'card' AND held.value = card.number
            WHERE card.batch_id = ANY (%s) GROUP BY card.batch_id""",
            [[one.pk for one in newest]],
        )
        counted = {batch: figures for batch, *figures in cursor.fetchall()}
    return [BatchSummary(one, *counted.get(one.pk, (0, 0, 0, 0, 0))) for one in newest]


@contextmanager
def _writing(contact: Contact, by: User) -> Iterator[None]:
    with acting(by.pk, "web"):
        lock_living(contact.customer)
        yield
        announce(Event.CUSTOMER_CHANGED, {"id": contact.customer_id})


def _reason(written: str) -> str:
    reason = " ".join(written.replace("\0", "").encode(errors="replace").decode().split())[:200]
    if not reason:
        raise InputError(_("Write why: somebody will ask in a year."))
    return reason
