"""Who stands at the till, and what the rules may know of him: read when a receipt is judged."""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import normalised, region
from regulars.customers.models import Contact, Customer
from regulars.customers.models.customer import Kind
from regulars.customers.selectors.family import family_of
from regulars.customers.services.contacts import add_contact
from regulars.customers.services.customers import add_customer
from regulars.loyalty import cards, till_codes
from regulars.loyalty.asked_past import asked_past
from regulars.loyalty.asking import NOTHING, Answers, write_answers
from regulars.loyalty.balances import Balance, to_spend
from regulars.loyalty.ledger import open_account
from regulars.loyalty.models import Account, Unit
from regulars.loyalty.privileges import privileges_at
from regulars.loyalty.programme.basket import Member
from regulars.loyalty.programme.conditions import Answered, InSegment, Privilege
from regulars.loyalty.programme.effects import NthFree
from regulars.loyalty.programme.floating import Terms
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.programmes import most_debt
from regulars.loyalty.telling import NotNow

Segments = Callable[[int, Collection[str]], frozenset[str]]  # of these segments: those that the customer is in


class NoMember(InputError):
    """Nobody, or nobody who takes part, has this card or phone."""


class NoTillCode(NoMember):
    """The code is none, is over, was used, or is shown at another till: somebody may be trying codes."""


@dataclass(frozen=True)
class Shown:
    """What somebody showed or said at a till: his card, his phone, or the code of his own page."""

    card: str = ""
    phone: str = ""
    code: str = ""

    @property
    def is_proof(self) -> bool:
        """Whether it shows that it is he: anybody can say a phone."""
        return bool(self.card or self.code)


def points_unit() -> Unit:
    """The unit of the programme's own points."""
    return Unit.objects.get_or_create(slug=Unit.POINTS)[0]


def stamps_unit(counter: str) -> Unit:
    """The unit of one counter of stamps."""
    return Unit.objects.get_or_create(slug=slug_of(counter), defaults={"title": counter[:100]})[0]


def slug_of(counter: str) -> str:
    """By which the unit of this counter is known."""
    return f"stamps-{hashlib.md5(counter.encode(), usedforsecurity=False).hexdigest()[:24]}"


def find(*, card: str = "", phone: str = "", code: str = "", till: str = "", at: dt.datetime | None = None) -> Customer:
    """The member who shows this card or code, or says this phone; raises `NoMember`.

    A code is this till's from now on. A card that was blocked at that moment, now when left out, is refused: a till may
    tell later of what was before.
    The same statements are made whether nobody has it, or somebody who is no member, or several: how long it takes
    tells nothing of who is a customer here.
    """
    kind, value = asked_by(card, phone, code)
    if code and not till_codes.show(value, till, at=timezone.now()):
        raise code_is_over()
    customer, takes_part = _whose(kind, value)
    if card and (problem := cards.why_blocked(value, at=at)):
        raise NoMember(problem)
    if customer is None or not takes_part:
        misread = cards.why_misread(value) if card else ""
        raise NoMember((misread if customer is None else "") or _("No member has this card or phone."))
    return customer


def check_proof(shown: Shown) -> None:
    """Raise `NotNow` for points of somebody of whom only the phone was said."""
    if not shown.is_proof:
        raise NotNow(proof_wanted())


def proof_wanted() -> str:
    """What whoever serves is told."""
    return _("Points are spent with the card, or with the code of his own page: ask for one of them.")


def code_is_over() -> NoTillCode:
    """What whoever showed it is told."""
    return NoTillCode(_("This code is not good any more: he can show a new one on his own page."))


def who_has(*, card: str = "", phone: str = "") -> Customer | None:
    """The customer with this card or phone; None when there is none, or several share the phone."""
    return _whose(*asked_by(card, phone))[0]


def asked_by(card: str, phone: str, code: str = "") -> tuple[str, str]:
    """What is meant, as its kind and in the form that is compared."""
    if bool(card) + bool(phone) + bool(code) != 1:
        raise InputError(_("Give either the card, the phone or the code of his own page."))
    if code:
        return till_codes.KIND, till_codes.digest_of_code(code)
    if card:
        return Contact.Kind.CARD, normalised(Contact.Kind.CARD, card, region="")
    return Contact.Kind.PHONE, normalised(Contact.Kind.PHONE, phone, region=region())


