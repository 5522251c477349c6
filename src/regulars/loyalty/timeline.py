"""Points, tiers and gifts in the timeline of a customer. Points of purchases stand with their receipts."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Q, Sum

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import N_, format_moment, format_number
from regulars.core.i18n import gettext as _
from regulars.customers.timeline import Before, Entry, Source, register
from regulars.foundation.models import Business
from regulars.loyalty.actors import names_of
from regulars.loyalty.models import Posting, Reward, TierChange, Transaction
from regulars.loyalty.tiers import tier_title
from regulars.loyalty.volume import SOURCE as VOLUME

# they stand with their receipts and gifts; what is taken back of a bonus for volume has none
_TOLD_ELSEWHERE = (
    Transaction.Kind.SALE, Transaction.Kind.RETURN, Transaction.Kind.VOID, Transaction.Kind.REWARD,
    Transaction.Kind.REWARD_VOID,
)  # fmt: skip


def register_source() -> None:
    """Called once, when the application is ready."""
    register(Source("points", N_("Points"), _points, Right.SEE_PURCHASES))
    register(Source("tier", N_("Tier"), _tiers, Right.SEE_PURCHASES))
    register(Source("reward", N_("Gifts"), _rewards, Right.SEE_PURCHASES))


def _points(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    moved = Posting.objects.filter(account__customer__in=ids).filter(
        ~Q(transaction__kind__in=_TOLD_ELSEWHERE) | Q(transaction__source=VOLUME)
    )
    earlier = Q(transaction__recorded_at__lt=before.at) | Q(
        transaction__recorded_at=before.at, transaction__lt=before.id
    )
    names = ("transaction", "transaction__recorded_at", "transaction__kind", "transaction__reason",
             "transaction__unit__title")  # fmt: skip
    found = moved.filter(earlier).values(*names).annotate(points=Sum("amount"))
    return [_entry(one) for one in found.order_by("-transaction__recorded_at", "-transaction")[:limit]]


def _tiers(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    earlier = Q(since__lt=before.at) | Q(since=before.at, pk__lt=before.id)
    found = list(TierChange.objects.filter(earlier, customer__in=ids).order_by("-since", "-pk")[:limit])
    return [
        Entry(
            one.since, one.pk, "tier", _("Tier"), text=tier_title(one.tier) or _("none"),
            tone="good" if one.tier else "warn",
        )
        for one in found
    ]  # fmt: skip


def _rewards(ids: Sequence[int], before: Before, limit: int, _user: User) -> list[Entry]:
    earlier = Q(taken_at__lt=before.at) | Q(taken_at=before.at, pk__lt=before.id)
    taken = Reward.objects.filter(earlier, customer__in=ids).select_related("gift")
    found, zone = list(taken.order_by("-taken_at", "-pk")[:limit]), Business.current().zone
    names = names_of({who for one in found for who in (one.handed_by, one.cancelled_by)})

    def line(label: str, at: dt.datetime | None, who: str) -> tuple[tuple[str, str], ...]:
        return ((label, f"{format_moment(at, zone)}, {names[who]}"),) if at else ()

    return [
        Entry(
            one.taken_at, one.pk, "reward", _("Gift"), text=one.gift.name,
            lines=(
                (_("Points"), format_number(one.points)),
                *line(_("Handed out"), one.handed_at, one.handed_by),
                *line(_("Cancelled"), one.cancelled_at, one.cancelled_by),
            ),
            tone="warn" if one.cancelled_at else "good",
        )
        for one in found
    ]  # fmt: skip


def _entry(one: dict[str, object]) -> Entry:
    points = int(str(one["points"]))
    unit = one["transaction__unit__title"] or _("Points")
    return Entry(
        one["transaction__recorded_at"],  # type: ignore[arg-type]
        int(str(one["transaction"])),
        "points",
        _(str(Transaction.Kind(str(one["transaction__kind"])).label)),
        text=f"{'+' if points > 0 else '−'}{format_number(abs(points))} ({unit})",
        lines=((_("Reason"), str(one["transaction__reason"])),) if one["transaction__reason"] else (),
        tone="good" if points > 0 else "warn",
    )
