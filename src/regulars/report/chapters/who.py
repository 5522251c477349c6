"""Who are the customers? RFM segments."""

from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.blocks import Bar, Bars, Block, Chapter, Column, Explained, Table
from regulars.report.chapters import pyramid
from regulars.report.chapters.common import Context, number, rows_of, share, table


def chapter(context: Context) -> Chapter:
    """Customers by recency, frequency and money."""
    rows = rows_of(context.audit.rfm.segments)
    rows.sort(key=lambda row: (-row["amount"], row["rfm_segment"]))
    blocks: list[Block] = [_segments(context, rows), pyramid.block(context), _cuts(context)]
    return Chapter("who", _("Who are the customers?"), _answer(context, rows), tuple(blocks))


def _answer(context: Context, rows: list[dict[str, float]]) -> str:
    best = rows[0]
    return _(
        "The segment that brings the most is “{segment}”: {people} of the customers and {money} of the money."
    ).format(
        segment=names.segment(str(best["rfm_segment"])),
        people=words.percent(share(best["customers"], context.audit.base.customers)),
        money=words.percent(best["amount_share"]),
    )


def _segments(context: Context, rows: list[dict[str, float]]) -> Bars:
    widest = max((row["amount_share"] for row in rows), default=1.0)
    bars = []
    for row in rows:
        segment = str(row["rfm_segment"])
        people = share(row["customers"], context.audit.base.customers)
        bars.append(
            Bar(
                label=names.segment(segment),
                note=names.segment_meaning(segment),
                value=words.percent(row["amount_share"]),
                interval=f"{context.purse.money(row['amount'])} · {words.customers(int(row['customers']))} "
                f"({words.percent(people)})",
                end=share(row["amount_share"], widest),
                people=context.people(f"rfm:{segment}", int(row["customers"])),
            )
        )
    return Bars(
        _("Segments by the money they have brought"),
        tuple(bars),
        Explained(
            _("Customers are scored 1 to 5 on how recently, how often and for how much they have bought in all."),
            _(
                "A score is the customer's place among those who differ: equal customers always get equal scores, so "
                "groups need not be of one size. Segments are a complete map of the 125 combinations."
            ),
        ),
    )


def _cuts(context: Context) -> Table:
    cuts = context.audit.rfm.cuts
    titles = {
        "recency_days": _("Recency: days since the last visit, at most"),
        "visits": _("Frequency: visits, at least"),
    }
    rows = [
        (titles[name], *(words.count(cut) for cut in cuts[name])) for name in ("recency_days", "visits") if name in cuts
    ]
    rows.append((_("Money: spent in all, at least"), *(context.purse.money(cut) for cut in cuts["amount"])))
    return table(
        _("What it takes to get a score"),
        [Column(_("Score")), *(number(str(score)) for score in range(2, 6))],
        rows,
        note=_(
            "Whoever is short of the first value has score 1. Where two values are equal, the lower score is empty."
        ),
    )
