"""What sets the best customers apart, in words."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import names, words
from regulars.report.sentences.sentence import Sentence
from regulars.report.words import Purse


def level(row: Mapping[str, Any]) -> str:
    """A value of an attribute, or a band of numbers or days; `row` has `kind`, `level`, `low`, `high`."""
    low, high = row["low"], row["high"]
    if low is None and high is None:
        return names.given(row["level"])
    if row["kind"] == "day":
        first, last = _day(low, 0), _day(high, -1)
        if low is None:
            return _("up to {last}").format(last=last)
        return _("from {first} on").format(first=first) if high is None else f"{first} {words.EN_DASH} {last}"
    if low is None:
        return _("below {high}").format(high=words.decimal(high, 2))
    if high is None:
        return _("{low} and more").format(low=words.decimal(low, 2))
    return _("from {low} to {high}").format(low=words.decimal(low, 2), high=words.decimal(high, 2))


def _day(ordinal: float | None, later: int) -> str:
    return "" if ordinal is None else words.day(dt.date.fromordinal(int(ordinal) + later))


def _shares(finding: Finding, _purse: Purse) -> dict[str, str]:
    about = finding.about
    lift = about["lift"]
    assert isinstance(lift, Estimate)
    return {
        "heading": names.given(str(about["heading"])),
        "level": level(about),
        "best": words.percent(float(about["best_share"])),  # type: ignore[arg-type]
        "others": words.percent(float(about["others_share"])),  # type: ignore[arg-type]
        "times": words.decimal(lift.value if lift.value > 1 else 1 / lift.value, 1),
    }


def _more(finding: Finding, purse: Purse) -> str:
    return _(
        "“{heading}”: {level} is found with {best} of the best customers and with {others} of the others, {times} "
        "times as often."
    ).format(**_shares(finding, purse))


def _more_action(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "Look for new customers where such people are. {n} customer is like that and not yet among the best: begin "
        "there.",
        "Look for new customers where such people are. {n} customers are like that and not yet among the best: begin "
        "with them.",
        finding.customers,
    ).format(n=words.count(finding.customers))


def _less(finding: Finding, purse: Purse) -> str:
    return _(
        "“{heading}”: {level} is found with only {best} of the best customers against {others} of the others, {times} "
        "times as seldom."
    ).format(**_shares(finding, purse))


def _less_action(_finding: Finding, _purse: Purse) -> str:
    return _("Spend less on winning such customers until you know why they do not grow; ask a few of them.")


def _alike(finding: Finding, _purse: Purse) -> str:
    about = finding.about
    return ngettext(
        "{n} customer is not among the best yet but resembles them. Of people scored that high, {found} are among "
        "the best; of all, {base}.",
        "{n} customers are not among the best yet but resemble them. Of people scored that high, {found} are among "
        "the best; of all, {base}.",
        finding.customers,
    ).format(
        n=words.count(finding.customers),
        found=words.percent(float(about["best_share"])),  # type: ignore[arg-type]
        base=words.percent(float(about["base_share"])),  # type: ignore[arg-type]
    )


def _alike_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Show them what the best buy. To find new people like the best, give an advertising system the list of the "
        "best as a sample: regulars audience writes it hashed."
    )


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        "profile:more": Sentence(_more, _more_action),
        "profile:less": Sentence(_less, _less_action),
        "profile:alike": Sentence(_alike, _alike_action),
    }
)
