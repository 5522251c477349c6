"""Who buys on price, and what do discounts cost? Habits of discounts, and the answer of demand to prices and offers."""

from typing import Any

from regulars.analytics.discounts import CLASSES, Discounts
from regulars.analytics.price_response import PriceResponse
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import findings, words
from regulars.report.blocks import Bar, Bars, Block, Cell, Chapter, Column, Explained, Missing, Table
from regulars.report.chapters.common import Context, Products, number, rows_of, share, table

PRODUCTS_SHOWN = 12


def chapter(context: Context) -> Chapter:
    """Discounts and prices."""
    found, response = context.audit.reasons.discounts, context.audit.reasons.price_response
    blocks: list[Block] = []
    if found is None:
        blocks.append(context.missing("discounts"))
    else:
        blocks += [_classes(context, found), findings.cards(context, _("Habits worth knowing"), found)]
        if found.reason:
            blocks.append(Missing(found.reason, title=_("Discounts to those who come anyway")))
    if response is None:
        blocks.append(context.missing("price_response"))
    else:
        blocks += [findings.cards(context, _("Prices and offers"), response), *_products(response)]
    return Chapter(
        "prices", _("Who buys on price, and what do discounts cost?"), _answer(context, found), tuple(blocks)
    )


def _answer(context: Context, found: Discounts | None) -> str:
    if found is None:
        return _("Discounts cannot be judged from this history.")
    rows = {row["habit"]: row for row in rows_of(found.classes)}
    people = rows.get("price", {}).get("customers", 0)
    text = ngettext(
        "Of {compared} customer with enough purchases {n} buys clearly on price.",
        "Of {compared} customers with enough purchases {n} buy clearly on price.",
        found.compared,
    ).format(compared=words.count(found.compared), n=words.count(people))
    if found.discount_year is None or not found.list_year:
        return text
    return _("Discounts of the last 12 months cost {money}, {share} of the list prices. {text}").format(
        money=context.purse.money(found.discount_year),
        share=words.percent(found.discount_year / found.list_year),
        text=text,
    )


def habit_name(habit: str) -> str:
    """What a class of customers by discounts is called."""
    return {
        "price": _("Buy on price"),
        "mixed": _("Buy as the shop offers"),
        "service": _("Care little about discounts"),
    }[habit]


def _classes(context: Context, found: Discounts) -> Bars:
    rows = {row["habit"]: row for row in rows_of(found.classes)}
    bars = []
    for habit in CLASSES:
        row = rows.get(habit)
        if row is None:
            bars.append(Bar(habit_name(habit), words.customers(0), 0.0))
            continue
        note = _("bought at a discount: {part} of the lines").format(
            part=words.percent(share(row["discounted"], row["lines"]))
        )
        if found.discount_year is not None:
            note += "; " + _("given in a year: {money}").format(money=context.purse.money(row["discount_year"]))
        bars.append(
            Bar(
                habit_name(habit),
                words.customers(row["customers"]),
                share(row["customers"], found.compared),
                note=note,
                tone={"price": "warn", "service": "good"}.get(habit, "quiet"),
                list_id=f"group:habit:{habit}",
                count=row["customers"],
            )
        )
    return Bars(
        _("Customers by their habit"),
        tuple(bars),
        Explained(
            _("What each customer bought at a discount, against what others bought at a discount on the same days."),
            _(
                "A line is discounted when at least 5% was taken off. On price: with 95% probability at least two "
                "discounted lines for each one that the shop’s offers explain, counted against full-price lines; "
                "care little: at most half of it. Shares are drawn towards the average where purchases are few. "
                "Customers with fewer than ten lines or five visits are not classed."
            ),
        ),
    )


def _products(response: PriceResponse) -> list[Block]:
    rows = [row for row in rows_of(response.products) if row["lift"] is not None and (row["lift_q"] or 1) < 0.05]
    rows = [row for row in rows if row["lift"] > 0][:PRODUCTS_SHOWN]
    return [_offers(rows)] if rows else []


def _offers(rows: list[dict[str, Any]]) -> Table:
    products = Products.of(rows)
    # without a margin nobody knows what an offer has to bring
    with_margin = any(row["eats_margin"] or words.finite(row["break_even"]) for row in rows)
    columns = [
        Column(_("Product")),
        number(_("Weeks on offer"), secondary=True),
        number(_("Taken off")),
        number(_("Sales rise by")),
        *([number(_("Needed to pay"))] if with_margin else []),
        number(_("Pays from a margin of"), secondary=True),
    ]
    cells: list[tuple[str | Cell, ...]] = [
        (
            products.cell(row),
            words.count(row["weeks_on_offer"]),
            _percent(row["depth"]),
            f"{_percent(row['lift'])} ({_percent(row['lift_low'])}…{_percent(row['lift_high'])})",
            *([_("never") if row["eats_margin"] else _percent(row["break_even"])] if with_margin else []),
            _("never") if row["needed_margin"] is None else _percent(row["needed_margin"]),
        )
        for row in rows
    ]
    note = _(
        "Units of a week of offer against weeks without one, season and traffic aside; products with the most "
        "sales. Sales taken from other weeks and products are not seen, so the true gain is smaller. An offer "
        "pays when sales rise by more than discount / (margin − discount)."
    )
    return table(_("What offers do to sales"), columns, cells, note=note)


def _percent(value: float | None) -> str:
    return words.percent(value) if words.finite(value) and value is not None else "—"
