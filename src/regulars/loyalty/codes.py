"""Promo codes: made in batches, and at a till which of those that were said count, none more often than it may."""

import datetime as dt
import secrets
import unicodedata
import zoneinfo
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.foundation.clashes import or_told
from regulars.foundation.days import today
from regulars.loyalty.codes_named import rules_with_codes
from regulars.loyalty.models import CodeBatch, CodeUse, PromoCode, Sale
from regulars.loyalty.programme import conditions, judging
from regulars.loyalty.programme.judging import Judged
from regulars.loyalty.programme.rules import RuleSet
from regulars.loyalty.telling import NotNow
from regulars.purchases.models import Store

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


def make_batch(
    name: str, *, count: int = 0, word: str = "", customers: Collection[int] = (), uses: int = 1,
    until: dt.date | None = None, by: User | None = None, address: str | None = None,
) -> CodeBatch:  # fmt: skip
    """New codes that rules call by this name: so many for anybody, one that is this word, or a personal one for each
    of the customers. All of them, or none.

    Raises `InputError` when the name or the word is taken, or the last day is over.
    """
    name, word = name.strip(), unicodedata.normalize("NFC", word.strip()).upper()
    many = 1 if word else len(customers) or count
    _check(name, many, uses, until)
    key = name.casefold()
    if CodeBatch.objects.filter(key=key).exists() or PromoCode.objects.filter(code=name.upper()).exists():
        raise InputError(_named_already(name))
    if word:
        _check_word(word, key)
    owners: list[int | None] = [None] if word else [*customers] or [None] * count
    with transaction.atomic():
        with or_told(_named_already(name)):
            batch = CodeBatch.objects.create(name=name, key=key, until=until, made_at=timezone.now())
        log("promo_codes_made", user=by, about=name, details={"codes": many}, address=address)
        if word:
            with or_told(_word_taken(word)):
                PromoCode.objects.create(batch=batch, code=word, most_uses=uses)
            return batch
        for start in range(0, many, _AT_ONCE):
            _write(batch, owners[start : start + _AT_ONCE], uses)
    return batch


def make_codes(
    name: str, *, count: int = 0, word: str = "", customers: Collection[int] = (), uses: int = 1,
    until: dt.date | None = None,
) -> Iterator[tuple[str, int | None]]:  # fmt: skip
    """The same; each code with its owner."""
    return codes_of(make_batch(name, count=count, word=word, customers=customers, uses=uses, until=until))


def codes_of(batch: CodeBatch) -> Iterator[tuple[str, int | None]]:
    """Its codes in the order in which they were made, each with the row of the customer for whom it was made."""
    return batch.codes.order_by("pk").values_list("code", "customer_id").iterator(_AT_ONCE)


def _check(name: str, many: int, uses: int, until: dt.date | None) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InputError(
            _("Name the batch with 1 to {most} signs, as the rules shall call it.").format(most=_LONGEST_NAME)
        )
    if not 1 <= many <= MOST_CODES or not 1 <= uses <= MOST_USES:
        raise InputError(
            _("Make 1 to {most} codes, each for 1 to {uses} uses.").format(most=MOST_CODES, uses=MOST_USES)
        )
    if until is not None and until < today():
        raise InputError(_("{day} is over: choose a last day that is still to come.").format(day=format_date(until)))


def _check_word(word: str, key: str) -> None:
    if len(word) > LONGEST_WORD or not word[0].isalnum() or not all(one.isalnum() or one in "-_" for one in word):
        raise InputError(
            _("{word!r} cannot be said at a till: 1 to {most} letters and digits, without spaces.").format(
                word=word[:60], most=LONGEST_WORD
            )
        )
    folded = word.casefold()
    if PromoCode.objects.filter(code=word).exists() or CodeBatch.objects.filter(key=folded).exists():
        raise InputError(_word_taken(word))
    # said at a till it would be this batch's code, and those rules would not see it any more
    if folded != key and folded in rules_with_codes():
        raise InputError(
            _("Rules name the word {word} itself: call the batch so, or choose another word.").format(word=word)
        )


def _named_already(name: str) -> str:
    return _("There are codes named {name!r} already: choose another name.").format(name=name)


def _word_taken(word: str) -> str:
    return _("There is a code {word} already: choose another word.").format(word=word)


