"""What do they spend at a visit, and how often do they come? Check, pillars, interval between visits."""

from collections.abc import Callable
from typing import Any

from regulars.analytics.check import Check
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import charts, names, words
from regulars.report.blocks import (
    Bar,
    Bars,
    Block,
    Cell,
    Chapter,
    Column,
    Explained,
    Figure,
    Figures,
    People,
    Picture,
    Table,
)
from regulars.report.chapters.common import Context, last_months, likely, number, people, rows_of, share, table
from regulars.report.people import SHOWN

# the id of the list of those who spend much and come rarely
COULD_COME_MORE_OFTEN = "could_come_more_often"


def chapter(context: Context) -> Chapter:
    """Checks and visits."""
    audit = context.audit
    blocks: list[Block] = [_figures(context)] if audit.check or audit.visit_period else []
    if audit.check is None:
        blocks.append(context.missing("check"))
    else:
        blocks += [_histogram(context, audit.check), _check_months(context, audit.check)]
    blocks.append(context.missing("pillars") if audit.pillars is None else _pillars(context))
    if audit.visit_period is None:
        blocks.append(context.missing("visit_period"))
    else:
        blocks += [_by_segment(context), *_quarters(context)]
    title = _("What do they spend at a visit, and how often do they come?")
    return Chapter("spend", title, _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    audit, parts = context.audit, []
    if audit.check is not None:
        parts.append(
            _("Half of all receipts are below {median}; the mean is {mean}.").format(
                median=context.purse.money(audit.check.median.value), mean=context.purse.money(audit.check.mean.value)
            )
        )
    if audit.visit_period is not None:
        parts.append(
            _("A customer who comes back does so every {days}.").format(days=_days(audit.visit_period.median.value))
        )
    return " ".join(parts)


def _days(value: float) -> str:
    if value >= 10 or value == round(value):
        return words.days(value)
    return ngettext("{n} day", "{n} days", 2).format(n=words.decimal(value)).replace(" ", words.NBSP)


def _figures(context: Context) -> Figures:
    audit = context.audit
    found = _check_figures(context, audit.check) if audit.check else []
    period = audit.visit_period
    if period is not None:
        found.append(
            Figure(
                _("Usual interval between visits"),
                _days(period.median.value),
                Explained(
                    _("Half of the customers who came twice or more come more often than this."),
                    _(
                        "The median over {n} of each one's mean interval from the first to the last visit. A visit is "
                        "a day with a purchase."
                    ).format(n=words.customers(period.customers)),
                ),
                interval=likely(words.days_range(period.median)),
                people=_could_come_more_often(context),
            )
        )
    return Figures(tuple(found))


def _check_figures(context: Context, check: Check) -> list[Figure]:
    purse = context.purse
    texts = [
        (
            _("Median check"),
            check.median,
            _("Half of the receipts are larger, half are smaller."),
            _("Receipts that brought money, returns left out. Interval by order statistics."),
        ),
        (
            _("Mean check"),
            check.mean,
            _("All money over all receipts: a few large ones pull it up."),
            _("The mean of {n} receipts; Student's interval.").format(n=words.count(check.receipts)),
        ),
        (
            _("Trimmed mean"),
            check.trimmed,
            _("The mean without the tenth of the smallest and the tenth of the largest receipts."),
            _("Standard error from the Winsorised variance (Yuen 1974)."),
        ),
    ]
    return [
        Figure(label, purse.money(value.value), Explained(rule, text), interval=likely(purse.range(value)))
        for label, value, rule, text in texts
    ]


def _could_come_more_often(context: Context) -> People | None:
    """The people whom the visit period finds: a high check and rare visits."""
    period = context.audit.visit_period
    assert period is not None
    found = period.frequent_potential
    count = int(found.count().to_pyarrow().as_py())
    if count == 0:
        return None
    columns = ["customer_id", "mean_check", "visit_period_days", "amount"]
    rows = rows_of(found.order_by([found.amount.desc(), found.customer_id]).select(columns), limit=SHOWN)
    listed = table(
        _("A high check and rare visits: the customers with the most money"),
        [Column(names.column(name), number=name != "customer_id") for name in columns],
        [
            (
                Cell(words.name(row["customer_id"]), user=True),
                context.purse.exact(row["mean_check"]),
                words.decimal(row["visit_period_days"]),
                context.purse.exact(row["amount"]),
            )
            for row in rows
        ],
    )
    return People(
        _("Who spends much and comes rarely: the top {shown} of {count}").format(
            shown=len(rows), count=words.count(count)
        ),
        listed,
        _("Mean check in the top quarter, interval above the median: columns mean_check and visit_period_days."),
        list_id=f"finding:{COULD_COME_MORE_OFTEN}",
        count=count,
    )


def _histogram(context: Context, check: Check) -> Picture:
    purse, rows = context.purse, rows_of(check.histogram.order_by("low"))
    width = rows[0]["high"] - rows[0]["low"]
    # the last bin reaches to the largest receipt of all: drawn to scale it would flatten the rest
    bins = [(row["low"], row["low"] + width, row["receipts"]) for row in rows]
    marks = [
        (check.mean.value, _("mean {money}").format(money=purse.money(check.mean.value)), "faint"),
        (check.median.value, _("median {money}").format(money=purse.money(check.median.value)), "ink"),
    ]
    wide, narrow = charts.histogram(
        bins,
        x_label=purse.axis,
        y_label=words.count,
        marks=[(value, label, tone) for value, label, tone in marks if bins[0][0] <= value <= bins[-1][1]],
        description=_("Columns: how many receipts there are of each size"),
    )
    numbers = table(
        _("Receipts by size"),
        [Column(_("Check")), number(_("Receipts")), number(_("Share"))],
        [
            (
                _edges(context, row, is_last=row is rows[-1]),
                words.count(row["receipts"]),
                words.percent(row["receipts"] / check.receipts),
            )
            for row in rows
        ],
    )
    explained = Explained(
        _(
            "How many receipts there are of each size. The last column holds all that are larger still: up to {most}."
        ).format(most=purse.money(rows[-1]["high"]))
    )
    return Picture(_("Receipts by size"), wide, narrow, numbers, explained)


def _edges(context: Context, row: dict[str, Any], *, is_last: bool) -> str:
    purse = context.purse
    if is_last:
        return _("from {low}").format(low=purse.axis(row["low"]))
    return f"{purse.axis(row['low'])} {words.EN_DASH} {purse.axis(row['high'])}"


def _check_months(context: Context, check: Check) -> Picture:
    purse, rows = context.purse, last_months(check.months)
    months = [row["month"] for row in rows]
    median = [(float(i), row["median"]) for i, row in enumerate(rows)]
    mean = [(float(i), row["mean"]) for i, row in enumerate(rows)]
    wide, narrow = charts.curves(
        [charts.Curve("quiet", mean), charts.Curve("accent", median)],
        x_ticks=lambda size: charts.month_ticks(months, size),
        y_label=purse.axis,
        description=_("Lines: the median and the mean check by month"),
    )
    numbers = table(
        _("Check by month"),
        [Column(_("Month")), number(_("Median")), number(_("Mean")), number(_("Receipts"))],
        [
            (
                words.month(row["month"]),
                "—" if row["median"] is None else purse.money(row["median"]),
                "—" if row["mean"] is None else purse.money(row["mean"]),
                words.count(row["receipts"]),
            )
            for row in rows
        ],
    )
    legend = (("accent", _("median")), ("quiet", _("mean")))
    rule = Explained(_("When the mean moves and the median does not, a few large receipts have moved it."))
    return Picture(_("Check by month"), wide, narrow, numbers, rule, legend)


def _pillars(context: Context) -> Table:
    assert context.audit.pillars is not None
    rows = {row["period"]: row for row in rows_of(context.audit.pillars.table)}
    previous, last = rows["previous"], rows["last"]
    money, plain = context.purse.money, lambda value: words.decimal(value, 2)
    bought = [people(row["customers"], f"bought:{row['starts_on']}:{row['ends_on']}") for row in (previous, last)]
    change = _compared(previous["customers"], last["customers"], words.count)[2]
    lines: list[tuple[str, str, Callable[[float], str]]] = [
        (_("× visits of each"), "visits_per_customer", plain),
        (_("Receipts"), "receipts", words.count),
        (_("× items in a receipt"), "lines_per_receipt", plain),
        (_("× money for an item"), "amount_per_line", money),
        (_("Check"), "check", money),
        (_("Revenue from known customers"), "revenue", money),
    ]
    return table(
        _("The pillars: frequency, basket, price"),
        [
            Column(_("Measure")),
            number(_("Before")),
            number(_("Now")),
            number(_("Change")),
        ],
        [
            (_("Customers who bought"), *bought, change),
            *((label, *_compared(previous[name], last[name], show)) for label, name, show in lines),
        ],
        note=_("Before: {before}. Now: {now}. Revenue is receipts × items in a receipt × money for an item.").format(
            before=words.period(previous["starts_on"], previous["ends_on"]),
            now=words.period(last["starts_on"], last["ends_on"]),
        ),
    )


def _compared(previous: float | None, last: float | None, show: Callable[[float], str]) -> tuple[str, str, Cell]:
    texts = ["—" if value is None else show(value) for value in (previous, last)]
    if previous is None or last is None or previous <= 0:
        return texts[0], texts[1], Cell("—")
    change = last / previous - 1
    tone = "good" if change >= 0.0005 else "bad" if change <= -0.0005 else ""
    return texts[0], texts[1], Cell(words.signed_percent(change), tone=tone)


def _by_segment(context: Context) -> Bars:
    assert context.audit.visit_period is not None
    rows = rows_of(context.audit.visit_period.segments)
    rows.sort(key=lambda row: (row["median_days"], row["rfm_segment"]))
    widest = max((row["p75_days"] for row in rows), default=1.0)
    bars = tuple(
        Bar(
            label=names.segment(row["rfm_segment"]),
            note=words.customers(row["customers"]),
            value=_days(row["median_days"]),
            start=share(row["p25_days"], widest),
            end=share(row["p75_days"], widest),
            point=share(row["median_days"], widest),
            tone="accent-soft",
            list_id=f"paced:{row['rfm_segment']}",
            count=row["customers"],
        )
        for row in rows
    )
    return Bars(
        _("How often each segment comes"),
        bars,
        Explained(_("The mark is the median interval between visits; half of the segment lies within the band.")),
    )


def _quarters(context: Context) -> list[Block]:
    assert context.audit.visit_period is not None
    rows = last_months(context.audit.visit_period.quarters, "quarter", 20)
    known = [row for row in rows if row["median_days"] is not None]
    if len(known) < 2:
        return []
    return [
        table(
            _("The interval between visits, by quarter"),
            [Column(_("Quarter")), number(_("Median interval")), number(_("Repeat visits"))],
            [(words.quarter(row["quarter"]), _days(row["median_days"]), words.count(row["visits"])) for row in known],
            note=_(
                "Intervals that ended in the quarter. Very long ones are left out and so are the first quarters, "
                "because a young history has seen short intervals only."
            ),
        )
    ]
