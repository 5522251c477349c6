"""What every module of sentences is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regulars.analytics.estimate import Estimate
from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.report import words
from regulars.report.words import Purse

Say = Callable[[Finding, Purse], str]


@dataclass(frozen=True)
class Sentence:
    """How one kind of finding is said: `text` what was found, `action` what to do."""

    text: Say
    action: Say


def about(finding: Finding, key: str) -> Any:
    """What fills a gap of the sentence."""
    return finding.about[key]


def estimate(finding: Finding, key: str) -> Estimate:
    """The same, where it is a number with its interval."""
    value = finding.about[key]
    assert isinstance(value, Estimate)
    return value


def name(finding: Finding, key: str) -> str:
    """The same, where it is a text of the user's."""
    return words.name(finding.about[key])


def strength(finding: Finding) -> str:
    """How sure a finding is, for a person who knows no statistics."""
    cases = finding.evidence.cases
    text = {
        "strong": _("Strong evidence: less than 1 in 100 such findings is chance"),
        "moderate": _("Good evidence: less than 1 in 20 such findings is chance"),
        "tested": _("The rule was tested on the past of this very business"),
        "assumed": _("An estimate that rests on a named assumption: try it on a few people first"),
    }[finding.evidence.strength]
    return text if cases is None else _("{strength}; {n} cases").format(strength=text, n=words.count(cases))
