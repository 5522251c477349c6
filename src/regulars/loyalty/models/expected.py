"""What was expected of points, as it was expected then."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from regulars.loyalty.models.ledger import Unit


class SpentShare(models.Model):
    """Which share of points is spent in the end, as estimated on a day; `lasts`: of points that never expire.

    The prices of sales are split by the estimate that stood when they were made, so a row never changes, and none is
    added before one that is there: what was split once stays so.
    """

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", db_index=False)
    lasts = models.BooleanField()
    estimated_on = models.DateField()  # of the business's calendar
    share = models.DecimalField(max_digits=10, decimal_places=9)
    low = models.DecimalField(max_digits=10, decimal_places=9)
    high = models.DecimalField(max_digits=10, decimal_places=9)
    members = models.BigIntegerField()  # from whose points
    points = models.BigIntegerField()
    days = models.PositiveIntegerField(default=0)  # for which points that never expire were watched

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit", "lasts", "estimated_on"], name="spent_share_once"),
            models.CheckConstraint(
                condition=Q(low__gte=0, share__gte=F("low"), high__gte=F("share"), high__lte=1),
                name="spent_share_is_a_share",
            ),
            models.CheckConstraint(condition=Q(members__gt=0, points__gt=0), name="spent_share_of_something"),
        ]
