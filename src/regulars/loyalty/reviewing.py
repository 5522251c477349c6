"""What somebody has to look at, in words, and his decision about it: once, with who and when."""

import datetime as dt

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from regulars.accounts.models import User
from regulars.accounts.services import log
from regulars.core.errors import InputError
from regulars.core.i18n import format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.models import Customer
from regulars.foundation.models import Business
from regulars.loyalty.correcting import is_his_own
from regulars.loyalty.members import hold_survivor
from regulars.loyalty.models import Alert
from regulars.loyalty.partners import REVIEW
from regulars.loyalty.programme.watch import said_of
from regulars.loyalty.returning import Coming, bring_back
from regulars.loyalty.telling import hold_number

Kind, Decision = Alert.Kind, Alert.Decision

_SHOWN = 100


def open_alerts(user: User) -> list[Alert]:
    """What waits for a decision, the newest first; those about customers whom this user does not see are left out."""
    return list(_seen(user).filter(decision=Decision.OPEN).order_by("-pk")[:_SHOWN])


def decided_alerts(user: User, many: int) -> list[Alert]:
    """The last decisions."""
    return list(_seen(user).exclude(decision=Decision.OPEN).order_by("-decided_at", "-pk")[:many])


def find_alert(key: int, user: User) -> Alert | None:
    """One of those, decided or not."""
    return _seen(user).filter(pk=key).first()


def _seen(user: User) -> QuerySet[Alert]:
    about = Q(customer=None) | Q(customer__in=Customer.objects.seen_by(user))
    return Alert.objects.filter(about).select_related(
        "customer", "sale", "sale__store", "other", "other__store", "decided_by", "merge__by", "merge__gone"
    )


@transaction.atomic
def decide(alert: Alert, *, is_right: bool, by: User, address: str | None = None) -> None:
    """It was right, or it was wrong: then the later of two equal receipts is cancelled. Decided once."""
    cancels = alert.kind == Kind.SAME and not is_right
    coming = _cancelling(alert) if cancels else None
    if coming:
        # in the order in which a till holds them: its number, the member, what hangs on them
        for till, number in sorted({(coming.till, coming.number), (coming.sale_till, coming.sale_number)}):
            hold_number(till, number)
    if alert.customer_id is not None:
        hold_survivor(alert.customer_id)
    found = Alert.objects.select_for_update(of=("self",)).select_related("decided_by", "merge").get(pk=alert.pk)
    if found.customer_id is not None and is_his_own(found.customer_id, by):
        raise InputError(_("This is about your own card: somebody else has to look at it."))
    if found.merge is not None and found.merge.by_id == by.pk:
        raise InputError(_("You merged these two yourself: somebody else has to look at it."))
    if found.decision:
        raise InputError(_("{name} has decided this already.").format(name=found.decided_by or _("Somebody")))
    if coming:
        bring_back(coming)
    found.decision = Decision.RIGHT if is_right else Decision.WRONG
    found.decided_by, found.decided_at = by, timezone.now()
    found.save(update_fields=["decision", "decided_by", "decided_at"])
    log(
        "alert_decided",
        user=by,
        about=f"{found.kind} {found.pk}",
        details={"decision": found.decision},
        address=address,
    )


def _cancelling(alert: Alert) -> Coming:
    assert alert.sale is not None
    return Coming(REVIEW, str(alert.pk), alert.sale.till, alert.sale.number, is_void=True)


def what_is_odd(alert: Alert) -> str:
    """One sentence about it, which blames nobody."""
    if alert.kind == Kind.SAME:
        assert alert.sale is not None
        assert alert.other is not None
        apart = abs(int((alert.sale.purchased_at - alert.other.purchased_at).total_seconds()))
        return _("Two receipts of one card and one sum, {apart} apart.").format(apart=_span(apart))
    if alert.kind == Kind.OWN:
        return _("The cashier's name or address is that of the card's owner.")
    said = {
        Kind.OFFLINE: _offline, Kind.MERGED: _merged, Kind.RAISED: _raised, Kind.CLOCK: _late, Kind.FORGIVEN: _kept,
    }  # fmt: skip
    return said.get(Kind(alert.kind), _beyond)(alert)


