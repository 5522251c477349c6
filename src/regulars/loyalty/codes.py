"""Promo codes at a till: which of those that were said count, and that none counts more often than it may."""

import datetime as dt
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.loyalty.models import CodeBatch, CodeUse, PromoCode, Sale
from regulars.loyalty.programme import conditions, judging
from regulars.loyalty.programme.judging import Judged
from regulars.loyalty.programme.rules import RuleSet

# no letter that is read as another, and none that makes words
_SIGNS = "23456789BCDFGHJKMNPQRSTVWXZ"
_LENGTH = 10  # 2 * 10^14 codes: whoever tries a million finds none of a million with 99.5 %
_AT_ONCE = 5_000
MOST_CODES = 1_000_000
MOST_USES = 1_000_000


@dataclass(frozen=True)
class Said:
    """The codes that somebody said at a till: what rules see of them, which of ours they are, and what is wrong."""

    names: frozenset[str]
    codes: tuple[PromoCode, ...] = ()
    refused: tuple[str, ...] = ()


def look_up(said: Collection[str], customer: Customer | None, day: dt.date, *, hold: bool = False) -> Said:
    """Which of these codes count for him on this day in the store. Codes that are none of ours go to the rules as said.

    With `hold` nobody else uses them until the end of the transaction.
    """
    words = {one.strip().upper(): one for one in said if one.strip()}
    if not words:
        return Said(frozenset())
    found = PromoCode.objects.filter(code__in=words).select_related("batch").order_by("pk")
    known = list(found.select_for_update(of=("self",)) if hold else found)
    family = frozenset(family_of(customer.pk)) if customer else frozenset()
    wrong = {one.code: why for one in known if (why := _wrong(one, family, day))}
    ours = tuple(one for one in known if one.code not in wrong)
    # the name of a batch is no code: whoever says it, in whatever letters, has none
    keys = {written.strip().casefold() for written in words.values()}
    names = set(CodeBatch.objects.filter(key__in=keys).values_list("key", flat=True))
    taken = {one.code for one in known}
    open_ = {
        written for word, written in words.items() if word not in taken and written.strip().casefold() not in names
    }
    return Said(frozenset(open_ | {one.batch.name for one in ours}), ours, tuple(wrong.values()))


def _wrong(one: PromoCode, family: frozenset[int], day: dt.date) -> str:
    if one.used >= one.most_uses:
        return _("The code {code} is used up.").format(code=one.code)
    if one.batch.until is not None and day > one.batch.until:
        return _("The code {code} was valid through {day}.").format(code=one.code, day=format_date(one.batch.until))
    if one.customer_id is not None and one.customer_id not in family:
        return _("The code {code} is personal: its owner must show his card.").format(code=one.code)
    return ""


def use(said: Said, judged: Judged, rules: RuleSet, sale: Sale) -> None:
    """Count the codes that gave something on this receipt: for each thing that a rule asked for, one."""
    used: dict[int, PromoCode] = {}
    gave = _gave(judged)
    for rule in rules.rules:
        for leaf in rule.when.leaves() if rule.id in gave else ():
            if isinstance(leaf, conditions.PromoCode):
                wanted = {name.casefold() for name in leaf.any_of}
                fits = [one for one in said.codes if one.batch.key in wanted]
                if fits and not any(one.pk in used for one in fits):
                    used[fits[0].pk] = fits[0]
    ids = sorted(used)
    CodeUse.objects.bulk_create(CodeUse(code=used[key], sale=sale) for key in ids)
    PromoCode.objects.filter(pk__in=ids).update(used=F("used") + 1)


def _gave(judged: Judged) -> set[str]:
    """The rules that left something on the receipt, whatever the guard took of it."""
    found = {rule for line in judged.lines for rule, many in (*line.discounts, *line.points) if many > 0}
    found |= {one.rule for one in judged.stamps if one.added or one.spent}
    if judged.earned:
        found |= {step.rule for step in judged.trace if step.what == judging.TIMES}
    return found


def give_back(sale: Sale) -> None:
    """The receipt was a mistake: its codes can be used again."""
    uses = CodeUse.objects.filter(sale=sale, is_undone=False)
    # held in the order in which a sale holds them
    held = PromoCode.objects.select_for_update().filter(pk__in=uses.values("code")).order_by("pk")
    ids = [one.pk for one in held]
    PromoCode.objects.filter(pk__in=ids).update(used=F("used") - 1)
    uses.update(is_undone=True)


def make_codes(
    name: str, *, count: int = 0, customers: Collection[int] = (), uses: int = 1, until: dt.date | None = None,
    by: User | None = None,
) -> Iterator[tuple[str, int | None]]:  # fmt: skip
    """A batch of new codes: so many for anybody, or a personal one for each of the customers; each with its owner.

    Raises `InputError` when the name is taken.
    """
    name = name.strip()
    many = len(customers) or count
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(
            _("Name the batch with 1 to {most} signs, as the rules shall call it.").format(most=_LONGEST_NAME)
        )
    if not 1 <= many <= MOST_CODES or not 1 <= uses <= MOST_USES:
        raise InputError(
            _("Make 1 to {most} codes, each for 1 to {uses} uses.").format(most=MOST_CODES, uses=MOST_USES)
        )
    key = name.casefold()
    if CodeBatch.objects.filter(key=key).exists() or PromoCode.objects.filter(code=name.upper()).exists():
        raise InputError(_("There are codes named {name!r} already: choose another name.").format(name=name))
    owners: list[int | None] = [*customers] if customers else [None] * count
    with transaction.atomic():
        batch = CodeBatch.objects.create(name=name, key=key, until=until, made_at=timezone.now())
        log("promo_codes_made", user=by, about=name, details={"codes": len(owners)})
        for start in range(0, len(owners), _AT_ONCE):
            made = _written(batch, owners[start : start + _AT_ONCE], uses)
            yield from ((one.code, one.customer_id) for one in made)


_LONGEST_NAME = 60


def _written(batch: CodeBatch, owners: list[int | None], uses: int) -> list[PromoCode]:
    while True:
        made = [PromoCode(batch=batch, code=drawn(), customer_id=one, most_uses=uses) for one in owners]
        try:
            with transaction.atomic():
                return PromoCode.objects.bulk_create(made)
        except IntegrityError:
            # the one in a million million that was drawn before
            if not PromoCode.objects.filter(code__in=[one.code for one in made]).exists():
                raise


def drawn() -> str:
    """A code that nobody guesses and everybody can read out."""
    return "".join(secrets.choice(_SIGNS) for _sign in range(_LENGTH))


@dataclass(frozen=True)
class BatchSummary:
    """A batch for people."""

    name: str
    until: dt.date | None
    codes: int
    uses: int
    used: int


def batches() -> list[BatchSummary]:
    """All of them, the newest first."""
    newest = list(CodeBatch.objects.order_by("-pk")[:_SHOWN])
    sums = PromoCode.objects.filter(batch__in=newest).order_by().values("batch")
    counted = sums.values_list("batch", Count("pk"), Sum("most_uses"), Sum("used"))
    found = {batch: figures for batch, *figures in counted}
    return [BatchSummary(one.name, one.until, *found[one.pk]) for one in newest]


_SHOWN = 100


def personal_codes(customer: int, day: dt.date) -> list[PromoCode]:
    """Codes for him alone that he can use on this day."""
    his = PromoCode.objects.filter(customer__in=family_of(customer), used__lt=F("most_uses")).select_related("batch")
    return list(his.filter(Q(batch__until=None) | Q(batch__until__gte=day)).order_by("batch__until", "pk")[:_SHOWN])
