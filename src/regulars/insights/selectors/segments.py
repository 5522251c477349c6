"""How many a rule finds and who they are, quickly enough to be asked while the rule is being written."""

import math
import random
from dataclasses import dataclass

from django.db.models import Max

from regulars.accounts.models import User
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.customers.models import Customer
from regulars.customers.models.customer import CustomerSet
from regulars.foundation.patience import in_time
from regulars.insights.segments.query import customers_of
from regulars.insights.segments.rule import Rule
from regulars.insights.selectors.people import MOST_COUNTED
from regulars.report import words

SAMPLE = 10
_PATIENCE_MS = 250  # to count exactly; then less than as long to estimate
_PATIENCE_WITH_FEW_MS = 150
_DRAWN = 2_000  # customers that stand for all when counting takes too long


@dataclass(frozen=True)
class Preview:
    """How many, in words, and ten of them."""

    count: str
    people: list[Customer]
    exact: bool


def preview(rule: Rule, user: User) -> Preview:
    """Counted up to ten thousand; more, or what takes too long, is estimated from customers drawn by lot."""
    keys = _keys_in_time(customers_of(rule).seen_by(user), _PATIENCE_MS)
    if keys is None:
        return _estimated(rule, user)
    if len(keys) <= MOST_COUNTED:
        return Preview(words.customers(len(keys)), _by_key(keys[:SAMPLE]), exact=True)
    drawn = _drawn(rule, user)
    if drawn.about > MOST_COUNTED:
        return Preview(_about(drawn.about), _by_key(keys[:SAMPLE]), exact=False)
    count = _("more than {n} customers").format(n=words.count(MOST_COUNTED))
    return Preview(count, _by_key(keys[:SAMPLE]), exact=False)


def _keys_in_time(found: CustomerSet, patience_ms: int) -> list[int] | None:
    return in_time(patience_ms, lambda: list(found.order_by().values_list("pk", flat=True)[: MOST_COUNTED + 1]))


@dataclass(frozen=True)
class _Drawn:
    """Who of some drawn by lot fits the rule; None when even that takes too long."""

    keys: list[int] | None
    of: int  # how many were drawn
    all: int  # from how many

    @property
    def about(self) -> int:
        """How many of all fit, to two digits: a lot tells no more."""
        found = round(len(self.keys) / self.of * self.all) if self.keys else 0
        return round(found, 2 - len(str(found)))


def _drawn(rule: Rule, user: User) -> _Drawn:
    highest = Customer.objects.aggregate(highest=Max("pk"))["highest"] or 0
    drawn = random.Random(highest).sample(range(1, highest + 1), min(_DRAWN, highest))  # noqa: S311 - a sample, no secret
    found = customers_of(rule, one_by_one=True).seen_by(user).filter(pk__in=drawn)
    return _Drawn(_keys_in_time(found, _PATIENCE_WITH_FEW_MS), len(drawn), highest)


def _estimated(rule: Rule, user: User) -> Preview:
    drawn = _drawn(rule, user)
    if drawn.keys is None or not drawn.of:
        return Preview(_("too many to count while you write; the list itself can be opened"), [], exact=False)
    if not drawn.keys:
        # the rule of three: with 95 % certainty there are no more
        most = math.ceil(3 * drawn.all / drawn.of)
        return Preview(_("fewer than {n} customers").format(n=words.count(most)), [], exact=False)
    return Preview(_about(drawn.about), _by_key(drawn.keys[:SAMPLE]), exact=False)


def _about(count: int) -> str:
    return ngettext("about {n} customer", "about {n} customers", count).format(n=words.count(count))


def _by_key(keys: list[int]) -> list[Customer]:
    return list(Customer.objects.filter(pk__in=keys).select_related("score").order_by("pk"))
