"""What do they need next? Due purchases, what goes together and in which order, and who may try something new."""

from typing import Any

from regulars.analytics.baskets import BoughtTogether
from regulars.analytics.jobs import Jobs
from regulars.analytics.needs import Needs
from regulars.analytics.sequences import BoughtInSequence
from regulars.analytics.trials import Trials
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import findings, words
from regulars.report.blocks import Bar, Bars, Block, Cell, Chapter, Column, Explained, Table
from regulars.report.chapters.common import Context, likely, number, rows_of, share, table

PAIRS_SHOWN = 12
JOBS_SHOWN = 12


def chapter(context: Context) -> Chapter:
    """Needs, pairs, sequences, jobs, trials."""
    reasons = context.audit.reasons
    blocks: list[Block] = []
    blocks += _needs(context, reasons.needs) if reasons.needs else [context.missing("needs")]
    blocks += (
        _pairs(context, reasons.bought_together) if reasons.bought_together else [context.missing("bought_together")]
    )
    blocks += (
        _sequences(context, reasons.bought_in_sequence)
        if reasons.bought_in_sequence
        else [context.missing("bought_in_sequence")]
    )
    blocks += _jobs(reasons.jobs) if reasons.jobs else []
    blocks += _trials(context, reasons.trials) if reasons.trials else [context.missing("trials")]
    return Chapter("needs", _("What do they need next?"), _answer(reasons.needs), tuple(blocks))


def _answer(needs: Needs | None) -> str:
    if needs is None:
        return _("The purchases do not tell which product a customer will need next.")
    if needs.hit_rate is None or not needs.due_customers or not needs.personal:
        return _(
            "What a customer will buy within {days} cannot be told better than from what everybody buys: single "
            "products have no rhythm of their own here."
        ).format(days=words.days(needs.horizon_days))
    return ngettext(
        "{n} customer is due for a usual product within {days}. In the test on the past such a forecast came true in "
        "{rate} of cases.",
        "{n} customers are due for a usual product within {days}. In the test on the past such a forecast came true in "
        "{rate} of cases.",
        needs.due_customers,
    ).format(
        n=words.count(needs.due_customers),
        days=words.days(needs.horizon_days),
        rate=words.percent(needs.hit_rate.value),
    )


# --- needed next ---


def _needs(context: Context, needs: Needs) -> list[Block]:
    due = findings.cards(context, _("Whose usual product is due"), needs)
    # where rhythms foretell nothing there is nobody to name: the answer above says so
    return [*([due] if due.items or due.note else []), _race(needs)]


def _race(needs: Needs) -> Bars:
    names = {
        "rhythm": _("Own rhythm of each product"),
        "most_frequent": _("What the customer bought most often"),
        "most_popular": _("What everybody buys most"),
    }
    rows = rows_of(needs.backtest)
    widest = max(row["high"] for row in rows) or 1.0
    bars = tuple(
        Bar(
            label=names[row["rule"]],
            value=words.decimal(row["ndcg"], 3),
            end=share(row["ndcg"], widest),
            low=share(row["low"], widest),
            high=share(row["high"], widest),
            interval=likely(f"{words.decimal(row['low'], 3)}–{words.decimal(row['high'], 3)}"),
            note=_("finds {share} of what was bought").format(share=words.percent(row["recall"])),
            tone="accent" if row["rule"] == "rhythm" else "quiet",
        )
        for row in rows
    )
    explained = Explained(
        _("Each rule named ten products per customer for days it had not seen; the longer the bar, the better."),
        _(
            "{n} customers, the last {days} of the history hidden. NDCG@10: hits among the ten count more the higher "
            "they stand, 1 is perfect; beside it recall@10. The rule is a logistic regression on own frequency, own "
            "interval, time since the last purchase, popularity and visits, fitted on the {days} before. Against “most "
            "often”, customer by customer: {ahead}."
        ).format(
            n=words.count(needs.tested_customers),
            days=words.days(needs.horizon_days),
            ahead=f"{words.decimal(needs.ahead_of_frequent.low, 3)}…{words.decimal(needs.ahead_of_frequent.high, 3)}",
        ),
    )
    return Bars(_("How well the next purchases are foreseen"), bars, explained)


# --- together ---


def _pairs(context: Context, together: BoughtTogether) -> list[Block]:
    blocks: list[Block] = [findings.cards(context, _("What goes together"), together)]
    rows = rows_of(together.pairs.order_by(together.pairs.low.desc(), "first", "second"), limit=PAIRS_SHOWN)
    if rows:
        blocks.append(_pairs_table(context, rows))
    return blocks


