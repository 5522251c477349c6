"""What this package suggests to do next with a customer."""

import datetime as dt

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.customers.models import Consent, Contact, Customer, Erasure
from regulars.customers.next_steps import Step
from regulars.customers.selectors.consents import is_left_in_peace

_BIRTHDAY_DAYS = 14


def suggest(customer: Customer, user: User, day: dt.date) -> list[Step]:
    """A demand to erase, a birthday, no way to reach him, no consent, nobody's customer."""
    steps = [*_erasure(customer, day), *_birthday(customer, day)]
    if not user.may(Right.EDIT_CUSTOMERS):
        return steps
    quiet = is_left_in_peace(customer, day)
    kinds = set(Contact.objects.filter(customer=customer).values_list("kind", flat=True))
    if Contact.Kind.PHONE not in kinds and not quiet:
        steps.append(Step(40, _("Ask for a phone"), _("There is no way to call him back."), "#contacts"))
    if not quiet and not Consent.objects.filter(customer=customer).exists():
        steps.append(
            Step(
                50, _("Ask for consent"), _("Without it nothing may be sent, not even what he would like."), "#consents"
            )
        )
    if customer.owner_id is None:
        steps.append(Step(60, _("Say whose customer he is"), _("Who is everybody's is nobody's."), "#owner"))
    return steps


def _erasure(customer: Customer, day: dt.date) -> list[Step]:
    case = Erasure.objects.filter(customer=customer, done_at=None).first()
    if case is None:
        return []
    late = case.due_on < day
    return [
        Step(
            0, _("Erase his data"),
            (_("It was due on {day}.") if late else _("It is due on {day}.")).format(day=format_date(case.due_on)),
            "erasure", "bad" if late else "warn",
        )
    ]  # fmt: skip


def _birthday(customer: Customer, day: dt.date) -> list[Step]:
    if customer.birth_date is None or is_left_in_peace(customer, day):
        return []
    coming = next_birthday(customer.birth_date, day)
    if (coming - day).days > _BIRTHDAY_DAYS:
        return []
    title = _("His birthday is today") if coming == day else _("His birthday is near")
    return [Step(20, title, format_date(coming), "", "good")]


def next_birthday(born: dt.date, day: dt.date) -> dt.date:
    """The next one from this day on; of a 29 February in a common year it is 1 March."""
    for year in (day.year, day.year + 1):
        try:
            coming = born.replace(year=year)
        except ValueError:
            coming = dt.date(year, 3, 1)
        if coming >= day:
            return coming
    raise AssertionError("a year has a birthday")
