"""Do newcomers come back? Those who never did, cohorts, and how long customers stay."""

import datetime as dt
from typing import Any

from regulars.analytics.newcomers import REGULAR_VISITS
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import charts, words
from regulars.report.blocks import Block, Cell, Chapter, Column, Explained, Figure, Figures, Missing, Picture, Table
from regulars.report.chapters.common import Context, in_month, last_months, likely, number, people, rows_of, table

COHORTS_SHOWN = 24
_MONTHS_AFTER = (*range(1, 13), 18, 24)
_ON_A_PHONE = {1, 2, 3, 6, 12}
_HEAT_STEPS = 8


def chapter(context: Context) -> Chapter:
    """Newcomers, cohorts, survival."""
    newcomers = context.audit.newcomers
    blocks: list[Block] = []
    if newcomers.share is not None:
        blocks.append(_figures(context))
        rows = last_months(newcomers.months)
        if len(rows) > 1:
            blocks.append(_months(rows))
    if context.audit.cohorts is None:
        blocks.append(context.missing("cohorts"))
    else:
        blocks += [_cohorts(context), _survival(context)]
    return Chapter("newcomers", _("Do newcomers come back?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    newcomers = context.audit.newcomers
    if newcomers.share is None:
        return _("The history is too short to tell: nobody was first seen long enough after its beginning.")
    return ngettext(
        "Of {n} newcomer, {share} have not come back for a second purchase. They left {money} on the only visit.",
        "Of {n} newcomers, {share} have not come back for a second purchase. They left {money} on the only visit.",
        newcomers.customers,
    ).format(
        n=words.count(newcomers.customers),
        share=words.percent(newcomers.share.value),
        money=context.purse.money(newcomers.first_amount),
    )


def rule() -> str:
    """The plain sentence under the share of those who never returned."""
    return _("The share of newcomers who bought once and have not been seen since.")


def _figures(context: Context) -> Figures:
    newcomers = context.audit.newcomers
    assert newcomers.share is not None
    window = words.days(context.audit.window_days)
    found = [
        Figure(
            _("Never came back"),
            words.percent(newcomers.share.value),
            Explained(
                rule(),
                _(
                    "Newcomers: first seen after the first {window} of the history and at least {window} ago. Several "
                    "purchases on one day are one visit. Interval by Wilson (1927)."
                ).format(window=window),
            ),
            interval=likely(words.percent_range(newcomers.share)),
            tone="bad",
            people=context.people("newcomers:never_returned", newcomers.never_returned),
        ),
        Figure(
            _("Came again in time"),
            words.percent(newcomers.returned_in_window / newcomers.customers),
            Explained(_("The share of newcomers whose second visit came within {window}.").format(window=window)),
            list_id="group:in_time",
            count=newcomers.returned_in_window,
        ),
    ]
    if newcomers.regular_share is not None:
        found.append(_became_regular(context, newcomers.regular_share))
    if newcomers.trend_per_month is not None:
        found.append(_trend(context))
    return Figures(tuple(found))


def _became_regular(context: Context, part: Any) -> Figure:
    return Figure(
        _("Became regulars"),
        words.percent(part.value),
        Explained(
            ngettext(
                "{n} visit within twice the window.", "{n} visits within twice the window.", REGULAR_VISITS
            ).format(n=REGULAR_VISITS),
            _("Of the newcomers whose first visit was at least {days} ago.").format(
                days=words.days(2 * context.audit.window_days)
            ),
        ),
        interval=likely(words.percent_range(part)),
        tone="good",
        list_id="group:became_regular",
        count=context.audit.newcomers.became_regular,
    )


def _trend(context: Context) -> Figure:
    trend = context.audit.newcomers.trend_per_month
    assert trend is not None
    sure = trend.low > 0 or trend.high < 0
    # points of a percentage, a year: a month's change is too small to picture
    points = words.decimal(abs(trend.value) * 12 * 100, 1)
    if not sure:
        value, rule = _("none to be seen"), _("The share that does not return moves no more than chance would move it.")
    elif trend.value > 0:
        value = _("{points} points a year worse").format(points=points)
        rule = _("More and more newcomers do not return within the window.")
    else:
        value = _("{points} points a year better").format(points=points)
        rule = _("Fewer and fewer newcomers fail to return within the window.")
    definition = _(
        "The slope of the monthly share of newcomers without a second visit within the window, weighted by their "
        "number; months with at least 20 newcomers."
    )
    tone = "" if not sure else ("bad" if trend.value > 0 else "good")
    return Figure(_("Trend"), value, Explained(rule, definition), tone=f"words {tone}".strip())


def _months(rows: list[dict[str, Any]]) -> Picture:
    months = [row["month"] for row in rows]
    points = [(float(i), row["share"] if row["customers"] else None) for i, row in enumerate(rows)]
    wide, narrow = charts.curves(
        [charts.Curve("bad", points, filled=True)],
        x_ticks=lambda size: charts.month_ticks(months, size),
        y_label=words.percent,
        y_top=1.0,
        description=_("Line: the share of newcomers who did not return within the window, by month"),
    )
    numbers = table(
        _("Newcomers by month of the first visit"),
        [Column(_("Month")), number(_("Newcomers")), number(_("Not back in the window")), number(_("Never back"))],
        [
            (
                words.month(row["month"]),
                people(row["customers"], f"group:newcomers:{row['month']:%Y-%m}"),
                words.percent(row["share"]),
                people(row["never_returned"], f"newcomers:{row['month']:%Y-%m}"),
            )
            for row in rows
        ],
    )
    explained = Explained(
        _("By month of the first visit. Every month is given the same time to return, so older months have no edge.")
    )
    return Picture(_("Newcomers who did not return within the window"), wide, narrow, numbers, explained)


def _cohorts(context: Context) -> Table:
    """A heat map that is a table: it can be read, copied and read aloud."""
    cohorts = context.audit.cohorts
    assert cohorts is not None
    first = _first_cohort(context)
    shown = cohorts.table.filter((cohorts.table.cohort >= first) & cohorts.table.month_no.isin(_MONTHS_AFTER))
    found = {(row["cohort"], row["month_no"]): row for row in rows_of(shown, limit=5000)}
    months = [n for n in _MONTHS_AFTER if any(month_no == n for _cohort, month_no in found)]
    highest = max((row["active_share"] for row in found.values()), default=1.0)
    sizes = {cohort: row["customers"] for (cohort, _n), row in found.items()}
    rows = [
        (
            Cell(words.month(cohort)),
            people(sizes[cohort], f"first:{in_month(cohort)}"),
            *(_heat(found.get((cohort, n)), highest) for n in months),
        )
        for cohort in sorted(sizes, reverse=True)
    ]
    columns = (
        Column(_("First visit in")),
        number(_("Customers")),
        *(number(str(n), secondary=n not in _ON_A_PHONE) for n in months),
    )
    note = _(
        "Each row: customers whose first visit fell into that month. Each column: so many calendar months later, the "
        "share of them who bought in that month. The darker, the more. The cohorts of the first months hold old "
        "customers whom the history had not seen yet."
    )
    return Table(_("Cohorts: who still buys, month by month, %"), columns, tuple(rows), note, style="heat")


def _first_cohort(context: Context) -> dt.date:
    month = context.audit.as_of.year * 12 + context.audit.as_of.month - 1 - COHORTS_SHOWN
    return dt.date(month // 12, month % 12 + 1, 1)


def _heat(row: dict[str, Any] | None, highest: float) -> Cell:
    if row is None:
        return Cell("")
    step = round(row["active_share"] / highest * _HEAT_STEPS) if highest else 0
    text, list_id = words.count(row["active_share"] * 100), f"cohort:{row['cohort']:%Y-%m}:{row['month_no']}"
    return Cell(text, tone=f"heat{step}", list_id=list_id, count=row["active"])


def _survival(context: Context) -> Picture | Missing:
    cohorts = context.audit.cohorts
    assert cohorts is not None
    title = _("How long customers stay")
    if cohorts.survival is None:
        return Missing(cohorts.survival_reason or "", title=title)
    rows = rows_of(cohorts.survival.curve.order_by("month"))
    observed = [(float(row["month"]), row["observed"]) for row in rows]
    projected = [(float(row["month"]), row["projected"]) for row in rows]
    wide, narrow = charts.curves(
        [
            charts.Curve("quiet", projected, dashed=True, end=words.percent(rows[-1]["projected"])),
            charts.Curve("accent", observed),
        ],
        x_ticks=lambda size: [charts.Tick(n, str(n)) for n in range(0, 37, 6 if size.is_wide else 12)],
        y_label=words.percent,
        y_top=1.0,
        description=_("Curve: the share of newcomers who are still customers after so many months"),
    )
    numbers = table(
        title,
        [number(_("Months since the first visit")), number(_("Observed")), number(_("Projected"))],
        [
            (
                str(row["month"]),
                "—" if row["observed"] is None else words.percent(row["observed"]),
                words.percent(row["projected"]),
            )
            for row in rows
            if row["month"] % 3 == 0 or row["month"] < 3
        ],
    )
    explained = Explained(
        _("The share of newcomers who are still customers so many months after the first visit."),
        _(
            "A lost customer left after the last visit. Observed: the product-limit estimate (Kaplan & Meier 1958), "
            "while at least 30 customers are watched. Projected: shifted beta-geometric (Fader & Hardie 2007), "
            "alpha {alpha}, beta {beta}, from {n} customers."
        ).format(
            alpha=words.decimal(cohorts.survival.alpha, 3),
            beta=words.decimal(cohorts.survival.beta, 3),
            n=words.count(cohorts.survival.customers),
        ),
    )
    legend = (("accent", _("observed")), ("quiet", _("projected")))
    return Picture(title, wide, narrow, numbers, explained, legend)
