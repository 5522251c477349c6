"""What the programme owes, in the language of the reader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import format_date, format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.loyalty.balances import Position
from regulars.loyalty.breakage import FEWEST_DECIDED, Outlook
from regulars.loyalty.certificates_owed import Owed
from regulars.loyalty.deferring import Amount, Deferred, Flow, Revenue
from regulars.loyalty.liability import Worth
from regulars.report.words import Purse, percent


def points_table(found: Position, held: int) -> list[tuple[str, str]]:
    """What became of all points, line by line."""
    owed = found.outstanding
    lines = (
        (_("Issued since the beginning"), found.issued), (_("Spent"), found.redeemed), (_("Expired"), found.expired),
        (_("Taken back"), found.taken_back), (_("Members can spend now"), owed.available),
        (_("Of these set aside for purchases that are not paid yet"), held),
        (_("Members can spend later"), owed.pending),
        (_("Past their day, taken out in the night"), owed.expiring), (_("Members owe to you"), owed.debt),
    )  # fmt: skip
    return [(title, format_number(points)) for title, points in lines]


def points_sentences(found: Position) -> Iterator[str]:
    """What is with members, and that nothing is lost."""
    owed = found.outstanding
    spendable = owed.available + owed.pending
    yield ngettext(
        "You owe {count} point to members: it can be spent now or later.",
        "You owe {count} points to members: they can be spent now or later.",
        spendable,
    ).format(count=format_number(spendable))
    if owed.debt:
        yield ngettext(
            "Members owe {count} point to you: they returned goods whose points were spent, or a till could not look. "
            "New points pay it first.",
            "Members owe {count} points to you: they returned goods whose points were spent, or a till could not look. "
            "New points pay them first.",
            owed.debt,
        ).format(count=format_number(owed.debt))
    if found.is_balanced:
        yield _("Every point that was issued is on one of these lines.")
    else:
        yield _("The lines do not add up to what was issued. Run regulars ledger verify: it names the fault.")


def worth_sentences(found: Worth | None, purse: Purse) -> Iterator[str]:
    """At most, and at the share that is spent in the end."""
    if found is None:
        yield _no_rules()
        return
    yield ngettext(
        "Members have {count} point, and a point pays {worth}: all of it can cost you at most {most}.",
        "Members have {count} points, and a point pays {worth}: all of them can cost you at most {most}.",
        found.points,
    ).format(count=format_number(found.points), worth=purse.money(found.worth), most=purse.exact(found.most))
    if found.lasting < found.points or not found.points:
        yield from _ending(found.shares[False])
    if found.lasting:
        yield _lasting(found.shares[True])
    if found.likely is None and found.least:
        yield _(
            "How many of them are spent in the end is not known yet: what they cost lies between {low} and {most}."
        ).format(low=purse.exact(found.most * found.least), most=purse.exact(found.most))
    elif found.likely is None:
        yield _("How many of them are spent in the end is not known yet: {most} is the most.").format(
            most=purse.exact(found.most)
        )
    else:
        yield _("At this share members will spend about {likely} ({range}).").format(
            likely=purse.about(found.likely.value), range=purse.range(found.likely)
        )


def _ending(share: Outlook) -> Iterator[str]:
    if share.value is not None:
        yield _("Of points whose time was over, {share} were spent ({low}–{high}).").format(
            share=percent(share.value), low=percent(share.low), high=percent(share.high)
        )


def _lasting(share: Outlook) -> str:
    if not share.members:
        return ngettext(
            "Not enough data on points that never expire: fewer than {count} member has had some.",
            "Not enough data on points that never expire: fewer than {count} members have had some.",
            FEWEST_DECIDED,
        ).format(count=format_number(FEWEST_DECIDED))  # fmt: skip
    if share.value is None:
        text = ngettext(
            "Points that never expire were watched for {count} day, and at least {low} of them are spent. Many are "
            "still being spent, or a year has not passed: nobody knows what comes, from nothing more to all.",
            "Points that never expire were watched for {count} days, and at least {low} of them are spent. Many are "
            "still being spent, or a year has not passed: nobody knows what comes, from nothing more to all.",
            share.days,
        )
    else:
        text = ngettext(
            "Points that never expire were watched for {count} day: {share} of them were spent (at least {low}), "
            "hardly any in the second half. What becomes of older ones nobody has seen: from nothing more to all.",
            "Points that never expire were watched for {count} days: {share} of them were spent (at least {low}), "
            "hardly any in the second half. What becomes of older ones nobody has seen: from nothing more to all.",
            share.days,
        )
    return text.format(count=format_number(share.days), low=percent(share.low), share=percent(share.value or 0.0))


def revenue_sentences(found: Revenue | None, purse: Purse) -> Iterator[str]:
    """How much of what was paid is revenue only later."""
    if found is None:
        yield _no_rules()
        return
    promised = found.promised
    if not promised.points:
        yield _("No receipt that stands gave points up to this day: nothing of what was paid is deferred.")
        return
    yield ngettext(
        "Members paid {paid} for goods on receipts that gave points. They gave {count} point.",
        "Members paid {paid} for goods on receipts that gave points. They gave {count} points.",
        promised.points,
    ).format(paid=purse.exact(promised.paid), count=format_number(promised.points))
    yield _("Of these {redeemed} were spent so far, {alive} can still be spent, and {lapsed} expired.").format(
        redeemed=format_number(promised.redeemed), alive=format_number(promised.alive),
        lapsed=format_number(promised.lapsed),
    )  # fmt: skip
    if found.likely is None:
        yield _not_known(found, purse)
        return
    yield from _known(found, found.likely, purse)
    if found.is_early:
        yield _(
            "For some of these sales no estimate of their own time was kept. Their prices are split by the first one "
            "that is known."
        )


@dataclass(frozen=True)
class FlowTable:
    """Revenue from one day to another, in columns."""

    heads: list[str]
    lines: list[tuple[str, list[str]]]


def flow_table(found: Sequence[Flow], purse: Purse) -> FlowTable:
    """One column for each span of days."""
    lines = (
        (_("Deferred at the beginning"), "begin"), (_("Paid for points on receipts, returns taken off"), "added"),
        (_("Became revenue"), "earned"), (_("Deferred at the end"), "end"),
    )  # fmt: skip
    return FlowTable(
        [
            _("{first} to {last}").format(first=format_date(one.first), last=format_date(one.last))
            for one in found
        ],
        [(title, [_amount(getattr(one, name), purse) for one in found]) for title, name in lines],
    )  # fmt: skip


def _amount(one: Amount, purse: Purse) -> str:
    if one.low == one.high:
        return purse.exact(one.low)
    between = purse.range(Estimate(one.low, one.low, one.high))
    return between if one.likely is None else f"{purse.exact(one.likely)} ({between})"


def _known(found: Revenue, likely: Deferred, purse: Purse) -> Iterator[str]:
    yield _(
        "{expected} are expected to be spent in all. So {part} of what was paid was paid for the points; {earned} of "
        "it is revenue already, because points were spent."
    ).format(
        expected=format_number(likely.expected), part=purse.exact(likely.part), earned=purse.exact(likely.earned)
    )  # fmt: skip
    text = _("Deferred: {left}.").format(left=purse.exact(likely.left))
    if found.low.left != found.high.left:
        text += " " + _("By what is known of the share that is spent, it lies between {low} and {high}.").format(
            low=purse.exact(found.low.left), high=purse.exact(found.high.left)
        )
    yield text


def _not_known(found: Revenue, purse: Purse) -> str:
    return _(
        "How many points are spent in the end is not known yet. If nobody spends any more, {low} is deferred; if "
        "everybody spends all, {high}. It lies between these figures."
    ).format(low=purse.exact(found.low.left), high=purse.exact(found.high.left))


def certificate_sentences(found: Owed, purse: Purse) -> Iterator[str]:
    """What can still be paid with certificates."""
    if not found.certificates:
        yield _("Nothing is owed on gift certificates.")
        return
    yield ngettext(
        "You owe {amount} on {count} gift certificate: it was paid for in advance.",
        "You owe {amount} on {count} gift certificates: they were paid for in advance.",
        found.certificates,
    ).format(amount=purse.exact(found.amount), count=format_number(found.certificates))


def _no_rules() -> str:
    return _("No rules were valid on this day, so nobody can say what a point was worth.")
