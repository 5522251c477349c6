"""Gifts that a member sets aside on his own page, to fetch them at a till; what nobody fetches goes back.

Setting aside is taking: the points are spent and the piece is his, so no till can spend or give either a second time.
"""

import datetime as dt
import re

from django.utils import timezone

from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.loyalty.gifts import NOBODY_CAME, NoGift, Wish, cancel, hand_out, take
from regulars.loyalty.models import CustomerPage, Reward
from regulars.loyalty.partners import partner_at
from regulars.loyalty.telling import NotNow

HOURS = 48


class NoCode(NoGift):
    """No gift has this code: somebody may be trying codes."""


def set_aside(customer: Customer, page: CustomerPage, *, number: str, gift: int, points: int) -> Reward:
    """Take the gift for so many points, to be fetched within `HOURS`; once for each number of the page.

    Raises `NotNow` and `NoGift` as taking does, and when too many wait for him already.
    """
    until = timezone.now() + dt.timedelta(hours=HOURS)
    return take(customer, Wish(f"page:{page.pk}", number, gift, points, until=until))


def let_go(customer: Customer, reward: int, page: CustomerPage) -> None:
    """He does not want it any more. Raises `NoGift` when nothing of the kind waits for him."""
    found = Reward.objects.filter(pk=reward, customer=customer, until__isnull=False).first()
    if found is not None and not cancel(found, who=f"page:{page.pk}", only_waiting=True):
        found.refresh_from_db()
    if found is None or (found.handed_at is not None and found.cancelled_at is None):
        raise NoGift(_("This gift does not wait for you any more."))


def fetch(code: str, *, who: str, till: str, number: str) -> Reward:
    """Hand out what waits under this code. The same `number` of this till again is answered alike.

    Raises `NoCode` when nothing waits under it, `NotNow` when it was handed out already.
    """
    found = waiting_under(code)
    if found is None:
        raise NoCode(_("No gift waits under this code."))
    if partner_at(till) is not None:
        raise NotNow(_("Gifts are handed out by the operator of the programme, not by partners."))
    return hand_out(found, who=who, number=number)


def waiting_under(code: str) -> Reward | None:
    """The gift of this code, also when it was handed out or cancelled since."""
    bare = re.sub(r"[\s-]", "", code).upper()
    if not re.fullmatch(r"[0-9A-Z]{10,20}", bare):
        return None
    return Reward.objects.filter(code=bare).select_related("gift", "customer").first()


def release_forgotten(at: dt.datetime) -> int:
    """Let go what nobody fetched in time; how many gifts that were."""
    due = Reward.objects.filter(until__lte=at, handed_at=None, cancelled_at=None).order_by("until")
    return sum(cancel(one, who=NOBODY_CAME, only_waiting=True) for one in due.iterator())
