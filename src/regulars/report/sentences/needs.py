"""Sentences on what customers need next, what goes together, what follows what, and who may try what."""

from collections.abc import Mapping

from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.sentences.sentence import Sentence, about, estimate, name
from regulars.report.words import Purse


def _need_text(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} customer will probably buy “{product}” within {days}: of those named so in the test on the past, {rate} "
        "did (of all who had ever bought it, {base}).",
        "{n} customers will probably buy “{product}” within {days}: of those named so in the test on the past, {rate} "
        "did (of all who had ever bought it, {base}).",
        finding.customers,
    ).format(
        n=words.count(finding.customers),
        product=name(finding, "product"),
        days=words.days(about(finding, "days")),
        rate=words.percent(estimate(finding, "hit_rate").value),
        base=words.percent(about(finding, "base_rate")),
    )


def _need_action(finding: Finding, purse: Purse) -> str:
    return _(
        "Have it in stock: purchases for {expected} are expected. Remind these customers in time, without a discount; "
        "the money is what they would otherwise not buy within these days, a part of it only later."
    ).format(expected=purse.about(about(finding, "expected")))


def _pair_text(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "“{given}” and “{then}” are bought together {times} times as often as habits and basket sizes explain. {n} "
        "customer often buys the first and has never bought the second.",
        "“{given}” and “{then}” are bought together {times} times as often as habits and basket sizes explain. {n} "
        "customers often buy the first and have never bought the second.",
        finding.customers,
    ).format(
        given=name(finding, "given"),
        then=name(finding, "then"),
        times=words.decimal(estimate(finding, "times").value),
        n=words.count(finding.customers),
    )


def _pair_action(finding: Finding, purse: Purse) -> str:
    text = _(
        "Put them side by side, and offer “{then}” at the till to whoever takes “{given}”. The money is the most that "
        "can be won: as if all of these customers took it as others do."
    ).format(given=name(finding, "given"), then=name(finding, "then"))
    margin = about(finding, "margin")
    if margin is None:
        return text
    return _("{text} Margin of one such purchase: {margin}.").format(text=text, margin=purse.money(margin))


def _sequence_text(finding: Finding, _purse: Purse) -> str:
    extra = estimate(finding, "extra")
    return _(
        "After “{first}” comes “{second}”, typically {days} later: {followed} of purchases are followed so within "
        "{window}; {extra} of all such purchases are beyond what the opposite order shows."
    ).format(
        first=name(finding, "first"),
        second=name(finding, "second"),
        days=words.days(about(finding, "days")),
        followed=words.percent(about(finding, "followed")),
        window=words.days(about(finding, "window")),
        extra=words.percent(extra.value),
    )


def _sequence_action(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} customer has bought the first lately and not the second yet: offer it {days} after the first. The money "
        "holds if a reminder does as much again as habit does.",
        "{n} customers have bought the first lately and not the second yet: offer it {days} after the first. The money "
        "holds if a reminder does as much again as habit does.",
        finding.customers,
    ).format(n=words.count(finding.customers), days=words.days(about(finding, "days")))


def _trial_text(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} loyal customer has never bought “{category}” and is likely to try it: of such customers {rate} did within "
        "{days} in the test on the past, of any without it {base}.",
        "{n} loyal customers have never bought “{category}” and are likely to try it: of such customers {rate} did "
        "within {days} in the test on the past, of any without it {base}.",
        finding.customers,
    ).format(
        n=words.count(finding.customers),
        category=name(finding, "category"),
        rate=words.percent(estimate(finding, "rate").value),
        base=words.percent(about(finding, "base_rate")),
        days=words.days(about(finding, "days")),
    )


def _trial_action(finding: Finding, _purse: Purse) -> str:
    near = [name(finding, key) for key in ("near", "near_too") if finding.about[key]]
    text = _(
        "Invite them to try it, with a sample or a first visit at ease. The money holds if an invitation brings as "
        "many again as come by themselves."
    )
    if not near:
        return text
    return _("They resemble those who tried it: it goes most with {near}. {text}").format(
        near=", ".join(_("“{name}”").format(name=name) for name in near), text=text
    )


SENTENCES: Mapping[str, Sentence] = {
    "need_due": Sentence(_need_text, _need_action),
    "pair_together": Sentence(_pair_text, _pair_action),
    "sequence_next": Sentence(_sequence_text, _sequence_action),
    "trial_likely": Sentence(_trial_text, _trial_action),
}
