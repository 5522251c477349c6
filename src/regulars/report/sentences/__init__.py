"""Findings in words: for each kind of finding one sentence, and what to do about it."""

from collections.abc import Mapping
from types import MappingProxyType

from regulars.analytics.findings import Finding
from regulars.report.sentences import demand, needs, prices, profile, service, why
from regulars.report.sentences.sentence import Sentence
from regulars.report.words import Purse

# one module per chapter of findings; its SENTENCES are by kind
_KINDS: Mapping[str, Sentence] = MappingProxyType(
    {
        **why.SENTENCES,
        **service.SENTENCES,
        **needs.SENTENCES,
        **prices.SENTENCES,
        **demand.SENTENCES,
        **profile.SENTENCES,
    }
)


def sentence(finding: Finding, purse: Purse) -> str:
    """What was found, in the current language."""
    return _KINDS[finding.kind].text(finding, purse)


def action(finding: Finding, purse: Purse) -> str:
    """What to do about it, in the current language."""
    return _KINDS[finding.kind].action(finding, purse)
