"""Who was erased is written about no more: every write about a customer holds his row first."""

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer


def lock_living(*customers: Customer) -> None:
    """Hold their rows until the end of the transaction; `InputError` when one was erased meanwhile."""
    # in one order everywhere, so that two writers cannot wait for each other
    rows = Customer.objects.select_for_update().filter(pk__in=[one.pk for one in customers]).order_by("pk")
    if any(list(rows.values_list("is_erased", flat=True))):
        raise InputError(_("The data of this person were erased. If he comes again, add him as a new customer."))