def _pairs_table(context: Context, rows: list[dict[str, Any]]) -> Table:
    has_margin = any(row["margin"] is not None for row in rows)
    columns = [
        Column(_("Products")),
        number(_("Receipts with both")),
        number(_("By chance"), secondary=True),
        number(_("Times chance")),
        number(_("Of the first, take the second"), secondary=True),
        *([number(_("Margin of the second"), secondary=True)] if has_margin else []),
    ]
    note = _(
        "Chance keeps each customer’s habits and the sizes of the receipts, so that what the same people like, or what "
        "lies in large baskets, is no connection. Interval: {range} for the first row. Lift alone, which knows nothing "
        "of this, would be {lift} there."
    ).format(
        range=f"{words.decimal(rows[0]['low'])}–{words.decimal(rows[0]['high'])}", lift=words.decimal(rows[0]["lift"])
    )
    return table(
        _("The closest pairs"),
        columns,
        [
            (
                Cell(f"{words.name(row['first'])} + {words.name(row['second'])}", user=True),
                words.count(row["receipts"]),
                words.count(row["expected"]),
                words.times(row["times"]),
                words.percent(row["confidence"]),
                *([_margin(context, row["margin"])] if has_margin else []),
            )
            for row in rows
        ],
        note,
    )


def _margin(context: Context, margin: int | None) -> str:
    return "—" if margin is None else context.purse.money(margin)


# --- in sequence ---


def _sequences(context: Context, found: BoughtInSequence) -> list[Block]:
    blocks: list[Block] = [findings.cards(context, _("What follows what"), found)]
    rows = rows_of(found.sequences.order_by("q_value", "first", "second"), limit=PAIRS_SHOWN)
    if rows:
        blocks.append(_sequences_table(rows))
    return blocks


def _sequences_table(rows: list[dict[str, Any]]) -> Table:
    note = _(
        "Beyond chance: how much more often the second comes after the first than before it, in the same customers. "
        "Habits work both ways and cancel out."
    )
    return table(
        _("Sequences"),
        [
            Column(_("First → then")),
            number(_("Typically after")),
            number(_("Followed"), secondary=True),
            number(_("Beyond chance")),
        ],
        [
            (
                Cell(f"{words.name(row['first'])} → {words.name(row['second'])}", user=True),
                words.days(row["typical_days"]) if row["typical_days"] is not None else "—",
                words.percent(row["followed_share"]),
                words.percent(row["extra_share"]),
            )
            for row in rows
        ],
        note,
    )


def _jobs(jobs: Jobs) -> list[Block]:
    if not jobs.count:
        return []
    groups: dict[int, list[str]] = {}
    for row in rows_of(jobs.groups.order_by("job_no", "product")):
        groups.setdefault(row["job_no"], []).append(words.name(row["product"]))
    shown = list(groups.values())[:JOBS_SHOWN]
    return [
        table(
            _("Products that serve one job"),
            [Column(_("Products")), number(_("How many"))],
            [(Cell(", ".join(group), user=True), words.count(len(group))) for group in shown],
            _("Each is among the two closest companions of another in the group, or follows it."),
        )
    ]


# --- something new ---


def _trials(context: Context, trials: Trials) -> list[Block]:
    rows = rows_of(trials.backtest)
    if not rows:
        return [findings.cards(context, _("Who may try something new"), trials)]
    return [findings.cards(context, _("Who may try something new"), trials), _trial_race(trials, rows)]


def _trial_race(trials: Trials, rows: list[dict[str, Any]]) -> Bars:
    names = {
        "similar_customers": _("The likeliest fifth, by what they buy and how often"),
        "most_popular": _("The most popular that the customer lacks"),
        "by_chance": _("Any, by chance"),
    }
    widest = max(row["high"] for row in rows) or 1.0
    bars = tuple(
        Bar(
            label=names[row["rule"]],
            value=words.percent(row["rate"]),
            end=share(row["rate"], widest),
            low=share(row["low"], widest),
            high=share(row["high"], widest),
            note=_("{tried} of {named} named").format(tried=words.count(row["tried"]), named=words.count(row["named"])),
            tone="accent" if row["rule"] == "similar_customers" else "quiet",
        )
        for row in rows
    )
    explained = Explained(
        _("The share of loyal customers who bought what was named to them, within {days} it had not seen.").format(
            days=words.days(trials.horizon_days)
        ),
        _(
            "Loyal: five visits or more, the last one within {days}. Little-used: bought by at most half of them. Each "
            "customer is named one category never bought before. A category is recommended above only if, of customers "
            "equally active, those with more of its neighbourhood tried it more often. "
            "Intervals by Wilson (1927)."
        ).format(days=words.days(trials.horizon_days)),
    )
    return Bars(_("How well first purchases are foreseen"), bars, explained)
