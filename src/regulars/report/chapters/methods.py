"""Models and methods: fitted parameters, and every definition with its source."""

import math

from regulars.analytics.audit import Model
from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.blocks import Block, Cell, Chapter, Column, Table, Text
from regulars.report.chapters.common import Context, number, table
from regulars.report.chapters.lifecycle import definition


def chapter(context: Context) -> Chapter:
    """For those who want to check."""
    blocks: list[Block] = [_conventions(context)]
    blocks += [_model(model) for model in context.audit.models.values()]
    blocks.append(_definitions(context))
    blocks.append(_sources())
    answer = _("Everything above can be computed again from the same file; this is what you need for it.")
    return Chapter("methods", _("Models and methods"), answer, tuple(blocks))


def _conventions(context: Context) -> Text:
    audit = context.audit
    return Text(
        (
            _("The audit stands at the end of {day}; nothing that happened later is looked at.").format(
                day=words.day(audit.as_of)
            ),
            _(
                "“Likely” means a 95% interval: if the whole thing were repeated many times, the interval would cover "
                "the true value 95 times of 100. It speaks of chance, not of wrong data or a wrong model."
            ),
            _("A year is 365 days, a visit is a day with a purchase, money is in {currency}.").format(
                currency=audit.currency
            ),
        ),
        title=_("Conventions"),
    )


def _model(fit: Model) -> Table:
    in_weeks = fit.unit == "week"
    unit = _("Time is in weeks.") if in_weeks else _("Money is in {currency}.").format(currency=fit.unit)
    return table(
        names.model(fit.name),
        [Column(_("Parameter")), number(_("Value")), number(_("Standard error"))],
        [
            (name, _significant(value), _significant(fit.standard_errors.get(name, math.nan)))
            for name, value in fit.parameters.items()
        ],
        note=f"{unit} "
        + _("Log-likelihood {value}; {n}.").format(
            value=words.decimal(fit.log_likelihood, 2), n=words.customers(fit.customers)
        ),
    )


def _significant(value: float) -> str:
    """Four significant digits, whatever the size."""
    if not math.isfinite(value):
        return "—"
    digits = 3 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    return words.decimal(value, min(digits, 9))


def _definitions(context: Context) -> Table:
    return table(
        _("Definitions"),
        [Column(_("Term")), Column(_("Meaning"))],
        [
            (_("Visit"), Cell(_("A day on which the customer bought something; returns alone are not a visit."))),
            (
                _("Receipt, check"),
                Cell(_("What was paid at once, less returns in the same receipt; the check is its sum.")),
            ),
            (
                _("Window"),
                Cell(
                    _("{days}: whoever is still a customer comes back within it.").format(
                        days=words.days(context.audit.window_days)
                    )
                ),
            ),
            (_("States"), Cell(definition(context))),
            (
                _("Pace"),
                Cell(
                    _(
                        "Visits per day of the time observed, drawn towards the mean of all customers by the gamma "
                        "distribution of MBG/NBD: few visits say little about a person."
                    )
                ),
            ),
            (
                _("Customer value"),
                Cell(_("Expected visits times expected check, each year's money discounted to its middle.")),
            ),
        ],
    )


def _sources() -> Text:
    return Text(
        (
            "Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24: MBG/NBD.",
            "Fader & Hardie (2007), Journal of Interactive Marketing 21: shifted beta-geometric.",
            "Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value.",
            "Platzer & Reutterer (2016), Marketing Science 35: MBG/CNBD-k.",
            "Ang (2005), Energy Policy 33: LMDI.",
            "Wilson (1927), Yuen (1974), Kaplan & Meier (1958): intervals, trimmed means, survival.",
            "Tashman (2000), International Journal of Forecasting 16: rolling origin.",
        ),
        title=_("Sources"),
    )
