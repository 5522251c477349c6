"""Partners with contracts of two months ago, for the tests of the coalition."""

import datetime as dt
from typing import Any

from django.db import connection
from django.utils import timezone

from regulars.foundation.models import Business
from regulars.loyalty.models import Contract, Partner, SettlementNet
from regulars.loyalty.partners import Terms, add_partner, bind_till
from regulars.loyalty.settling import close_day, make_statement

PRICES = Terms(issue_price=100_000, redeem_price=80_000)


def partner(slug: str, till: str, terms: Terms | None = PRICES, name: str = "") -> Partner:
    """With one till, and a contract of two months ago."""
    made = add_partner(slug, name or slug.title(), by=None)
    bind_till(made, till)
    if terms is not None:
        contract(made, terms)
    return made


def contract(of: Partner, terms: Terms, days_ago: int = 60) -> Contract:
    """As if it had been agreed the day before."""
    moment = timezone.now() - dt.timedelta(days=days_ago)
    begins_on = moment.astimezone(Business.current().zone).date()
    return Contract.objects.create(
        partner=of, begins_on=begins_on, agreed_at=moment - dt.timedelta(days=1), currency="RUB", **vars(terms)
    )


def today() -> dt.date:
    """By the clock of the business."""
    return timezone.now().astimezone(Business.current().zone).date()


def nets(day: dt.date) -> dict[str, int]:
    """What was netted on a closed day; `operator` for the one without a partner."""
    found = SettlementNet.objects.filter(day=day).values_list("partner__slug", "amount")
    return {slug or "operator": amount for slug, amount in found}


def judge_now() -> None:
    """Ask the constraints that otherwise wait for the end."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def later(**more: Any) -> dt.datetime:
    """So much after now."""
    return timezone.now() + dt.timedelta(**more)


def billed_partner() -> Partner:
    """One with an empty statement of a month ago, for tests of pages."""
    made = add_partner("books", "Book Yard", by=None)
    contract(made, PRICES)
    day = today() - dt.timedelta(days=30)
    close_day(day, at=timezone.now())
    make_statement(made, last=day, by=None, at=timezone.now())
    return made
