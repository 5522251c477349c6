"""Why they leave: how the beginnings and the ends are said."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.report import words
from regulars.report.sentences.levels import thing
from regulars.report.sentences.sentence import Sentence
from regulars.report.words import Purse


def facts(finding: Finding) -> dict[str, Any]:
    """What the sentences of a league have in common."""
    about = finding.about
    return {
        "thing": thing(str(about["dimension"]), str(about["label"])),
        "n": words.count(float(about["cases"])),  # type: ignore[arg-type]
        "share": words.percent(float(about["share"])),  # type: ignore[arg-type]
        "expected": words.percent(float(about["expected"])),  # type: ignore[arg-type]
        "window": words.days(float(about["window_days"])),  # type: ignore[arg-type]
    }


def _entry(finding: Finding, _purse: Purse) -> str:
    return _(
        "First purchase with {thing}: {share} of {n} newcomers came again within {window}. Of comparable newcomers "
        "who began with something else, {expected} did."
    ).format(**facts(finding))


def _mend_entry(finding: Finding, _purse: Purse) -> str:
    if finding.about["dimension"] in {"staff", "store", "channel"}:
        return _(
            "Have a look, without blame: what do newcomers hear, see and get there? Ask some who did not return. The "
            "figures say where they are lost, not why."
        )
    return _(
        "Find out what disappoints in it at the first purchase: try it yourself, and ask some who did not return. "
        "Until then, offer newcomers something else."
    )


def _use_entry(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Lead newcomers there, first a part of them: those who choose it themselves may be different people, and only "
        "a trial shows what it does for others."
    )


def _exit(finding: Finding, _purse: Purse) -> str:
    about = finding.about
    if about["dimension"] in {"staff", "store"}:
        text = _(
            "{thing}: {last} regulars were served there last before they left for good. By their own earlier visits it "
            "would have been about {expected}."
        )
    else:
        text = _(
            "{thing}: {last} regulars had it at their last visit before they left for good. By their own earlier "
            "visits it would have been about {expected}."
        )
    return text.format(
        thing=_first_up(thing(str(about["dimension"]), str(about["label"]))),
        last=words.count(float(about["last"])),  # type: ignore[arg-type]
        expected=words.count(float(about["expected"])),  # type: ignore[arg-type]
    )


def _mend_exit(finding: Finding, _purse: Purse) -> str:
    if finding.about["dimension"] in {"staff", "store"}:
        return _(
            "Have a look, without blame: ask some of those who left how their last visit went, and call those who "
            "have just been there."
        )
    return _(
        "Ask some of those who left what was wrong with it; check its quality, price and the way it is sold, and call "
        "those who have just bought it."
    )


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        "entry_worse": Sentence(_entry, _mend_entry),
        "entry_better": Sentence(_entry, _use_entry),
        "exit": Sentence(_exit, _mend_exit),
    }
)
