"""Members beside comparable customers, in the language of the reader: what was compared, and what it cannot say."""

from collections.abc import Iterator

from regulars.analytics.estimate import Estimate
from regulars.core.i18n import format_date, format_number
from regulars.core.i18n import gettext as _
from regulars.loyalty.joining import FEWEST, Compared, Joined
from regulars.report.words import Purse, decimal, percent


def joining_sentences(found: Joined | None, purse: Purse) -> list[str]:
    """The figures with their check, and always what they are not."""
    return [*(_too_new() if found is None else _said(found, purse)), _warning()]


def _too_new() -> Iterator[str]:
    yield _("Not enough data: the first members joined less than two months ago.")


def _warning() -> str:
    return _(
        "Who joins wants to buy: he would perhaps have bought more without the programme too. So this is no proof, and "
        "what is found is rather the most that joining can have done. Only a rule with a holdout proves what it earns."
    )


def _said(found: Joined, purse: Purse) -> Iterator[str]:
    yield _(
        "Customers who joined from {first} to {last}, beside customers who had not joined by then and in 180 days "
        "before had come as often, paid as much and been there as lately. Compared is by how much the {days} days "
        "after the month of joining differ from the {days} days before it."
    ).format(first=format_date(found.first), last=format_date(found.last), days=found.days)
    if found.share < 1:
        yield _("Of all customers {share} were drawn by lot for it.").format(share=percent(found.share))
    yield _("Of {joined} who joined, {matched} ({share}) find comparable customers; only they count.").format(
        joined=format_number(found.joined), matched=format_number(found.matched),
        share=percent(found.matched / found.joined) if found.joined else "–",
    )  # fmt: skip
    if found.after is None:
        yield _("Not enough data: at least {count} of those who joined must find comparable customers.").format(
            count=FEWEST
        )
        return
    yield from _differences(found.after, purse)
    yield _check(found.before, purse)


def _differences(after: Compared, purse: Purse) -> Iterator[str]:
    yield _(
        "Beside {others} comparable customers what one who joined pays changed by {paid}, and his visits by {visits}."
    ).format(others=format_number(after.others), paid=_money(after.paid, purse), visits=_visits(after.visits))
    if after.is_even:
        yield _("No difference is shown.")


def _check(before: Compared | None, purse: Purse) -> str:
    if before is None:
        return _(
            "Too little is known of the time before to check whether both were alike: the difference must not be read "
            "as an effect."
        )
    figures = {"paid": _money(before.paid, purse), "visits": _visits(before.visits)}
    if before.is_even:
        text = _(
            "The check: at a time when nobody of them had joined, the same comparison finds no difference, as it "
            "should: {paid}, and {visits} visits."
        )
    else:
        text = _(
            "The check fails: at a time when nobody of them had joined, the same comparison finds a difference "
            "already: {paid}, and {visits} visits. The groups were different, so the difference must not be "
            "read as an effect."
        )
    return text.format(**figures)


def _money(one: Estimate, purse: Purse) -> str:
    return f"{purse.signed(one.value)} ({purse.range(one)})"


def _visits(one: Estimate) -> str:
    low, value, high = (decimal(each, 2) for each in (one.low, one.value, one.high))
    return _("{value} (from {low} to {high})").format(value=value, low=low, high=high)
