"""What is a customer worth? So far, in the months to come, and the most that winning one may cost."""

from typing import Any

import ibis.expr.types as ir

from regulars.analytics.ltv import HORIZONS_MONTHS
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import charts, names, words
from regulars.report.blocks import (
    Bar,
    Bars,
    Block,
    Chapter,
    Column,
    Explained,
    Figure,
    Figures,
    Missing,
    Picture,
    Table,
)
from regulars.report.chapters.common import Context, likely, number, people, rows_of, share, table
from regulars.report.people import key_of

_PAYBACK_MONTHS = (0, 3, 6, 12, 24, 36)
_ORIGINS = ("first_channel", "first_store", "first_category", "first_product")


def chapter(context: Context) -> Chapter:
    """Value of customers."""
    ltv = context.audit.ltv
    blocks: list[Block] = [Figures((_so_far(context), *_expected(context)))]
    newcomer = [*_newcomer(context), *_holdout(context)]
    if newcomer:
        blocks.append(Figures(tuple(newcomer)))
    if ltv.reason:
        blocks.append(Missing(ltv.reason, title=_("Forecast")))
    if ltv.newcomer_reason:
        blocks.append(Missing(ltv.newcomer_reason, title=_("What a new one brings")))
    if ltv.payback is not None:
        blocks += _payback(context, rows_of(ltv.payback.order_by("month")))
    if ltv.segments is not None:
        blocks += _segments(context, ltv.segments)
    return Chapter("worth", _("What is a customer worth?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    ltv, purse = context.audit.ltv, context.purse
    text = _("So far a customer has brought {historic} on average.").format(
        historic=purse.about(ltv.historic_mean.value)
    )
    if ltv.expected is not None:
        text += " " + _("The next 12 months should bring {expected} more from each.").format(
            expected=purse.about(ltv.expected[12].value)
        )
    if ltv.newcomer is not None:
        text += " " + _("To win a new one you may spend up to {limit} and have it back within a year.").format(
            limit=purse.about(ltv.newcomer[12].value)
        )
    return text


def basis(context: Context) -> str:
    """Whether value means margin or revenue, in a sentence."""
    if context.audit.ltv.basis == "margin":
        return _("Value is gross margin.")
    return _("Value is revenue: costs are not known, so a customer must not cost that much.")


def _so_far(context: Context) -> Figure:
    ltv, purse = context.audit.ltv, context.purse
    return Figure(
        _("Brought so far"),
        purse.about(ltv.historic_mean.value),
        Explained(
            _("The mean per customer over the whole history."),
            _("Purchases less returns from {first} to {last}, all known customers. {basis}").format(
                first=words.day(context.audit.first_day), last=words.day(context.audit.as_of), basis=basis(context)
            ),
        ),
        interval=likely(purse.range(ltv.historic_mean)),
    )


def _expected(context: Context) -> list[Figure]:
    ltv, purse = context.audit.ltv, context.purse
    if ltv.expected is None or ltv.expected_total is None:
        return []
    definition = _(
        "Visits to come by MBG/NBD (Batislam, Denizel & Filiztekin 2007) times the expected check (Gamma-Gamma, "
        "Fader & Hardie 2013); discounted at {rate} a year. The interval is the spread between customers; how far the "
        "model itself can be trusted is shown below."
    ).format(rate=words.percent(ltv.discount_rate))
    return [
        Figure(
            ngettext("Will bring in {n} month", "Will bring in {n} months", months).format(n=months),
            purse.about(ltv.expected[months].value),
            Explained(
                _("The mean per present customer; all of them together: {total}.").format(
                    total=purse.about(ltv.expected_total[months])
                ),
                definition,
            ),
            interval=likely(purse.range(ltv.expected[months])),
        )
        for months in HORIZONS_MONTHS
        if months in ltv.expected
    ]


def _newcomer(context: Context) -> list[Figure]:
    ltv, purse = context.audit.ltv, context.purse
    if ltv.newcomer is None:
        return []
    rules = {
        12: _("The most that winning a customer may cost to be paid back within a year."),
        24: _("The same, if you can wait for two years."),
        36: _("The same, if you can wait for three years."),
    }
    return [
        Figure(
            ngettext("A new one brings in {n} month", "A new one brings in {n} months", months).format(n=months),
            purse.about(value.value),
            Explained(
                rules.get(months, ""),
                _("The first purchase included, discounted at {rate} a year. {basis}").format(
                    rate=words.percent(ltv.discount_rate), basis=basis(context)
                ),
            ),
            interval=likely(purse.range(value)),
        )
        for months, value in ltv.newcomer.items()
    ]


def _payback(context: Context, rows: list[dict[str, Any]]) -> list[Block]:
    purse = context.purse
    observed = [(float(row["month"]), row["observed"]) for row in rows]
    modelled = [(float(row["month"]), row["modelled"]) for row in rows]
    known = [row for row in rows if row["modelled"] is not None]
    end = purse.about(known[-1]["modelled"]) if known else ""
    wide, narrow = charts.curves(
        [charts.Curve("quiet", modelled, dashed=True, end=end), charts.Curve("accent", observed, filled=True)],
        x_ticks=lambda size: [charts.Tick(n, str(n)) for n in range(0, 37, 6 if size.is_wide else 12)],
        y_label=purse.axis,
        description=_("Curve: what a newcomer has brought in all after so many months"),
    )
    title = _("How fast a newcomer pays back")
    numbers = table(
        title,
        [number(_("Months since the first visit")), number(_("Observed")), number(_("Modelled"))],
        [
            (str(row["month"]), _money(context, row["observed"]), _money(context, row["modelled"]))
            for row in rows
            if row["month"] in _PAYBACK_MONTHS or row["month"] % 6 == 0
        ],
    )
    explained = Explained(
        _("Find what winning a customer costs you on the left; where the curve reaches it, the money is back."),
        _(
            "Cumulative value per newcomer, the first purchase included, discounted. Newcomers: customers first seen "
            "after the first {window} of the history. Observed: while at least 30 of them are that old. Modelled: "
            "MBG/NBD fitted on them alone."
        ).format(window=words.days(context.audit.window_days)),
    )
    legend = [("accent", _("observed"))] if any(y is not None for _x, y in observed) else []
    legend += [("quiet", _("modelled"))] if known else []
    return [Picture(title, wide, narrow, numbers, explained, tuple(legend)), _limits(context, rows)]


def _money(context: Context, value: float | None) -> str:
    return "—" if value is None else context.purse.about(value)


def _limits(context: Context, rows: list[dict[str, Any]]) -> Table:
    """The same curve as an answer: wait that long, spend that much."""
    by_month = {row["month"]: row["observed"] if row["modelled"] is None else row["modelled"] for row in rows}
    waits = {
        0: _("with the first purchase"),
        3: _("in 3 months"),
        6: _("in half a year"),
        12: _("in a year"),
        24: _("in two years"),
        36: _("in three years"),
    }
    return table(
        _("How much may be spent to win a customer"),
        [Column(_("To have it back")), number(_("Spend at most"))],
        [
            (waits[month], _money(context, by_month.get(month)))
            for month in _PAYBACK_MONTHS
            if by_month.get(month) is not None
        ],
        note=basis(context),
    )


def _segments(context: Context, segments: ir.Table) -> list[Block]:
    begun = origins(context)
    blocks: list[Block] = [_by_origin(context, begun)] if begun else []
    mine = [row for row in rows_of(segments, limit=200) if row["dimension"] == "rfm_segment"]
    return [*blocks, _by_segment(context, mine)] if mine else blocks


def origins(context: Context) -> list[dict[str, Any]]:
    """Where and with what newcomers began, as far as it is drawn."""
    if context.audit.ltv.segments is None:
        return []
    rows = rows_of(context.audit.ltv.segments, limit=200)
    return [row for row in rows if row["dimension"] in _ORIGINS and row["value_first"] is not None]


def origin_list(dimension: str, segment: str) -> str:
    """The id of the list of those who began so."""
    return f"group:{dimension}:{key_of(segment)}"


def _by_origin(context: Context, rows: list[dict[str, Any]]) -> Bars:
    """What newcomers brought, by where and with what they began."""
    rows.sort(key=lambda row: (_ORIGINS.index(row["dimension"]), -row["value_first"], row["segment"]))
    widest = max(row["high"] for row in rows)
    bars = []
    for row in rows:
        low, high = share(row["low"], widest), share(row["high"], widest)
        bars.append(
            Bar(
                label=words.name(row["segment"]),
                user=True,
                group=names.dimension(row["dimension"]),
                note=words.customers(row["customers"]),
                value=context.purse.about(row["value_first"]),
                end=share(row["value_first"], widest),
                low=low,
                high=high,
                tone="accent-soft",
                list_id=origin_list(row["dimension"], row["segment"]),
                count=row["customers"],
            )
        )
    days = words.days(context.audit.ltv.first_days or 0)
    return Bars(
        _("What newcomers brought, by how they began"),
        tuple(bars),
        Explained(
            _(
                "In the first {days} after the first visit. Where thin lines overlap, the difference may be chance."
            ).format(days=days),
            _(
                "The 15 largest groups of each kind, as far as at least 30 newcomers were watched that long. The lines "
                "are 95% intervals of each mean by itself: among many groups a few differ by chance alone."
            ),
        ),
    )


def _by_segment(context: Context, rows: list[dict[str, Any]]) -> Table:
    ordered = sorted(rows, key=lambda row: (-(row["expected_12"] or 0), row["segment"]))
    return table(
        _("Value by RFM segment"),
        [
            Column(names.dimension("rfm_segment")),
            number(_("Customers")),
            number(_("Brought so far, each")),
            number(_("Next 12 months, each")),
        ],
        [
            (
                names.segment(row["segment"]),
                people(row["customers"], f"rfm:{row['segment']}"),
                context.purse.about(row["historic_mean"]),
                _money(context, row["expected_12"]),
            )
            for row in ordered
        ],
    )


def _holdout(context: Context) -> list[Figure]:
    holdout = context.audit.ltv.holdout
    if holdout is None:
        return []
    miss = holdout.predicted / holdout.actual - 1 if holdout.actual else None
    return [
        Figure(
            _("How far the forecast was off"),
            "—" if miss is None else words.signed_percent(miss),
            Explained(
                _("{predicted} visits were foretold for the last {window}, {actual} came.").format(
                    predicted=words.count(holdout.predicted),
                    actual=words.count(holdout.actual),
                    window=words.days(context.audit.window_days),
                ),
                _(
                    "The model was fitted on what was known before the window, on a sample of {n} customers, and asked "
                    "about it."
                ).format(n=words.count(holdout.customers)),
            ),
        )
    ]
