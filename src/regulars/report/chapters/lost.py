"""What did we lose last year? Money missed, by the way it was lost."""

from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import names, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Explained, Figure, Figures
from regulars.report.chapters.common import Context, likely, share, whisker


def chapter(context: Context) -> Chapter:
    """Lost last year, in money."""
    if reason := context.audit.lost_last_year.reason:
        return Chapter("lost", _("What did we lose last year?"), reason)
    blocks: list[Block] = [_figures(context), _parts(context)]
    return Chapter("lost", _("What did we lose last year?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    lost = context.audit.lost_last_year
    if lost.customers == 0:
        return _("Nobody who left in the last year is missed: no loss can be seen.")
    return ngettext(
        "Had they kept coming as they used to, {n} customer would have brought {money} more since {since}.",
        "Had they kept coming as they used to, {n} customers would have brought {money} more since {since}.",
        lost.customers,
    ).format(n=words.count(lost.customers), money=context.purse.about(lost.money.value), since=words.day(lost.since))


def rule() -> str:
    """The plain sentence under the number."""
    return _("What customers who left or came less would have spent at their own pace, less what they did spend.")


def _figures(context: Context) -> Figures:
    lost, purse = context.audit.lost_last_year, context.purse
    found = [
        Figure(
            _("Missed revenue"),
            purse.about(lost.money.value),
            Explained(
                rule(),
                _(
                    "From {since} to {last}. Each customer is counted in one part only. The interval comes from "
                    "drawing the customers anew 1,000 times; doubt about the pace itself is not in it."
                ).format(since=words.day(lost.since), last=words.day(context.audit.as_of)),
            ),
            interval=likely(purse.range(lost.money)),
            tone="bad",
        ),
        Figure(
            _("Customers behind it"),
            words.count(lost.customers),
            Explained(_("Everybody with a loss, large or small: one person, one part.")),
            people=context.people("lost:any", lost.customers),
        ),
    ]
    if lost.margin is not None:
        found.insert(
            1,
            Figure(
                _("Missed margin"),
                purse.about(lost.margin.value),
                Explained(_("Missed revenue times the share of revenue that stays after the cost of goods.")),
                interval=likely(purse.range(lost.margin)),
                tone="bad",
            ),
        )
    return Figures(tuple(found))


def _parts(context: Context) -> Bars:
    lost = context.audit.lost_last_year
    widest = max((part.money.high for part in lost.parts.values()), default=0.0)
    bars = []
    for kind, part in lost.parts.items():
        if part.reason:
            bars.append(Bar(names.lost_part(kind), _("no data"), 0.0, note=part.reason))
            continue
        low, high = whisker(part.money, widest)
        bars.append(
            Bar(
                label=names.lost_part(kind),
                note=words.customers(part.customers),
                value=context.purse.about(part.money.value),
                interval=likely(context.purse.range(part.money)) if part.customers else "",
                end=share(part.money.value, widest),
                low=low,
                high=high,
                tone="lost",
                people=context.people(f"lost:{kind}", part.customers),
            )
        )
    return Bars(_("How it was lost"), tuple(bars), Explained(_meanings(), _definition()))


def _meanings() -> str:
    return _("Some left for good, some come more rarely than they used to, some came once and never again.")


def _definition() -> str:
    return _(
        "Left for good: repeat customers who are lost now and were not a year ago; their own pace times their own "
        "check, from the last visit on, times the chance that they have really left. Still come, but more rarely: so "
        "few visits had a chance of 5% or less at the old pace; old pace times old check, less what they spent, less "
        "what chance alone would have put there. Came once: newcomers of the year, at least one window ago; what an "
        "average newcomer of the same month has spent after the first visit. Pace and check are drawn towards the "
        "average of all where visits are few."
    )
