"""What every module of sentences is made of."""

from collections.abc import Callable
from dataclasses import dataclass

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
