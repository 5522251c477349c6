"""The customer's own page: what its links are made of."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from regulars.customers.models import Customer


class CustomerPage(models.Model):
    """A page that its customer opens by a link or a code. Links are not kept: they are signed, and name it.

    A new `version` makes all former links void, and the devices on which they were opened forget the page.
    """

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=40, unique=True)  # drawn by lot: it tells nothing of the customer
    version = models.PositiveIntegerField(default=1)
    made_at = models.DateTimeField()
    # a code that a person of the shop reads out, kept as a keyed hash until it is used
    code_digest = models.CharField(max_length=64, null=True, unique=True)
    code_until = models.DateTimeField(null=True)
    tired_until = models.DateTimeField(null=True)  # by how much tries to prove himself have run ahead of their pace
    # a code that he shows at a till, and the till that saw it first: from then on it is good there alone
    till_digest = models.CharField(max_length=64, null=True, unique=True)
    till_until = models.DateTimeField(null=True)
    till_seen = models.CharField(max_length=100, blank=True, db_default="", default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(code_digest=None, code_until=None) | Q(code_digest__isnull=False, code_until__isnull=False),
                name="page_code_ends",
            ),
            models.CheckConstraint(
                condition=Q(till_digest=None, till_until=None, till_seen="")
                | Q(till_digest__isnull=False, till_until__isnull=False),
                name="page_till_code_ends",
            ),
        ]
