"""Many receipts at once, written as they would have been one after another, in as few transactions as that allows.

A run is a stretch of them in which none has anything to do with another: other members, goods and stores that are
known, nothing that all of them count. It is judged by what was known before it, and written in one transaction. A
receipt that fits into no run is written on its own, and so is each of a run that could not be written.
"""

from collections.abc import Sequence
from itertools import islice

from django.db import DatabaseError, transaction
from django.utils import timezone

from regulars.core.errors import InputError
from regulars.loyalty.clocks import note_late
from regulars.loyalty.facts import Asked, Facts, facts_of
from regulars.loyalty.ledger import Refused
from regulars.loyalty.members import Segments
from regulars.loyalty.models import Sale
from regulars.loyalty.programme.watch import Watch
from regulars.loyalty.programmes import rules_of_version
from regulars.loyalty.selling import (
    Case,
    Paid,
    Quote,
    agreed,
    asked_of,
    case_of,
    commit,
    follow,
    known_sale,
    write_sales,
)
from regulars.loyalty.watching import Beyond, note_refusal

MOST = 100  # in one transaction: their members wait for its end

Answer = Sale | InputError | DatabaseError


def commit_all(receipts: Sequence[Paid], *, segments: Segments) -> list[Answer]:
    """The sale of each, or why it was not written, in their order; what is wrong with one does no harm to another."""
    answers: list[Answer] = []
    most = MOST
    while len(answers) < len(receipts):
        rest = receipts[len(answers) : len(answers) + most]
        run = _run(rest, segments)
        answers += run or [_alone(rest[0], segments)]
        # where runs are short, little is read in vain
        most = MOST if len(run) == len(rest) else min(MOST, 2 * len(run) + 2)
    return answers


def _alone(paid: Paid, segments: Segments) -> Answer:
    try:
        return commit(
            paid.order, paid.number, to_pay=paid.to_pay, segments=segments, in_money=paid.in_money,
            has_clock=paid.has_clock,
        )  # fmt: skip
    except (InputError, DatabaseError) as error:
        return error


def _run(receipts: Sequence[Paid], segments: Segments) -> list[Answer]:
    """Of the first of them, as many as belong together; of none when the first one stands alone."""
    asked = _apart(receipts)
    if len(asked) < 2:
        return []
    try:
        with transaction.atomic():
            answers = _told(receipts, asked, segments)
    except (Refused, DatabaseError):
        # nothing of them is written: whoever is to blame is found one by one
        return [_alone(paid, segments) for paid in islice(receipts, len(asked))]
    for one in answers:
        if isinstance(one, Beyond):
            note_refusal(one.alert)
    return answers


def _apart(receipts: Sequence[Paid]) -> list[Asked]:
    """What the first of them ask for, up to one that has to do with another one, or with what others may use too."""
    found = list[Asked]()
    numbers, contacts = set[tuple[str, str]](), set[tuple[str, str]]()
    for paid in receipts:
        try:
            asked = asked_of(paid.order, paid.number)
        except InputError:
            break
        if (
            paid.order.promo_codes
            or paid.order.certificates
            or paid.order.hold
            or asked.contact in contacts
            or (asked.till, asked.number) in numbers
        ):
            break
        numbers.add((asked.till, asked.number))
        if asked.contact is not None:
            contacts.add(asked.contact)
        found.append(asked)
    return found


def _told(receipts: Sequence[Paid], asked: Sequence[Asked], segments: Segments) -> list[Answer]:
    answers: list[Answer | None] = []
    judged: list[tuple[Paid, Case, Quote]] = []
    members = set[int]()
    for paid, facts in zip(receipts, facts_of(asked, at=timezone.now(), hold=True), strict=False):
        if not _fits(paid, facts, members):
            break
        if facts.customer is not None:
            members.add(facts.customer.pk)
        try:
            known = known_sale(paid, facts)
            if known is None:
                case = case_of(paid.order, facts, segments=segments, hold=True)
                judged.append((paid, case, agreed(paid, case, hold=True)))
            answers.append(known)
        except InputError as refused:
            answers.append(refused)
    sales = write_sales(judged) if judged else []
    for (_paid, case, _quoted), sale in zip(judged, sales, strict=True):
        follow(case, sale)
    note_late([sale for (paid, _case, _quoted), sale in zip(judged, sales, strict=True) if not paid.has_clock])
    written = iter(sales)
    return [next(written) if one is None else one for one in answers]


def _fits(paid: Paid, facts: Facts, members: set[int]) -> bool:
    """Whether nothing that a receipt before it writes changes how it is judged or written."""
    if facts.is_known:
        return True
    if facts.customer is not None and facts.customer.pk in members:
        return False
    is_known = facts.store is not None and (facts.seller is not None or not paid.order.cashier)
    if not is_known or facts.partner is not None or not all(item.product in facts.goods for item in paid.order.items):
        return False
    return facts.programme is None or not _counts_together(rules_of_version(*facts.programme).watch)


def _counts_together(watch: Watch) -> bool:
    """Whether receipts of several members are counted against one limit."""
    return any(limit.refuse and limit.of != "member" for limit in watch.limits)
