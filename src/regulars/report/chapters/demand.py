"""What will be bought, and is the market changing? Lasting changes, and what the next four weeks need."""

from typing import Any

from regulars.analytics.demand import Demand
from regulars.analytics.estimate import Estimate
from regulars.analytics.forecasting import HORIZON
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import charts, findings, words
from regulars.report.blocks import Block, Cell, Chapter, Column, Explained, Figure, Figures, Picture, Table, Text
from regulars.report.chapters.common import Context, Products, likely, number, rows_of, table

PRODUCTS_SHOWN = 15
PAIRS_SHOWN = 10


def chapter(context: Context) -> Chapter:
    """Shifts of demand, and stock advice."""
    title = _("What will be bought, and is the market changing?")
    found = context.audit.reasons.demand
    if found is None:
        return Chapter("demand", title, "", (context.missing("demand"),))
    rows = rows_of(found.forecasts.order_by(found.forecasts.amount_year.desc()), limit=5000)
    everything = next(row for row in rows if row["kind"] == "all")
    blocks: list[Block] = [_sales(context, found, everything), _changes(context, found), _figures(found)]
    products = _forecasts([row for row in rows if row["kind"] == "product"][:PRODUCTS_SHOWN], found)
    blocks += [products] if products is not None else []
    pairs = _in_stores([row for row in rows if row["kind"] == "product_store"][:PAIRS_SHOWN])
    blocks += [pairs] if pairs is not None else []
    return Chapter("demand", title, _answer(context, found, everything), tuple(blocks))


def _answer(context: Context, found: Demand, everything: dict[str, Any]) -> str:
    money = context.purse.about
    text = _("The next {weeks} weeks should bring sales of about {forecast}; the last {weeks} brought {last}.").format(
        weeks=HORIZON, forecast=money(everything["forecast"]), last=money(everything["last"])
    )
    if found.not_watched:
        return text
    moved = len(found.findings)
    if not moved:
        return f"{text} " + _("No product has moved to another level of its own.")
    return f"{text} " + ngettext(
        "{n} product or store has moved to another level while the others have not.",
        "{n} products or stores have moved to another level while the others have not.",
        moved,
    ).format(n=words.count(moved))


def _changes(context: Context, found: Demand) -> Block:
    title = _("Lasting changes of demand")
    if found.not_watched:
        return Text((found.not_watched,), title=title)
    return findings.cards(context, title, found)


def _sales(context: Context, found: Demand, everything: dict[str, Any]) -> Picture:
    """What all goods together brought by four weeks, and what the next four should."""
    rows, purse = rows_of(found.past.order_by("starts_on")), context.purse
    limits = Estimate(everything["forecast"], everything["low"], everything["high"])
    wide, narrow = charts.period_columns(
        [row["starts_on"] for row in rows],
        [row["amount"] for row in rows],
        charts.Next(limits.value, limits.low, limits.high, purse.about(limits.value)),
        label=purse.axis,
        description=_("Sales by {weeks} weeks, and the forecast of the next").format(weeks=HORIZON),
    )
    listed = [(words.period(row["starts_on"], row["ends_on"]), purse.money(row["amount"])) for row in rows]
    listed.append(
        (_("The next {weeks} weeks").format(weeks=HORIZON), f"{purse.about(limits.value)}, {_likely(purse, limits)}")
    )
    return Picture(
        _("Sales by {weeks} weeks: what was, and what is to be expected").format(weeks=HORIZON),
        wide,
        narrow,
        table(_("Sales by {weeks} weeks").format(weeks=HORIZON), [Column(_("Weeks")), number(_("Sales"))], listed),
        Explained(
            _("The thin line shows how far the next {weeks} weeks may be from the forecast: {range}.").format(
                weeks=HORIZON, range=_likely(purse, limits)
            ),
            _(
                "Each series (everything, a store, a product, a product in a store) takes the method that forecast it "
                "best in the earlier half of {origins} rehearsals: the same week of last year, the mean of eight "
                "weeks, simple smoothing, a damped trend (Holt; Gardner & McKenzie 1985), TSB (Teunter, Syntetos & "
                "Babai 2011) and Croston's (1972) methods for rare goods, smoothing with a season once there are two "
                "years. Pieces of different goods do not add up, so all goods together are counted in money; returns "
                "are not taken off. Nine of ten outcomes should lie on the thin line."
            ).format(origins=found.origins),
        ),
        legend=(("accent", _("sold")), ("accent-soft", _("expected"))),
    )