_LONGEST_NAME = 60
LONGEST_WORD = 40


def _write(batch: CodeBatch, owners: list[int | None], uses: int) -> None:
    while True:
        codes = [drawn() for _owner in owners]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    """INSERT INTO loyalty_promocode (batch_id, code, customer_id, most_uses, used)
                    SELECT %s, code, customer, %s, 0 FROM unnest(%s::text[], %s::bigint[]) AS new (code, customer)""",
                    [batch.pk, uses, codes, owners],
                )
                return
        except IntegrityError:
            # the one in a million million that was drawn before
            if not PromoCode.objects.filter(code__in=codes).exists():
                raise


def drawn() -> str:
    """A code that nobody guesses and everybody can read out."""
    return "".join(secrets.choice(_SIGNS) for _sign in range(_LENGTH))


@transaction.atomic
def end_batch(batch: CodeBatch, *, by: User | None, address: str | None = None) -> None:
    """None of its codes counts from now on, in no store. Raises `NotNow` when it is over already."""
    held, over = CodeBatch.objects.select_for_update().get(pk=batch.pk), _day_over()
    if is_over(held, over):
        raise NotNow(_("The codes “{name}” are over already.").format(name=held.name))
    details: dict[str, object] = {"until": held.until.isoformat()} if held.until else {}
    held.until = over
    held.save(update_fields=["until"])
    log("promo_codes_ended", user=by, about=held.name, details=details, address=address)


def _day_over() -> dt.date:
    """The newest day that is over in every store: the sun sets later in the west."""
    zones = Store.objects.exclude(time_zone="").values_list("time_zone", flat=True).distinct()
    now = timezone.now()
    days = [today(), *(now.astimezone(zoneinfo.ZoneInfo(zone)).date() for zone in zones)]
    return min(days) - dt.timedelta(days=1)


class NoCode(InputError):
    """No such code was made."""


def find_code(written: str) -> PromoCode:
    """The code as somebody says it; raises `NoCode`."""
    word = "".join(unicodedata.normalize("NFC", written).split()).upper()
    if not word:
        raise InputError(_("Type the code."))
    found = PromoCode.objects.filter(code=word).first() if len(word) <= LONGEST_WORD else None
    if found is None:
        raise NoCode(_("No code {code} was made.").format(code=word[:LONGEST_WORD]))
    return found


def state_of(one: PromoCode) -> str:
    """One word: valid, used or over."""
    if is_over(one.batch):
        return "over"
    return "used" if one.used >= one.most_uses else "valid"


def ending(one: PromoCode) -> str:
    """By which people tell it from others without learning it."""
    return f"…{one.code[-3:]}"


@dataclass(frozen=True)
class BatchSummary:
    """A batch for people."""

    batch: CodeBatch
    is_over: bool
    codes: int
    uses: int
    used: int
    personal: int

    @property
    def name(self) -> str:
        """What rules call it."""
        return self.batch.name

    @property
    def left(self) -> int:
        """How often its codes can still be used."""
        return 0 if self.is_over else self.uses - self.used


def batches(*, since: int = 0, most: int = 100) -> list[BatchSummary]:
    """Some of them, the newest first."""
    newest, over = list(CodeBatch.objects.order_by("-pk")[since : since + most]), _day_over()
    sums = PromoCode.objects.filter(batch__in=newest).order_by().values("batch")
    counted = sums.values_list("batch", Count("pk"), Sum("most_uses"), Sum("used"), Count("customer"))
    found = {batch: figures for batch, *figures in counted}
    return [BatchSummary(one, is_over(one, over), *found[one.pk]) for one in newest]


def is_over(batch: CodeBatch, day: dt.date | None = None) -> bool:
    """Whether its codes count in no store any more. `day`: the newest that is over, where it is known already."""
    return batch.until is not None and batch.until <= (day or _day_over())


_SHOWN = 100


def personal_codes(customer: int, day: dt.date) -> list[PromoCode]:
    """Codes for him alone that he can use on this day."""
    his = PromoCode.objects.filter(customer__in=family_of(customer), used__lt=F("most_uses")).select_related("batch")
    return list(his.filter(Q(batch__until=None) | Q(batch__until__gte=day)).order_by("batch__until", "pk")[:_SHOWN])
