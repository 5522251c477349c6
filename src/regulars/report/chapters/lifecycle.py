"""Who is active, slipping, lost? The states, the score that tells them apart, and how often it was right."""

from regulars.analytics.lifecycle import LOST_BELOW, SLIPPING_BELOW, STATES
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import names, words
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
    Part,
    Stripe,
    Table,
)
from regulars.report.chapters.common import Context, likely, number, share, table

ACTIVE = ("new", "regular", "won_back")


def chapter(context: Context) -> Chapter:
    """The lifecycle and its back-test."""
    blocks: list[Block] = [stripe(context), _states(context), _trust(context)]
    lifecycle = context.audit.lifecycle
    if lifecycle.reason:
        blocks.append(Missing(lifecycle.reason, title=_("How far can these states be trusted?")))
    if lifecycle.called_lost:
        blocks.append(_called_lost(context))
    if lifecycle.candidates:
        blocks.append(_race(context))
    return Chapter("lifecycle", _("Who is active, slipping, lost?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    states = context.audit.lifecycle.states
    active = sum(states[state].customers for state in ACTIVE)
    money = states["slipping"].amount_year
    return _(
        "Active now: {active}. Slipping away: {slipping}. Lost: {lost}. Those who are slipping spent {money} in the "
        "last year: they are the ones worth a call this week."
    ).format(
        active=words.customers(active),
        slipping=words.count(states["slipping"].customers),
        lost=words.count(states["lost"].customers),
        money=context.purse.money(money),
    )


def stripe(context: Context) -> Stripe:
    """All customers cut by state."""
    states, total = context.audit.lifecycle.states, context.audit.base.customers
    parts = tuple(
        Part(
            label=names.state(state),
            share=share(states[state].customers, total),
            value=f"{words.count(states[state].customers)} · {words.percent(share(states[state].customers, total))}",
            tone=state,
            list_id=f"state:{state}",
            count=states[state].customers,
        )
        for state in STATES
    )
    return Stripe(_("Customers by state"), parts)


def definition(context: Context) -> str:
    """What makes a customer slipping or lost, exactly."""
    lifecycle = context.audit.lifecycle
    window = words.days(lifecycle.window_days)
    text = _("New: the first visit was less than {window} ago.").format(window=window) + " "
    if lifecycle.fresh_chance is None:
        text += _("Slipping: silent for longer than {window}; lost: for longer than twice that.").format(window=window)
    else:
        text += _(
            "Right after a visit a customer has some chance to come back within {window}, {fresh} for repeat customers "
            "on average. Silence makes the chance fall. Slipping: it is below {slipping} of what it was after the own "
            "last visit; lost: below {lost}. Won back: in good standing now, lost {window} ago. Regular: the rest."
        ).format(
            window=window,
            fresh=words.percent(lifecycle.fresh_chance),
            slipping=words.percent(SLIPPING_BELOW),
            lost=words.percent(LOST_BELOW),
        )
    if lifecycle.slipping_after_days is not None and lifecycle.lost_after_days is not None:
        text += " " + _("Here that means {slipping} and {lost} of silence.").format(
            slipping=words.days(lifecycle.slipping_after_days), lost=words.days(lifecycle.lost_after_days)
        )
    return text


def _states(context: Context) -> Bars:
    states = context.audit.lifecycle.states
    total = sum(state.amount_year for state in states.values())
    widest = max((state.amount_year for state in states.values()), default=0)
    bars = tuple(
        Bar(
            label=names.state(name),
            note=names.state_meaning(name),
            value=context.purse.money(state.amount_year),
            interval=f"{words.customers(state.customers)} · {words.percent(share(state.amount_year, total))}",
            end=share(state.amount_year, widest),
            tone=name,
            people=context.people(f"state:{name}", state.customers),
        )
        for name, state in states.items()
    )
    return Bars(
        _("What each of them spent in the last year"),
        bars,
        Explained(
            _("Each customer is judged by the silence since the last visit, against what silence has meant so far."),
            definition(context),
        ),
    )


def _trust(context: Context) -> Figures:
    lifecycle = context.audit.lifecycle
    window = words.days(lifecycle.window_days)
    found = [
        Figure(
            _("The window of this business"),
            window,
            Explained(
                _("A customer who is still yours comes back within this time."),
                _(
                    "Twice the mean interval that nine of ten repeat customers do not exceed, in whole weeks; from two "
                    "weeks to a year, and not above a third of the history."
                ),
            ),
        ),
        Figure(
            _("How we tell"),
            names.score(lifecycle.score),
            Explained(
                _("The simplest of the scores that told best, on your own past, who would come back."),
                _(
                    "The scores compete on past days: each sees only what was known then and is judged by the window "
                    "that followed. Of those within one standard error of the best, the simplest wins."
                ),
            ),
            tone="words",
        ),
    ]
    if lifecycle.auc is not None:
        found.append(
            Figure(
                _("How often it is right"),
                words.percent(lifecycle.auc.value),
                Explained(
                    _("Of one who came back and one who did not, it tells which is which this often."),
                    _("The area under the ROC curve (AUC), averaged over the test days. A coin gets 50%."),
                ),
                interval=likely(words.percent_range(lifecycle.auc)),
            )
        )
    if lifecycle.false_alarms is not None:
        found.append(
            Figure(
                _("False alarms"),
                words.percent(lifecycle.false_alarms.value),
                Explained(
                    _("Of those called lost in the past, this share came back within the window after all."),
                    _(
                        "The people were split in ten parts; each was judged by chances calibrated on the other nine. "
                        "Interval by Wilson (1927)."
                    ),
                ),
                interval=likely(words.percent_range(lifecycle.false_alarms)),
            )
        )
    return Figures(tuple(found))


def _called_lost(context: Context) -> Table:
    return table(
        _("What happened to those whom it would have called lost"),
        [
            Column(_("On that day")),
            number(_("Called lost")),
            number(_("Came back within the window")),
            number(_("And spent")),
        ],
        [
            (
                words.day(called.origin),
                words.count(called.customers),
                _share_of(called.came_back, called.customers),
                context.purse.money(called.amount),
            )
            for called in context.audit.lifecycle.called_lost
        ],
        note=ngettext(
            "Counted on a random sample of at most 50,000 customers; {n} past day was tried.",
            "Counted on a random sample of at most 50,000 customers; {n} past days were tried.",
            len(context.audit.lifecycle.origins),
        ).format(n=len(context.audit.lifecycle.origins)),
    )


def _share_of(part: int, whole: int) -> str:
    return f"{words.count(part)} · {words.percent(part / whole)}" if whole else words.count(part)


def _race(context: Context) -> Bars:
    """AUC from a coin (the left edge) to a clairvoyant (the right edge)."""
    bars = []
    for candidate in context.audit.lifecycle.candidates:
        winner = candidate.score == context.audit.lifecycle.score
        if candidate.auc is None:
            bars.append(Bar(names.score(candidate.score), "—", 0.0, note=candidate.reason or ""))
            continue
        low, high = (share(end - 0.5, 0.5) for end in (candidate.auc.low, candidate.auc.high))
        bars.append(
            Bar(
                label=names.score(candidate.score),
                value=words.percent(candidate.auc.value, 1),
                end=share(candidate.auc.value - 0.5, 0.5),
                low=low,
                high=high,
                tone="accent" if winner else "quiet",
                note=_("chosen") if winner else "",
            )
        )
    return Bars(
        _("The scores that competed"),
        tuple(bars),
        Explained(_("The left edge is a coin, the right edge knows the future. The thin line is the 95% interval.")),
    )
