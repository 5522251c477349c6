"""Who serves them well: said so that nobody is blamed by a figure."""

from collections.abc import Mapping
from types import MappingProxyType

from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.report.sentences.sentence import Sentence
from regulars.report.sentences.why import facts
from regulars.report.words import Purse


def _worse(finding: Finding, _purse: Purse) -> str:
    return _(
        "Customers come back less often than comparable ones after visits with: {thing}. Within {window}, {share} came "
        "again; after comparable visits it would have been {expected}."
    ).format(**facts(finding))


def _better(finding: Finding, _purse: Purse) -> str:
    return _(
        "Customers come back more often than comparable ones after visits with: {thing}. Within {window}, {share} came "
        "again; after comparable visits it would have been {expected}."
    ).format(**facts(finding))


def _look(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Have a look, without blame: talk, watch a few visits, ask what else differs. The figures say where customers "
        "are lost, not why."
    )


def _learn(_finding: Finding, _purse: Purse) -> str:
    return _("Find out what is done differently there, say thank you, and let the others learn from it.")


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {"service_worse": Sentence(_worse, _look), "service_better": Sentence(_better, _learn)}
)
