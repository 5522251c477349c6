"""What do we have? The base, its months, its concentration, ABC and XYZ."""

import datetime as dt

import ibis

from regulars.analytics.audit import Audit
from regulars.analytics.rollup import YEAR_DAYS
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import charts, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Column, Explained, Figure, Figures, Picture, Table
from regulars.report.chapters.common import (
    Context,
    Products,
    in_month,
    last_months,
    number,
    people,
    rows_of,
    share,
    table,
)

_SLICES = 50
_PRODUCTS_SHOWN = 20
_ABC_TONES = {"A": "accent", "B": "accent-soft", "C": "quiet"}


def chapter(context: Context) -> Chapter:
    """The base in numbers."""
    blocks: list[Block] = [
        _figures(context),
        _revenue(context),
        _buyers(context),
        _abc(context),
        _lorenz(context),
        *_products(context),
    ]
    return Chapter("have", _("What do we have?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    audit, base = context.audit, context.audit.base
    return ngettext(
        "From {first} to {last}, {customers} known customer left {receipts} receipts. All sales together came to "
        "{revenue}. The best fifth of customers bring {fifth} of the money.",
        "From {first} to {last}, {customers} known customers left {receipts} receipts. All sales together came to "
        "{revenue}. The best fifth of customers bring {fifth} of the money.",
        base.customers,
    ).format(
        first=words.day(audit.first_day),
        last=words.day(audit.as_of),
        customers=words.count(base.customers),
        receipts=words.count(base.receipts),
        revenue=context.purse.money(base.revenue),
        fifth=words.percent(base.top_fifth_share),
    )


def _figures(context: Context) -> Figures:
    base, purse = context.audit.base, context.purse
    found = [
        Figure(
            _("Known customers"),
            words.count(base.customers),
            Explained(
                _("Everybody with a number and at least one purchase."),
                _("A customer is one value of the customer column. Who only returned goods is not counted."),
            ),
            list_id="all",
            count=base.customers,
        ),
        Figure(
            _("Revenue"),
            purse.money(base.revenue),
            Explained(
                _("All sales less returns, also to people without a card."),
                _("The sum of all lines; returns are negative. Returned in the whole time: {returned}.").format(
                    returned=purse.money(base.returned)
                ),
            ),
        ),
        _unknown(context),
        _margin(context),
        _new(context),
        Figure(
            _("The best fifth brings"),
            words.percent(base.top_fifth_share),
            Explained(
                _("The share of customers' money that the best 20% of them bring."),
                _(
                    "Customers are put in order by what they have spent in all. The Gini coefficient, 0 when all "
                    "spend the same and 1 when one spends everything, is {gini}."
                ).format(gini=words.decimal(base.gini, 2)),
            ),
        ),
    ]
    return Figures(tuple(figure for figure in found if figure is not None))


def _unknown(context: Context) -> Figure | None:
    base = context.audit.base
    if base.revenue_without_customer == 0:
        return None
    return Figure(
        _("Sales without a customer"),
        words.percent(base.revenue_without_customer / base.revenue) if base.revenue else "—",
        Explained(
            _("The share of revenue from lines that name nobody: {money}.").format(
                money=context.purse.money(base.revenue_without_customer)
            ),
            _("These lines count in revenue and in the check, and in nothing that is about people."),
        ),
    )


def _margin(context: Context) -> Figure | None:
    base = context.audit.base
    if base.margin is None or base.margin_share is None:
        return None
    if base.margin_source == "cost":
        rule = _("What is left of revenue after the cost of the goods: {share}.")
        definition = _("Costs are known for {covered} of revenue; the rest is taken to earn the same share.").format(
            covered=words.percent(base.costed_share or 0)
        )
    else:
        rule = _("The share of revenue that you named: {share}.")
        definition = _("The files carry no cost, so margin is revenue times the share that was given.")
    return Figure(
        _("Gross margin"),
        context.purse.money(base.margin),
        Explained(rule.format(share=words.percent(base.margin_share)), definition),
    )


def _new(context: Context) -> Figure:
    base, audit = context.audit.base, context.audit
    part = "" if base.new_share is None else words.percent(base.new_share)
    return Figure(
        _("New in the last 12 months"),
        words.count(base.new_customers),
        Explained(
            _("First purchase within 365 days: {share} of those who bought in that time.").format(share=part)
            if part
            else _("First purchase within 365 days."),
            _(
                "The first {days} of the history are left out: whoever is first seen there may have been a customer "
                "for long."
            ).format(days=words.days(audit.window_days)),
        ),
        list_id=f"first:{_new_since(audit)}:{audit.as_of}",
        count=base.new_customers,
    )


def _new_since(audit: Audit) -> dt.date:
    """The first day on which somebody may count as new."""
    year = audit.as_of - dt.timedelta(days=YEAR_DAYS - 1)
    return max(year, audit.first_day + dt.timedelta(days=audit.window_days))


def _month_note(context: Context, shown: int) -> str:
    if not context.unfinished_month or not shown:
        return ""
    return _("The last month is pale because it is not over.")


def _revenue(context: Context) -> Picture:
    purse, rows = context.purse, last_months(context.audit.base.months)
    known = [row["known_revenue"] for row in rows]
    unknown = [row["revenue"] - row["known_revenue"] for row in rows]
    parts = [("accent", known)] + ([("quiet", unknown)] if any(unknown) else [])
    wide, narrow = charts.month_columns(
        [row["month"] for row in rows],
        parts,
        label=purse.axis,
        description=_("Columns: revenue by month"),
        unfinished=context.unfinished_month,
    )
    numbers = table(
        _("Revenue by month"),
        [Column(_("Month")), number(_("Revenue")), number(_("From known customers")), number(_("Receipts"))],
        [
            (
                words.month(row["month"]),
                purse.exact(row["revenue"]),
                purse.exact(row["known_revenue"]),
                words.count(row["receipts"]),
            )
            for row in rows
        ],
    )
    legend = (("accent", _("known customers")), ("quiet", _("without a customer"))) if any(unknown) else ()
    explained = Explained(_("Sales less returns in each calendar month. ") + _month_note(context, len(rows)))
    return Picture(_("Revenue by month"), wide, narrow, numbers, explained, legend)


def _buyers(context: Context) -> Picture:
    rows = last_months(context.audit.base.months)
    fresh = [row["new_customers"] for row in rows]
    old = [row["customers"] - row["new_customers"] for row in rows]
    wide, narrow = charts.month_columns(
        [row["month"] for row in rows],
        [("regular", old), ("new", fresh)],
        label=words.count,
        description=_("Columns: customers who bought, by month"),
        unfinished=context.unfinished_month,
    )
    numbers = table(
        _("Customers who bought, by month"),
        [Column(_("Month")), number(_("Customers")), number(_("For the first time"))],
        [
            (
                words.month(row["month"]),
                people(row["customers"], f"bought:{in_month(row['month'])}"),
                people(row["new_customers"], f"first:{in_month(row['month'])}"),
            )
            for row in rows
        ],
    )
    legend = (("regular", _("had bought before")), ("new", _("first purchase")))
    rule = _("Each customer counts once in a month. In the first months of the history everybody looks new.")
    return Picture(_("Customers who bought, by month"), wide, narrow, numbers, Explained(rule), legend)


def _abc(context: Context) -> Bars:
    rows = {row["abc"]: row for row in rows_of(context.audit.base.customer_abc)}
    widest = max((row["share"] for row in rows.values()), default=1.0)
    bars = [
        Bar(
            label=_("Class {abc}").format(abc=abc),
            note=words.customers(rows[abc]["customers"]),
            value=words.percent(rows[abc]["share"]),
            interval=context.purse.money(rows[abc]["amount"]),
            end=share(rows[abc]["share"], widest),
            tone=_ABC_TONES[abc],
            people=context.people("abc:A", rows[abc]["customers"]) if abc == "A" else None,
            list_id=f"abc:{abc}",
            count=rows[abc]["customers"],
        )
        for abc in ("A", "B", "C")
        if abc in rows
    ]
    return Bars(
        _("Who brings the money: ABC of customers"),
        tuple(bars),
        Explained(
            _("A brings the first 80% of the money, B the next 15%, C the last 5%."),
            _(
                "Customers are put in order by what they have spent in all, returns taken off. Customers with equal "
                "sums are in the same class, so the shares may be a little above 80 and 15%."
            ),
        ),
    )


def _lorenz(context: Context) -> Picture:
    points = _lorenz_points(context)
    wide, narrow = charts.curves(
        [charts.Curve("accent", points, filled=True)],
        x_ticks=lambda _size: [charts.Tick(x, words.percent(x)) for x in (0, 0.2, 0.4, 0.6, 0.8, 1)],
        y_label=words.percent,
        y_top=1.0,
        reference=[(0, 0), (1, 1)],
        marks=[_fifth_mark(context)],
        description=_("Curve: the share of customers, best first, against the share of money"),
    )
    tenths = [point for point in points if round(point[0] * _SLICES) % (_SLICES // 10) == 0]
    numbers = table(
        _("Concentration of money"),
        [number(_("Best customers")), number(_("Their share of money"))],
        [(words.percent(x), words.percent(y)) for x, y in tenths],
    )
    rule = _(
        "From left to right: customers, best first. Upwards: their share of the money. Dashed: all spend the same."
    )
    return Picture(_("Concentration of money"), wide, narrow, numbers, Explained(rule))


def _fifth_mark(context: Context) -> charts.Mark:
    fifth = context.audit.base.top_fifth_share
    label = _("20% bring {money}").format(money=words.percent(fifth))
    return charts.Mark(0.2, fifth, label)


def _lorenz_points(context: Context) -> list[tuple[float, float]]:
    """The share of money that each further slice of customers adds, richest first."""
    customers = context.audit.customers
    amount = ibis.greatest(customers.amount, 0)
    ranked = customers.select(amount=amount, slice=ibis.ntile(_SLICES).over(order_by=amount.desc()))
    sums = ranked.group_by("slice").aggregate(people=ranked.count(), amount=ranked.amount.sum())
    rows = rows_of(sums.order_by("slice"))
    people, money = sum(row["people"] for row in rows), sum(row["amount"] for row in rows)
    points, x, y = [(0.0, 0.0)], 0.0, 0.0
    for row in rows:
        x, y = x + row["people"] / people, y + (row["amount"] / money if money else 0)
        points.append((min(x, 1.0), min(y, 1.0)))
    return points


def _products(context: Context) -> list[Block]:
    base = context.audit.base
    if base.product_abc is None or base.products is None:
        return []
    best = base.products.filter(base.products.product_id.notnull())
    rows = rows_of(best.order_by([best.amount.desc(), best.product_id]), limit=_PRODUCTS_SHOWN)
    products = Products.of(rows)
    listed = table(
        _("The products that bring the most"),
        [
            Column(_("Product")),
            number(_("Revenue")),
            number(_("Share")),
            Column(_("Class")),
            number(_("Variation"), secondary=True),
        ],
        [
            (
                products.cell(row),
                context.purse.money(row["amount"]),
                words.percent(row["share"]),
                f"{row['abc'] or ''}{row['xyz'] or ''}",
                "—" if row["variation"] is None else words.percent(row["variation"]),
            )
            for row in rows
        ],
    )
    return [_matrix(context), listed]


def _matrix(context: Context) -> Table:
    assert context.audit.base.product_abc is not None
    rows = {(row["abc"], row["xyz"]): row for row in rows_of(context.audit.base.product_abc)}
    kinds: list[tuple[str | None, str]] = [
        ("X", _("X: steady demand")),
        ("Y", _("Y: moving demand")),
        ("Z", _("Z: cannot be planned")),
    ]
    kinds += [(None, _("too new to tell"))] if any(abc and xyz is None for abc, xyz in rows) else []

    def cell(abc: str, xyz: str | None) -> str:
        row = rows.get((abc, xyz))
        return f"{words.count(row['products'])} · {words.percent(row['share'])}" if row else "—"

    return table(
        _("Products: number and share of revenue by importance (ABC) and steadiness (XYZ)"),
        [Column(_("Class")), *(number(title) for _xyz, title in kinds)],
        [(abc, *(cell(abc, xyz) for xyz, _title in kinds)) for abc in ("A", "B", "C")],
        note=_(
            "ABC as for customers: 80, 15 and 5% of revenue. XYZ by how much monthly demand varies around its mean: "
            "up to 10%, up to 25%, above."
        ),
    )