def _whose(kind: str, value: str) -> tuple[Customer | None, bool]:
    """The customer, and whether he takes part."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, takes_part FROM loyalty_whose(%s, %s)", [str(kind), value])
        found = cursor.fetchall()
    key, takes_part = found[0] if len(found) == 1 else (0, False)
    return Customer.objects.filter(pk=key, is_erased=False).first(), takes_part


def points_of(customer: Customer) -> Balance:
    """What he has now."""
    return to_spend(customer.pk, Unit(slug=Unit.POINTS), at=timezone.now())


def hold_member(customer: Customer) -> Customer:
    """Until the end of the transaction nobody else judges a receipt of his: both would count the same stamps."""
    held = hold_survivor(customer.pk)
    if held.is_erased:
        raise NoMember(_("No member has this card or phone."))
    return held


def hold_survivor(customer: int) -> Customer:
    """Hold his row; who was merged at this very moment is the one that was kept."""
    held = Customer.objects.select_for_update(no_key=True).get(pk=customer)
    return held if held.merged_into_id is None else hold_survivor(held.merged_into_id)


def enrol(customer: Customer, *, at: dt.datetime, most_debt: int = 0) -> Account:
    """Make him a member; nothing happens when he is one."""
    return open_account(customer.pk, points_unit(), at=at, debt_limit=most_debt)


def allow_debt(customer: int) -> None:
    """Let him owe what the rules of this moment allow, whenever he became a member; what he owes already stays.

    To be called before points are taken that may be missing, with the member held.
    """
    most = most_debt(timezone.now())
    accounts = Account.objects.filter(customer=customer, unit=points_unit()).exclude(debt_limit=most)
    accounts.update(debt_limit=Greatest(F("debt"), most))


@transaction.atomic
def welcome(
    *, card: str = "", phone: str = "", name: str = "", source: str, most_debt: int = 0, by: User | None = None,
    told: Answers = NOTHING,
) -> Customer:  # fmt: skip
    """Make a member of whoever has this phone or card, or of somebody new; the card becomes his.

    Of what he `told` besides, what is not known yet is filled in.
    """
    if card:
        cards.check_to_give(card)
    contacts = [
        (kind, written) for kind, written in ((Contact.Kind.PHONE, phone), (Contact.Kind.CARD, card)) if written
    ]
    values = sorted(normalised(kind, written, region=region()) for kind, written in contacts)
    with connection.cursor() as cursor:
        # two tills that see him at one moment make one customer
        for value in values:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [value])
    found = who_has(phone=phone) if phone else who_has(card=card)
    if found is None and phone and _shared(phone):
        raise InputError(_("Several customers have this phone: give the card alone, or merge them first."))
    if phone and card and (holder := who_has(card=card)) is not None and holder != found:
        raise NoMember(_("This card is somebody else's: give another one."))
    if card and found is not None and who_has(card=card) is None and cards.has_card(found.pk):
        # else whoever says a phone would have a card with the points of its owner, the more so of a stolen one
        raise NotNow(
            _("He takes part already and has a card: ask for it. A lost one is replaced on the customer's page.")
        )
    customer = found or add_customer(
        by=by, source=source, kind=Kind.PERSON,
        given_name=name.strip() or _("Member {number}").format(number=values[0][-4:]),
    )  # fmt: skip
    for kind, written in contacts:
        add_contact(customer, kind=kind, written=written, by=by, source=source)
    enrol(customer, at=timezone.now(), most_debt=most_debt)
    if told != NOTHING:
        write_answers(customer, told, by=by, source=source)
    return customer


@transaction.atomic
def give_virtual_card(customer: Customer, *, by: User | None, source: str = "web") -> Contact:
    """A number that is his at once; he takes part from now on, if he did not."""
    now = timezone.now()
    enrol(customer, at=now, most_debt=most_debt(now))
    return cards.give_virtual(customer, by=by, source=source)


def _shared(phone: str) -> bool:
    value = normalised(Contact.Kind.PHONE, phone, region=region())
    return Contact.objects.filter(kind=Contact.Kind.PHONE, value=value, customer__is_erased=False).exists()


def known(customer: Customer, rules: RuleSet, *, at: dt.datetime, zone: dt.tzinfo, segments: Segments) -> Member:
    """What is known of him before a purchase of this moment. Stamps are those that he has now: they are spent once."""
    past = asked_past(customer.pk, rules, {one: slug_of(one) for one in _counters(rules)}, at=at, zone=zone)
    return replace(
        facts_of(customer, rules, at=at, segments=segments),
        tier=past.tier,
        purchases=past.purchases,
        last_purchase_at=past.last_purchase_at,
        turnover=past.turnover,
        floating=_floating(customer, rules.floating, at=at, zone=zone),
        stamps=past.stamps,
    )


def facts_of(customer: Customer, rules: RuleSet, *, at: dt.datetime, segments: Segments) -> Member:
    """What does not follow from his purchases, as far as the rules ask for it."""
    return Member(
        lot=str(customer.pk),
        privileges=privileges_at(customer.pk, at) if _asks_for_privileges(rules) else {},
        birthday=customer.birth_date,
        segments=segments(customer.pk, wanted) if (wanted := _segments(rules)) else frozenset(),
        answers={one: answers_of(customer, one) for one in _questions(rules)},
    )


_DAYS = """
SELECT (coalesce(s.purchased_at, r.purchased_at) AT TIME ZONE %(zone)s)::date AS day, sum(r.amount)
FROM purchases_receipt r
LEFT JOIN loyalty_salereturn back ON back.receipt_id = r.id LEFT JOIN loyalty_sale s ON s.id = back.sale_id
WHERE r.customer_id = ANY (%(family)s) AND r.purchased_at < %(at)s
GROUP BY day HAVING sum(r.amount) > 0 ORDER BY day
"""


def _floating(customer: Customer, wanted: Collection[Terms], *, at: dt.datetime, zone: dt.tzinfo) -> dict[Terms, int]:
    """What came back at a till counts on the day of its sale, as if it had never been bought."""
    if not wanted:
        return {}
    values: dict[str, Any] = {"zone": str(zone), "family": list(family_of(customer.pk)), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, values)
        days = [(day, int(paid)) for day, paid in cursor.fetchall()]
    return {terms: terms.standing(days, at.astimezone(zone).date()) for terms in wanted}


def _counters(rules: RuleSet) -> list[str]:
    return [one.gives.counter for one in rules.discounts if isinstance(one.gives, NthFree)]


def _segments(rules: RuleSet) -> frozenset[str]:
    return frozenset(name for leaf in rules.asked if isinstance(leaf, InSegment) for name in leaf.any_of)


def _asks_for_privileges(rules: RuleSet) -> bool:
    return any(isinstance(leaf, Privilege) for leaf in rules.asked)


def _questions(rules: RuleSet) -> frozenset[str]:
    return frozenset(leaf.question for leaf in rules.asked if isinstance(leaf, Answered))


def answers_of(customer: Customer, question: str) -> frozenset[str]:
    """Answers fill own fields, and an own field is what he last answered."""
    value = customer.own_fields.get(question)
    if value is None:
        return frozenset()
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset({str(value)})
