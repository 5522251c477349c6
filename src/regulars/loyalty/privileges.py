"""Privileges: given with a proof, and gone when it runs out, when somebody ends them, or when they are given anew."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _
from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of
from regulars.foundation.changes import acting
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.loyalty.models import Privilege
from regulars.loyalty.programme import conditions
from regulars.loyalty.programmes import rules_from

_LONGEST = 200
_FURTHEST = dt.timedelta(days=7_320)  # twenty years: whoever pays for more has pressed too often


def give_privilege(
    customer: Customer, *, name: str, proof: str, until: dt.date | None, by: User | None, source: str = "web"
) -> Privilege:
    """From now on he has it. One of the same name is replaced: the new proof counts.

    A name for which no rules ask is refused: it would be a misspelt one, and he would get nothing for it.
    """
    name, proof = _known(name), _text(proof)
    if not proof:
        raise InputError(_("Say by what he has proven it, such as the number of a certificate."))
    if until is not None and until < timezone.now().astimezone(Business.current().zone).date():
        raise InputError(_("The proof has run out already: {day}.").format(day=format_date(until)))
    now = timezone.now()
    with acting(by.pk if by else None, source):
        _standing(customer).filter(name=name).update(ended_at=now)
        made = Privilege.objects.create(
            customer=customer, name=name, proof=proof, until=until, given_at=now, given_by=by
        )
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})
    return made


def prolong_privilege(customer: Customer, *, name: str, days: int, proof: str, source: str) -> dt.date | None:
    """He has it so many days longer: after today, or after the last day on which he has it now. That last day.

    Fewer than nothing: he has it so much shorter, or no more. Raises `InputError` when he has it for good.
    """
    now = timezone.now()
    today = now.astimezone(Business.current().zone).date()
    days_of = list(_standing(customer).filter(name=name).values_list("until", flat=True))
    known = [one for one in days_of if one is not None]
    if len(known) < len(days_of):
        raise InputError(_("He has the privilege {name!r} for good: there is nothing to prolong.").format(name=name))
    until = max([today, *known]) + dt.timedelta(days=days)
    if until > today + _FURTHEST:
        raise InputError(_("The privilege {name!r} would last through {day}: that is too far away.").format(
            name=name, day=format_date(until)
        ))  # fmt: skip
    with acting(None, source):
        _standing(customer).filter(name=name).update(ended_at=now)
        lasts = until > today
        if lasts:
            Privilege.objects.create(customer=customer, name=name, proof=_text(proof), until=until, given_at=now)
        announce(Event.CUSTOMER_CHANGED, {"id": customer.pk})
    return until if lasts else None


def end_privilege(privilege: Privilege, *, by: User) -> None:
    """He has it no more; what was sold by it stays."""
    with acting(by.pk, "web"):
        Privilege.objects.filter(pk=privilege.pk, ended_at=None).update(ended_at=timezone.now())
        announce(Event.CUSTOMER_CHANGED, {"id": privilege.customer_id})


def standing_privileges(customer: Customer) -> list[Privilege]:
    """Those that nobody has ended, by name; a proof may have run out."""
    return list(_standing(customer).order_by("name", "id"))


def privileges_at(customer: int, moment: dt.datetime) -> dict[str, dt.date | None]:
    """What he had at that moment, by name, with the last day of the proof (None: for good)."""
    had = Privilege.objects.filter(customer__in=family_of(customer), given_at__lte=moment)
    found: dict[str, dt.date | None] = {}
    for name, until in had.filter(Q(ended_at=None) | Q(ended_at__gt=moment)).values_list("name", "until"):
        # two people who became one may both have it: the longer proof counts
        found[name] = None if until is None else _later(until, found.get(name, until))
    return found


def names_of_privileges() -> list[str]:
    """Those for which the rules of now ask, or rules that are to come, as they call them."""
    found: set[str] = set()
    for rules in rules_from(timezone.now()):
        leaves = (*rules.asked, *(leaf for one in rules.volume for leaf in one.when.leaves()))
        found.update(name for leaf in leaves if isinstance(leaf, conditions.Privilege) for name in leaf.any_of)
    return sorted(found)


def _known(written: str) -> str:
    """The privilege as the rules call it."""
    name = _text(written)
    if not name:
        raise InputError(_("Say which privilege he has, as the rules call it."))
    known = names_of_privileges()
    # rules may write it with two spaces, which nobody types
    found = next((one for one in known if _text(one) == name), None)
    if found is None:
        raise InputError(
            _("The rules ask for no privilege {name!r}. They know: {known}.").format(
                name=name, known=", ".join(known) or "—"
            )
        )
    return found


def _later(one: dt.date, other: dt.date | None) -> dt.date | None:
    return None if other is None else max(one, other)


def _standing(customer: Customer) -> "models.QuerySet[Privilege]":
    return Privilege.objects.filter(customer=customer, ended_at=None)


def _text(written: str) -> str:
    return " ".join(written.replace("\0", "").encode(errors="replace").decode().split())[:_LONGEST]
