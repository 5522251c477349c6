"""Lasting changes of demand, in words."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.sentences.sentence import Sentence
from regulars.report.words import Purse


def _parts(finding: Finding) -> dict[str, str]:
    change = finding.about["change"]
    assert isinstance(change, Estimate)
    moved = sorted(abs(end - 1) for end in (change.low, change.high))
    return {
        "name": words.name(finding.about["name"]),
        "since": words.day(dt.date.fromisoformat(str(finding.about["since"]))),
        "change": words.percent(abs(change.value - 1), 0),
        "range": words.percent_range(Estimate(moved[0], *moved)),
    }


def _product_fall(finding: Finding, _purse: Purse) -> str:
    return _(
        "“{name}” has sold {change} less (likely {range}) since about {since}, against what the other products did."
    ).format(**_parts(finding))


def _product_rise(finding: Finding, _purse: Purse) -> str:
    return _(
        "“{name}” has sold {change} more (likely {range}) since about {since}, against what the other products did."
    ).format(**_parts(finding))


def _store_fall(finding: Finding, _purse: Purse) -> str:
    return _("“{name}” has sold {change} less (likely {range}) since about {since}, against the other stores.").format(
        **_parts(finding)
    )


def _store_rise(finding: Finding, _purse: Purse) -> str:
    return _("“{name}” has sold {change} more (likely {range}) since about {since}, against the other stores.").format(
        **_parts(finding)
    )


def _fall_action(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "Ask what changed around that day: price, quality, place on the shelf, supply, a rival. {n} customer who used "
        "to buy has not since.",
        "Ask what changed around that day: price, quality, place on the shelf, supply, a rival. {n} customers who "
        "used to buy have not since.",
        finding.customers,
    ).format(n=words.count(finding.customers))


def _rise_action(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "Order by the new level, and find out why: {n} customer has begun to buy since.",
        "Order by the new level, and find out why: {n} customers have begun to buy since.",
        finding.customers,
    ).format(n=words.count(finding.customers))


def _store_rise_action(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "Staff and stock it by the new level, and do elsewhere what works there: {n} customer came to it since.",
        "Staff and stock it by the new level, and do elsewhere what works there: {n} customers came to it since.",
        finding.customers,
    ).format(n=words.count(finding.customers))


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        "demand:product:fall": Sentence(_product_fall, _fall_action),
        "demand:product:rise": Sentence(_product_rise, _rise_action),
        "demand:store:fall": Sentence(_store_fall, _fall_action),
        "demand:store:rise": Sentence(_store_rise, _store_rise_action),
    }
)
