"""How to raise the check? The minimum order worth a bonus, what completes receipts, and who begins to come more "
"rarely."""

from typing import Any

from regulars.analytics.minimum_order import BONUS_SHARE, MOVE_SHARE, REACH, MinimumOrder
from regulars.analytics.slowing import Slowing
from regulars.core.i18n import gettext as _
from regulars.report import findings, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Column, Explained, Missing, Table
from regulars.report.chapters.common import Context, Products, number, rows_of, share, table, whisker


def chapter(context: Context) -> Chapter:
    """The check and the visits of those who spend most at a time."""
    order, slow = context.audit.reasons.minimum_order, context.audit.reasons.slowing
    blocks: list[Block] = []
    if order is None:
        blocks.append(context.missing("minimum_order"))
    else:
        # that no sum pays is the answer above, and the bars below show it
        blocks += [findings.cards(context, _("A bonus for a minimum sum"), order)] if order.findings else []
        blocks += _order(context, order)
    if slow is None:
        blocks.append(context.missing("slowing"))
    else:
        blocks += _slowing(context, slow)
    return Chapter(
        "raise_check", _("How to raise the check and keep those who spend most?"), _answer(context), tuple(blocks)
    )


def _answer(context: Context) -> str:
    order = context.audit.reasons.minimum_order
    if order is None:
        return _("Whether a bonus for a minimum sum pays cannot be told from this history.")
    if order.best is None:
        return _("No minimum sum earns its bonus: it would mostly go to receipts that are above it anyway.")
    return _("A bonus for receipts from {threshold} would pay for itself.").format(
        threshold=context.purse.money(order.best)
    )


def _order(context: Context, order: MinimumOrder) -> list[Block]:
    rows = rows_of(order.thresholds)
    rows = [row for row in rows if abs(row["net"]) <= 20 * max(abs(one["net"]) for one in rows)]
    blocks: list[Block] = [_nets(context, rows)]
    add_ons = rows_of(order.add_ons)
    if add_ons:
        blocks.append(_add_ons(context, order, add_ons))
    return blocks


def _nets(context: Context, rows: list[dict[str, Any]]) -> Bars:
    widest = max(max(abs(row["net_low"]), abs(row["net_high"])) for row in rows)
    bars = []
    for row in rows:
        low, high = sorted((abs(row["net_low"]), abs(row["net_high"])))
        needed = row["needed_share"]
        paid = (
            _("cannot pay even if all move up")
            if needed is None
            else _("pays if {share} of the near ones move up").format(share=words.percent(needed))
        )
        ends = (share(low, widest), share(high, widest)) if row["net_low"] * row["net_high"] > 0 else (None, None)
        bars.append(
            Bar(
                _("from {threshold}").format(threshold=context.purse.money(row["threshold"])),
                context.purse.signed(row["net"]),
                share(abs(row["net"]), widest),
                low=ends[0],
                high=ends[1],
                note=_("near: {near}, above anyway: {above} receipts a year; {paid}").format(
                    near=words.count(row["near"]), above=words.count(row["above"]), paid=paid
                ),
                tone="good" if row["net"] > 0 else "bad",
            )
        )
    return Bars(
        _("What would remain of a bonus in a year"),
        tuple(bars),
        Explained(
            _("Extra margin of those who move up, less the bonus to them and to everybody who is above anyway."),
            _(
                "Assumed: {moved} of the receipts up to {reach} below the sum move up to it; the bonus is {bonus} of "
                "the sum. Simulated on the receipts of the last 12 months. The whisker comes from drawing customers "
                "anew, widened for choosing the best of all sums; it does not cover the assumptions."
            ).format(moved=words.percent(MOVE_SHARE), reach=words.percent(REACH), bonus=words.percent(BONUS_SHARE)),
        ),
        scale=_("Green earns, red loses."),
    )


def _add_ons(context: Context, order: MinimumOrder, rows: list[dict[str, Any]]) -> Table:
    products = Products.of(rows)
    return table(
        _("What lifts receipts over {threshold}").format(threshold=context.purse.money(order.shown_threshold)),
        [Column(_("Product")), number(_("Receipts a year"))],
        [(products.cell(row), words.count(row["receipts"])) for row in rows],
        note=_("Small additions without which the receipt would have stayed below: offer these at the till."),
    )


def _slowing(context: Context, slow: Slowing) -> list[Block]:
    blocks: list[Block] = [findings.cards(context, _("Early warning: high check, rarer visits"), slow)]
    if slow.reason:
        blocks.append(Missing(slow.reason, title=_("Early warning")))
    if slow.precision is not None and slow.base_rate is not None and slow.tried is not None:
        widest = max(slow.precision.high, slow.base_rate.high)
        bars = []
        for label, found, people, tone in (
            (_("Warned about"), slow.precision, slow.tried.warned, "warn"),
            (_("Not warned about"), slow.base_rate, slow.tried.others, "quiet"),
        ):
            low, high = whisker(found, widest)
            bars.append(
                Bar(
                    label,
                    words.percent(found.value),
                    share(found.value, widest),
                    low=low,
                    high=high,
                    note=_("{n} cases").format(n=words.count(people)),
                    tone=tone,
                )
            )
        blocks.append(Bars(_("Were such warnings right in the past?"), tuple(bars), _tested()))
    return blocks


def _tested() -> Explained:
    return Explained(
        _("The share who came less than half as often afterwards, as their own past promised."),
        _(
            "The same rule was applied at past days, with what was known then, to customers with a check in the top "
            "quarter, eight intervals or more, and no long silence. It compares the last three intervals with the "
            "own earlier ones and takes off what slowed everybody. It is used only if warnings were right clearly "
            "more often."
        ),
    )
