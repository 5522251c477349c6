"""Who bought between two days, as the audit counts it: by the clock of the store, for merged customers too."""

import datetime as dt
import zoneinfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from regulars.foundation.models import Business
from regulars.insights.merged import anybody_was_merged, survivors_of
from regulars.purchases.models import Line, Receipt, Store


def bought_between(first: dt.date, last: dt.date) -> Q:
    """Took something home on these days; a day of returns alone is none. A filter of customers."""
    receipts = _receipts(first, last)
    found = Q(Exists(receipts.filter(customer=OuterRef("pk"))))
    if not anybody_was_merged():
        return found
    return found | Q(pk__in=survivors_of(receipts.filter(customer__merged_into__isnull=False).values("customer")))


def _receipts(first: dt.date, last: dt.date) -> "QuerySet[Receipt]":
    business = Business.objects.first()
    usual = business.zone if business else zoneinfo.ZoneInfo("UTC")
    names = list(Store.objects.exclude(time_zone="").order_by().values_list("time_zone", flat=True).distinct())
    when = _during(first, last, usual)
    if names:
        when &= Q(store=None) | Q(store__time_zone="")
    for name in names:
        when |= Q(store__time_zone=name) & _during(first, last, zoneinfo.ZoneInfo(name))
    sold = Q(amount__gt=0) | Exists(Line.objects.filter(receipt=OuterRef("pk"), amount__gte=0))
    return Receipt.objects.filter(when, sold)


def _during(first: dt.date, last: dt.date, zone: dt.tzinfo) -> Q:
    start = dt.datetime.combine(first, dt.time(), zone)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone)
    return Q(purchased_at__gte=start, purchased_at__lt=end)
