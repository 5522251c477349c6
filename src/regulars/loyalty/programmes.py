"""Versions of the programme: publishing one, and which of them judges a moment."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import minor_digits
from regulars.customers.models.fields import Field
from regulars.foundation.clashes import or_told
from regulars.foundation.models import Business
from regulars.foundation.outbox import Event, announce
from regulars.loyalty.models import Partner, Programme
from regulars.loyalty.programme.conditions import Answered, AtPartner, InSegment, OfTier
from regulars.loyalty.programme.effects import PointsByTier
from regulars.loyalty.programme.rules import Rule, RuleSet, as_json, parse
from regulars.loyalty.programme.volume import Volume

LONGEST_NOTE = 300
_MOST_NAMED = 20
_FARTHEST = dt.timedelta(days=3_660)


@transaction.atomic
def publish(
    data: Mapping[str, Any], *, by: User | None, valid_from: dt.datetime | None = None, note: str = "",
    address: str | None = None, segments: Collection[str] = (),
) -> Programme:  # fmt: skip
    """A new version, valid from its moment (None: from now). What is published cannot be changed, only followed.

    `segments` are the names of those that there are.
    """
    rules, now = checked(data, segments=segments), timezone.now()
    valid_from = valid_from or now
    if valid_from < now:
        raise InputError(
            _(
                "{moment} has passed: receipts of that time are judged already. Let the rules begin now or later."
            ).format(moment=valid_from.isoformat())
        )
    if valid_from > now + _FARTHEST:
        raise InputError(_("{moment} is too far away: rules begin within {days} days.").format(
            moment=valid_from.isoformat(), days=_FARTHEST.days
        ))  # fmt: skip
    note = note.replace("\0", "").encode(errors="replace").decode()
    if len(note) > LONGEST_NOTE:
        raise InputError(_("Write a note of at most {count} characters.").format(count=LONGEST_NOTE))
    with or_told(_("Another version begins at this very moment: choose another one.")):
        made = Programme.objects.create(
            rules=as_json(rules), note=note, valid_from=valid_from, published_at=now, published_by=by
        )
    # it may begin later: whoever writes to members has the time until then
    announce(Event.PROGRAMME_PUBLISHED, {"id": made.pk, "valid_from": valid_from.isoformat(), "note": note})
    log("programme_published", user=by, about=note or valid_from.isoformat(timespec="minutes"), address=address)
    return made


def checked(data: Any, *, segments: Collection[str] = ()) -> RuleSet:
    """The rules, when tills of this business can sell by them. `segments` are the names of those that there are."""
    rules = parse(data)
    _check(rules)
    tiers = rules.tiers.ids if rules.tiers else ()
    fields = frozenset(Field.objects.values_list("slug", flat=True))
    partners = frozenset(Partner.objects.values_list("slug", flat=True))
    for rule in rules.rules:
        if isinstance(rule.gives, PointsByTier):
            _check_known(rule, _("the tier"), tuple(rule.gives.times), tiers)
    named: tuple[Rule | Volume, ...] = (*rules.rules, *rules.volume)
    for one in named:
        for leaf in one.when.leaves():
            if isinstance(leaf, OfTier):
                _check_known(one, _("the tier"), leaf.any_of, tiers)
            elif isinstance(leaf, AtPartner):
                _check_known(one, _("the partner"), leaf.any_of, partners)
            elif isinstance(leaf, InSegment):
                _check_known(one, _("the segment"), leaf.any_of, segments)
            elif isinstance(leaf, Answered):
                _check_known(one, _("the own field"), (leaf.question,), fields)
    return rules


def beginning(currency: str) -> dict[str, Any]:
    """Rules to begin with: three per cent back in points that pay up to half of a receipt and live for a year."""
    one = 10 ** minor_digits(currency)
    return {
        "format": 1,
        "currency": currency,
        "stacking": {"choose": "best_for_customer", "percent_of": "original", "thresholds": "original"},
        "accrual": {"basis": "after_discounts", "on_part_paid_with_points": False},
        "spending": {"as": "discount", "worth": one, "most_share": 50},
        "life": {"days": 365, "most_debt": 1000},
        "guard": {"line": 10, "unknown_cost": "allow"},
        "rules": [{"id": "back", "title": _("Three per cent back"), "gives": {"kind": "points_percent", "percent": 3}}],
    }


def valid_at(moment: dt.datetime) -> tuple[Programme, RuleSet] | None:
    """The version by which a receipt of this moment is judged; None before the first one."""
    # the rules may be long, and are read once
    found = Programme.objects.filter(valid_from__lte=moment).order_by("-valid_from").defer("rules").first()
    return None if found is None else (found, rules_of(found))


def rules_at(moment: dt.datetime) -> RuleSet | None:
    """Its rules alone, for whoever asks with each receipt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, published_at FROM loyalty_programme WHERE valid_from <= %s ORDER BY valid_from DESC LIMIT 1",
            [moment],
        )
        found = cursor.fetchone()
    return None if found is None else rules_of_version(*found)


def most_debt(moment: dt.datetime) -> int:
    """How many points a new member may owe."""
    valid = valid_at(moment)
    return 0 if valid is None else valid[1].life.most_debt


def rules_from(moment: dt.datetime) -> list[RuleSet]:
    """Those by which a receipt of this moment or of a later one is judged, as far as they are published."""
    valid, to_come = valid_at(moment), Programme.objects.filter(valid_from__gt=moment).order_by("valid_from")
    return [*([valid[1]] if valid else []), *(rules_of(one) for one in to_come.defer("rules"))]


def versions() -> list[Programme]:
    """All of them, the newest first."""
    return list(Programme.objects.order_by("-valid_from"))


def rules_of(programme: Programme) -> RuleSet:
    """Its rules. They never change, so a process reads them once."""
    return rules_of_version(programme.pk, programme.published_at)


@lru_cache(maxsize=64)
def rules_of_version(key: int, _published_at: dt.datetime) -> RuleSet:
    """The same by the version's id and the moment when it was published."""
    # the moment tells one database's versions from another's
    return parse(Programme.objects.get(pk=key).rules)


def _check(rules: RuleSet) -> None:
    currency = Business.current().currency
    if rules.currency != currency:
        raise InputError(
            _("The programme counts in {theirs}, the business in {ours}: give 'currency': {ours!r}.").format(
                theirs=rules.currency, ours=currency
            )
        )


def _check_known(rule: Rule | Volume, what: str, named: Sequence[str], known: Collection[str]) -> None:
    # a rule for nobody would never act, and nobody would know why
    for name in named:
        if name not in known:
            raise InputError(
                _("Rule {id!r} names {what} {name!r}, which there is not. Known: {known}.").format(
                    id=rule.id, what=what, name=name, known=", ".join(sorted(known)[:_MOST_NAMED]) or "-"
                )
            )