def _likely(purse: words.Purse, limits: Estimate) -> str:
    return likely(purse.range(limits))


def _figures(found: Demand) -> Figures:
    items = []
    if found.mase is not None and found.naive_mase:
        items.append(_accuracy(found.mase, found.naive_mase))
    if found.coverage is not None:
        items.append(
            Figure(
                _("Kept within the limits"),
                words.percent(found.coverage, 0),
                Explained(
                    _("Of the rehearsed weeks that came out between the limits given beforehand; 90% is promised.")
                ),
            )
        )
    return Figures(tuple(items))


def _accuracy(mase: float, naive: float) -> Figure:
    better = naive > mase
    value = (
        _("{share} smaller").format(share=words.percent(1 - mase / naive, 0))
        if better
        else _("{share} larger").format(share=words.percent(mase / naive - 1, 0))
    )
    return Figure(
        _("Error against “as a year ago”"),
        value,
        Explained(
            _("On weeks that had not been seen when the methods were chosen, all series alike."),
            _(
                "MASE (Hyndman & Koehler 2006), the mean absolute error of a week divided by that of repeating the "
                "week before: {mase}; of the seasonal naive forecast: {naive}. Without last year's week that one "
                "repeats the last week."
            ).format(mase=words.decimal(mase, 2), naive=words.decimal(naive, 2)),
        ),
        tone="words good" if better else "words",
    )


def _forecasts(rows: list[dict[str, Any]], found: Demand) -> Table | None:
    if not rows:
        return None
    products = Products.of(rows)
    return table(
        _("Stock for the next {weeks} weeks: the products that bring most").format(weeks=HORIZON),
        [
            Column(_("Product")),
            number(_("Last {weeks} weeks").format(weeks=HORIZON), secondary=True),
            number(_("Expected")),
            number(_("Likely"), secondary=True),
            number(_("Have at hand")),
            number(_("Error (MASE)"), secondary=True),
        ],
        [
            (
                products.cell(row),
                words.count(row["last"]),
                words.count(row["forecast"]),
                f"{words.count(row['low'])}{words.EN_DASH}{words.count(row['high'])}",
                words.count(row["enough"]),
                "—" if row["mase"] is None else words.decimal(row["mase"], 2),
            )
            for row in rows
        ],
        note=_(
            "“Have at hand” suffices in nine cases of ten, if deliveries take no longer than that; take off what is "
            "in stock. An error above 1 means: repeating last week does as well."
        )
        + " "
        + _units(found)
        + _pooled(found),
    )


def _units(found: Demand) -> str:
    if found.counts_positions:
        return _("Positions sold, because the lines carry no quantity.")
    return _("Quantities are in the units of the receipts.")


def _pooled(found: Demand) -> str:
    if not found.pooled:
        return ""
    return " " + ngettext(
        "{n} other product is forecast apart from these.",
        "{n} other products are forecast together.",
        found.pooled,
    ).format(n=words.count(found.pooled))


def _in_stores(rows: list[dict[str, Any]]) -> Table | None:
    if not rows:
        return None
    products = Products.of(rows)
    return table(
        _("The same by store"),
        [Column(_("Product")), Column(_("Store")), number(_("Expected")), number(_("Have at hand"))],
        [
            (
                products.cell(row),
                Cell(words.name(row["store"]), user=True),
                words.count(row["forecast"]),
                words.count(row["enough"]),
            )
            for row in rows
        ],
    )
