"""Which gifts fit a member: by what he buys and says, by what his like buy, and by what he can afford soon.

Who buys the same categories, or gave the same answers, is like him. The night finds the pairs of a category, or of an
answer, and a gift that go together more than chance makes them; a card and a till only look them up.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from regulars.core.i18n import format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.loyalty.answered import Answer, answers_of, folded
from regulars.loyalty.gifts import Offer
from regulars.loyalty.models import Gift, Reward, Taste
from regulars.loyalty.pace import WINDOW, Pace, pace_of
from regulars.purchases.models import Product

_SOON_DAYS = 60
_NEARLY = 5  # a fifth of the price is soon for everybody, whatever his pace

# how often he bought each of the goods and each category; what came back later is counted nevertheless, for he chose it
_BOUGHT = """
SELECT p.code, p.category, count(DISTINCT r.id)
FROM purchases_receipt r JOIN purchases_line l ON l.receipt_id = r.id JOIN purchases_product p ON p.id = l.product_id
WHERE r.customer_id = ANY (%(ids)s) AND r.purchased_at > %(since)s AND r.purchased_at <= %(at)s AND l.amount > 0
GROUP BY GROUPING SETS ((p.code, p.category), (p.category))
"""


class Reason(IntEnum):
    """Why a gift suits somebody, the strongest first."""

    PRODUCT = 0
    TAKEN = 1
    CATEGORY = 2
    SAID = 3
    ALIKE = 4
    POPULAR = 5


@dataclass(frozen=True)
class Why:
    """A reason with how strong it is: times, or the share of those who are like him.

    `value` is the category that he buys, or his answer to `question`.
    """

    reason: Reason
    weight: float
    value: str = ""
    question: str = ""

    @property
    def tells_an_answer(self) -> bool:
        """Whether it says what he answered, and not what he buys."""
        return bool(self.question)

    @property
    def told_of_him(self) -> str:
        """For whoever serves him."""
        return self._said(
            {
                Reason.PRODUCT: lambda n: ngettext(
                    "He bought it {n} time in a year.", "He bought it {n} times in a year.", n
                ),
                Reason.TAKEN: lambda _n: _("He has taken it before."),
                Reason.CATEGORY: lambda n: ngettext(
                    "He bought from “{category}” {n} time in a year.",
                    "He bought from “{category}” {n} times in a year.", n,
                ),
                Reason.SAID: lambda _n: _("He said: {title} — {value}."),
                Reason.ALIKE: lambda _n: (
                    _("Of members who answered “{title} — {value}” as he did, {share} buy or take it.")
                    if self.question
                    else _("Of members who buy from “{category}” as he does, {share} buy or take it.")
                ),
            }
        )  # fmt: skip

    @property
    def told_to_him(self) -> str:
        """For his own page."""
        return self._said(
            {
                Reason.PRODUCT: lambda n: ngettext(
                    "You bought it {n} time in a year.", "You bought it {n} times in a year.", n
                ),
                Reason.TAKEN: lambda _n: _("You have taken it before."),
                Reason.CATEGORY: lambda n: ngettext(
                    "You bought from “{category}” {n} time in a year.",
                    "You bought from “{category}” {n} times in a year.", n,
                ),
                Reason.SAID: lambda _n: _("You said: {title} — {value}."),
                Reason.ALIKE: lambda _n: (
                    _("Of those who answered “{title} — {value}” as you did, {share} buy or take it.")
                    if self.question
                    else _("Of those who buy from “{category}” as you do, {share} buy or take it.")
                ),
            }
        )  # fmt: skip

    def _said(self, words: dict[Reason, Callable[[int], str]]) -> str:
        popular: dict[Reason, Callable[[int], str]] = {
            Reason.POPULAR: lambda n: ngettext(
                "It was taken {n} time in a year.", "It was taken {n} times in a year.", n
            )
        }
        times = round(self.weight)
        text = (words | popular)[self.reason](times)
        return text.format(
            n=format_number(times), category=self.value, title=self.question, value=self.value,
            share=format_percent(self.weight),
        )  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A gift that fits a member, and why; the closest to his taste come first."""

    offer: Offer
    why: Why

    @property
    def reason(self) -> str:
        """For whoever serves him."""
        return self.why.told_of_him