def _raised(alert: Alert) -> str:
    figures, currency = alert.figures, Business.current().currency
    if "typed" in figures:
        return _("Discounted from {typed} for one, as it was typed at the till, though its price was {stated}.").format(
            typed=format_money(figures["typed"], currency, exact=True),
            stated=format_money(figures["stated"], currency, exact=True),
        )
    raised_on = dt.date.fromisoformat(alert.figures["raised_on"])
    return _("Discounted on this day, though its price was raised on {day}.").format(day=format_date(raised_on))


def _late(alert: Alert) -> str:
    """Receipts of a moment that was over, of a till that did not say what its clock shows."""
    receipts = alert.figures["receipts"]
    return ngettext(
        "{n} receipt of this till came {late} after the moment that it tells: its clock is behind, or it had no line. "
        "The rules of that moment were applied.",
        "{n} receipts of this till came up to {late} after the moments that they tell: its clock is behind, or it had "
        "no line. The rules of those moments were applied.",
        receipts,
    ).format(n=format_number(receipts), late=_span(alert.figures["seconds"]))


def _kept(alert: Alert) -> str:
    """Points of goods that came back, which he had spent and may not owe; without a receipt those of a bonus."""
    points = alert.figures["points"]
    if alert.sale is None:
        return ngettext(
            "Goods came back that had counted for the bonus “{title}”, and {n} point of it was spent before: more than "
            "he may owe. Who does so again and again buys for nothing.",
            "Goods came back that had counted for the bonus “{title}”, and {n} points of it were spent before: more "
            "than he may owe. Who does so again and again buys for nothing.",
            points,
        ).format(title=alert.subject, n=format_number(points))
    return ngettext(
        "Its goods came back, and {n} point that they had given was spent before: more than he may owe. Who does so "
        "again and again buys for nothing.",
        "Its goods came back, and {n} points that they had given were spent before: more than he may owe. Who does so "
        "again and again buys for nothing.",
        points,
    ).format(n=format_number(points))


def _beyond(alert: Alert) -> str:
    """What passed a limit."""
    most = said_of(alert.figures["most"])
    span = _("In a day") if alert.per == "day" else _("In an hour")
    if alert.kind == Kind.REFUSED:
        times = ngettext("{n} receipt was refused", "{n} receipts were refused", alert.figures["times"]).format(
            n=format_number(alert.figures["times"])
        )
        return _("{span} {times} beyond the limit: {most}.").format(span=span, times=times, most=most)
    did = said_of({name: alert.figures[name] or None for name in ("receipts", "earned", "spent")})
    return _("{span} {did}; as a rule at most {most}.").format(span=span, did=did, most=most)


def _offline(alert: Alert) -> str:
    """What the till took otherwise than by its rules."""
    gap, points, currency = alert.figures["gap"], alert.figures["points"], Business.current().currency
    text = (
        _("The till took {money} less than by its rules.")
        if gap > 0
        else _("The till took {money} more than by its rules.")
    )
    said = [text.format(money=format_money(abs(gap), currency, exact=True))] if gap else []
    if points:
        said.append(
            ngettext(
                "{n} point that it took is not the member's to pay, and the shop bears it.",
                "{n} points that it took are not the member's to pay, and the shop bears them.",
                points,
            ).format(n=format_number(points))
        )
    return " ".join(said)


def _merged(alert: Alert) -> str:
    assert alert.merge is not None
    points, gone, by = alert.figures["points"], alert.merge.gone, alert.merge.by
    text = ngettext(
        "{who} merged {gone} into this customer: {n} point moved here without a second person.",
        "{who} merged {gone} into this customer: {n} points moved here without a second person.",
        points,
    ).format(
        who=by.name if by else _("A rule of merging"), gone=f"{gone.name} #{gone.pk}".strip(), n=format_number(points)
    )
    if alert.figures["in_a_day"] == points:
        return text
    in_a_day = _("With other merges of the day {n} points.").format(n=format_number(alert.figures["in_a_day"]))
    return f"{text} {in_a_day}"


def _span(seconds: int) -> str:
    if seconds < 60:
        return ngettext("{n} second", "{n} seconds", seconds).format(n=seconds)
    if seconds < 2 * 3600:
        return ngettext("{n} minute", "{n} minutes", seconds // 60).format(n=seconds // 60)
    if seconds < 2 * 86_400:
        return ngettext("{n} hour", "{n} hours", seconds // 3600).format(n=seconds // 3600)
    return ngettext("{n} day", "{n} days", seconds // 86_400).format(n=seconds // 86_400)
