"""What must never run out? Rare goods of the best customers, gaps on the shelf, and what to show them first."""

from regulars.analytics.assortment import Assortment
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import findings, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Explained
from regulars.report.chapters.common import Context, Products, rows_of, share


def chapter(context: Context) -> Chapter:
    """The assortment of the best."""
    found = context.audit.reasons.assortment
    title = _("What must never run out?")
    if found is None:
        missing = context.missing("assortment")
        return Chapter("shelf", title, _("The assortment of the best cannot be seen in this history."), (missing,))
    blocks: list[Block] = [findings.cards(context, _("Rare goods and empty shelves"), found)]
    if bars := _shelf(context, found):
        blocks.append(bars)
    return Chapter("shelf", title, _answer(found), tuple(blocks))


def _answer(found: Assortment) -> str:
    rare = sum(one.chapter == "assortment" for one in found.findings)
    gaps = sum(one.chapter == "gap" for one in found.findings)
    goods = ngettext(
        "{n} product of small sales is what the best customers come for.",
        "{n} products of small sales are what the best customers come for.",
        rare,
    ).format(n=words.count(rare))
    if not rare:
        goods = _("No product of small sales draws the best customers more than chance would.")
    if not gaps:
        return goods + " " + _("No product was missing from the shelf longer than chance allows.")
    return (
        goods
        + " "
        + ngettext(
            "{n} time a product was missing from a shelf longer than chance allows.",
            "{n} times a product was missing from a shelf longer than chance allows.",
            gaps,
        ).format(n=words.count(gaps))
    )


def _shelf(context: Context, found: Assortment) -> Bars | None:
    rows = rows_of(found.shelf)
    if not rows:
        return None
    products = Products.of(rows)
    bars = tuple(
        Bar(
            products.name(row),
            words.percent(row["best_share"]),
            share(row["best_share"], 1.0),
            note=_("brought by them: {money}").format(money=context.purse.money(row["amount_best"])),
            user=True,
            code=products.code(row),
        )
        for row in rows
    )
    return Bars(
        _("Worth the best shelf: what the best customers spend most on"),
        bars,
        Explained(
            _(
                "The share of the best customers who have bought it. Best is the tenth who spent most: {n} people."
            ).format(n=words.count(found.best_customers)),
            _(
                "A rare product is one outside class A by sales. The best are said to come for it when they buy it "
                "at least a quarter more than everything else, beyond chance, after correction for all products "
                "compared. A gap is measured on the clock of the store’s receipts and set against the product’s own "
                "pace and unsteadiness; goods that never came back are not counted."
            ),
        ),
        scale=_("The bar: how many of the best customers buy it."),
    )
