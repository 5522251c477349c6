"""Why did revenue change? A waterfall whose steps add up to the difference."""

from regulars.analytics.revenue_change import FACTORS, RevenueChange
from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Explained
from regulars.report.chapters.common import Context


def chapter(context: Context) -> Chapter:
    """The change of revenue between two equal periods."""
    change = context.audit.revenue_change
    question = _("Why did revenue change?")
    if change is None:
        return Chapter("change", question, "", (context.missing("revenue_change"),))
    blocks: list[Block] = [waterfall(context, change)]
    return Chapter("change", question, answer(context, change), tuple(blocks))


def answer(context: Context, change: RevenueChange) -> str:
    """The difference, and the two effects that made most of it."""
    difference = change.last_revenue - change.previous_revenue
    texts = {
        1: _("Revenue grew by {money} ({share}) against the previous period of {days}."),
        0: _("Revenue is the same as in the previous period of {days}."),
        -1: _("Revenue fell by {money} ({share}) against the previous period of {days}."),
    }
    text = texts[(difference > 0) - (difference < 0)].format(
        money=context.purse.about(abs(difference)),
        share=relative(change),
        days=words.days((change.last[1] - change.last[0]).days + 1),
    )
    most = [name for name, money in ranked(change)[:2] if money]
    if not most:
        return text
    listed = _(" and ").join(
        f"{_lower(names.effect(name))} ({context.purse.signed(change.effects[name])})" for name in most
    )
    return text + " " + _("What moved it most: {effects}.").format(effects=listed)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def relative(change: RevenueChange) -> str:
    """The difference as a share of the previous revenue."""
    if change.previous_revenue <= 0:
        return "—"
    return words.signed_percent(change.last_revenue / change.previous_revenue - 1)


def ranked(change: RevenueChange) -> list[tuple[str, int]]:
    """Effects by size, largest first."""
    return sorted(change.effects.items(), key=lambda effect: (-abs(effect[1]), effect[0]))


def waterfall(context: Context, change: RevenueChange) -> Bars:
    """From the previous revenue to the last one, one effect at a time.

    When the effects are small against the revenue the axis begins above zero, and the page says so.
    """
    levels = _levels(change)
    edges = [level for _name, start, end in levels for level in (start, end)] or [0]
    lowest, highest = min(edges), max(*edges, 1)
    origin = _origin(lowest, highest)
    span = highest - origin or 1

    def place(level: float) -> float:
        return min(max((level - origin) / span, 0.0), 1.0)

    ends = [
        Bar(
            words.period(*period),
            context.purse.money(revenue),
            place(revenue),
            tone="quiet",
            torn=origin > 0,
        )
        for period, revenue in ((change.previous, change.previous_revenue), (change.last, change.last_revenue))
    ]
    steps = [
        _step(context, change, name, place(min(start, end)), place(max(start, end))) for name, start, end in levels
    ]
    scale = ""
    if origin > 0:
        scale = _("The bars begin at {money}, not at zero, so that the steps can be seen.").format(
            money=context.purse.money(origin)
        )
    return Bars(
        _("From one year's revenue to the next") if _is_year(change) else _("From one period's revenue to the next"),
        (ends[0], *steps, ends[1]),
        Explained(
            _("Each step begins where the one above it ends; together they make up the whole difference."), _exact()
        ),
        scale=scale,
    )


def _exact() -> str:
    return _(
        "New: first ever purchase in the last period. After a break: bought before the previous period but not in it. "
        "Stopped: bought in the previous period only. For those who bought in both, revenue is receipts × items in a "
        "receipt × money for an item; the change is shared among the three by the logarithmic mean Divisia index "
        "(LMDI; Ang 2005), which leaves no remainder. A history without much before the previous period takes some old "
        "customers for new ones."
    )


def _is_year(change: RevenueChange) -> bool:
    return (change.last[1] - change.last[0]).days == 364


def _levels(change: RevenueChange) -> list[tuple[str, int, int]]:
    level, found = change.previous_revenue, []
    for name, money in change.effects.items():
        if money:
            found.append((name, level, level + money))
        level += money
    return found


def _origin(lowest: float, highest: float) -> float:
    if lowest <= 0.5 * highest:
        return min(lowest, 0.0)
    return lowest - (highest - lowest) * 0.5 if highest > lowest else 0.0


def _step(context: Context, change: RevenueChange, name: str, start: float, end: float) -> Bar:
    money = change.effects[name]
    people = change.customers.get(name)
    # the three factors are about those who bought in both periods
    note = words.customers(people) if people is not None else ""
    if name in FACTORS:
        note = _("those who bought in both periods")
    return Bar(
        label=names.effect(name),
        note=note,
        value=context.purse.signed(money),
        start=start,
        end=end,
        tone="good" if money >= 0 else "bad",
        list_id=_list_of(change, name),
        count=people,
    )


def _list_of(change: RevenueChange, name: str) -> str:
    """The days that tell these people from the others."""
    last, before = ":".join(day.isoformat() for day in change.last), change.previous[0].isoformat()
    lists = {"won": f"first:{last}", "returned": f"returned:{last}:{before}", "lost": f"stopped:{last}:{before}"}
    return lists.get(name, "")
