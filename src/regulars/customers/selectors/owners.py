"""Whose customers there are."""

from django.db.models import Exists, OuterRef, Q

from regulars.accounts.models import User
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer


def has_customers() -> Exists:
    """Of a user: whether anybody is his, at one look into an index."""
    return Exists(Customer.objects.filter(owner=OuterRef("pk"), merged_into=None))


def owner_choices(most: int) -> list[tuple[str, str]]:
    """Ids and names to choose a manager by: all who work here, then those who left and still have customers."""
    users = User.objects.filter(Q(is_active=True) | has_customers()).order_by("-is_active", "name", "id")
    return [
        (str(one.pk), str(one) if one.is_active else _("{name} (account closed)").format(name=one))
        for one in users[:most]
    ]
