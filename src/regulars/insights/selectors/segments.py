"""How many a rule finds and who they are, quickly enough to be asked while the rule is being written."""

import math
import random
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.db.models import Max

from regulars.accounts.models import User
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.customers.models import Customer
from regulars.customers.models.customer import CustomerSet
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
    """Counted up to ten thousand; where even that takes too long, estimated from customers drawn by lot."""
    found = customers_of(rule).seen_by(user)
    keys = _keys_in_time(found, _PATIENCE_MS)
    if keys is None:
        return _estimated(rule, user)
    people = _by_key(keys[:SAMPLE])
    if len(keys) > MOST_COUNTED:
        return Preview(_("more than {n} customers").format(n=words.count(MOST_COUNTED)), people, exact=False)
    return Preview(words.customers(len(keys)), people, exact=True)


def _keys_in_time(found: CustomerSet, patience_ms: int) -> list[int] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {patience_ms:d}")
            keys = list(found.order_by().values_list("pk", flat=True)[: MOST_COUNTED + 1])
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            return keys
    except OperationalError:
        return None


def _estimated(rule: Rule, user: User) -> Preview:
    highest = Customer.objects.aggregate(highest=Max("pk"))["highest"] or 0
    drawn = random.Random(highest).sample(range(1, highest + 1), min(_DRAWN, highest))  # noqa: S311 - a sample, no secret
    found = customers_of(rule, one_by_one=True).seen_by(user).filter(pk__in=drawn)
    keys = _keys_in_time(found, _PATIENCE_WITH_FEW_MS)
    if keys is None or not drawn:
        return Preview(_("too many to count while you write; the list itself can be opened"), [], exact=False)
    if not keys:
        # the rule of three: with 95 % certainty there are no more
        most = math.ceil(3 * highest / len(drawn))
        return Preview(_("fewer than {n} customers").format(n=words.count(most)), [], exact=False)
    about = round(len(keys) / len(drawn) * highest / 100) * 100
    text = ngettext("about {n} customer", "about {n} customers", about).format(n=words.count(about))
    return Preview(text, _by_key(keys[:SAMPLE]), exact=False)


def _by_key(keys: list[int]) -> list[Customer]:
    return list(Customer.objects.filter(pk__in=keys).select_related("score").order_by("pk"))