@dataclass(frozen=True)
class _Known:
    """What is known of his taste: times bought by goods and by category, gifts taken, answers, and who is like him."""

    goods: Mapping[str, int]
    categories: Mapping[str, int]
    taken: Mapping[int, int]
    category_of: Mapping[str, str]
    answers: Mapping[tuple[str, str], Answer]  # by the field and the value
    named: Mapping[str, Answer]  # by the category that each may name
    tastes: Mapping[int, Sequence[Taste]]


def fitting(customer: Customer, offers: Sequence[Offer], *, most: int = 3) -> list[Fit]:
    """Of these offers what he can have now or soon and what suits him; the best first, none rather than any."""
    now = timezone.now()
    free = [one for one in offers if not one.obstacle]
    if not free:
        return []
    pace = pace_of(customer, at=now)
    near = [one for one in free if _is_near(one, pace)]
    if not near:
        return []
    known = _known(customer, [one.gift for one in near], now)
    found = [(why, one) for one in near if (why := _why(one.gift, known))]
    # what he can have now goes before what he can have soon, within one kind of reason
    found.sort(
        key=lambda pair: (pair[0].reason, pair[1].missing > 0, -pair[0].weight, pair[1].missing, pair[1].gift.pk)
    )
    return [Fit(one, why) for why, one in found[:most]]


def _is_near(offer: Offer, pace: Pace | None) -> bool:
    return offer.missing <= max(offer.gift.points / _NEARLY, pace.value * _SOON_DAYS if pace else 0)


def _known(customer: Customer, gifts: Sequence[Gift], at: dt.datetime) -> _Known:
    goods, categories = _bought(customer, at)
    his = Reward.objects.filter(customer=customer, gift__in=gifts, cancelled_at=None).order_by().values("gift")
    answers = {(one.field.slug, one.value): one for one in answers_of(customer)}
    his_traits = {("", category) for category in categories} | answers.keys()
    tastes: dict[int, list[Taste]] = {}
    for one in Taste.objects.filter(gift__in=gifts, value__in={value for _field, value in his_traits}):
        if (one.field, one.value) in his_traits:
            tastes.setdefault(one.gift_id, []).append(one)
    codes = [one.product for one in gifts if one.product]
    return _Known(
        goods, categories,
        taken=dict(his.values_list("gift", Count("pk"))),
        category_of=dict(Product.objects.filter(code__in=codes).values_list("code", "category")),
        answers=answers,
        # of two questions that ask the same the first one
        named={one.names: one for one in reversed(answers.values()) if one.names},
        tastes=tastes,
    )  # fmt: skip


def _bought(customer: Customer, at: dt.datetime) -> tuple[dict[str, int], dict[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_BOUGHT, {"ids": family_of(customer.pk), "since": at - WINDOW, "at": at})
        rows = cursor.fetchall()
    goods = {code: times for code, _category, times in rows if code is not None}
    return goods, {category: times for code, category, times in rows if code is None and category}


def _why(gift: Gift, known: _Known) -> Why | None:
    """The strongest reason why it suits him."""
    if times := known.goods.get(gift.product, 0):
        return Why(Reason.PRODUCT, times)
    if times := known.taken.get(gift.pk, 0):
        return Why(Reason.TAKEN, times)
    category = known.category_of.get(gift.product, "")
    if times := known.categories.get(category, 0):
        return Why(Reason.CATEGORY, times, category)
    if said := known.named.get(folded(category)):
        return Why(Reason.SAID, 1, said.shown, said.field.title)
    if alike := max(known.tastes.get(gift.pk, ()), key=_share, default=None):
        return _alike(alike, known)
    return Why(Reason.POPULAR, gift.taken_year) if gift.taken_year else None


def _alike(taste: Taste, known: _Known) -> Why:
    if answer := known.answers.get((taste.field, taste.value)):
        return Why(Reason.ALIKE, _share(taste), answer.shown, answer.field.title)
    return Why(Reason.ALIKE, _share(taste), taste.value)


def _share(taste: Taste) -> float:
    return taste.likers / taste.buyers
