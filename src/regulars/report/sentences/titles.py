"""Findings in a few words, for lists in which they stand beside other things to do."""

from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.report import words
from regulars.report.sentences.levels import thing


def title(finding: Finding) -> str:
    """What to do about it, short; the sentence and the whole advice are in the finding's own chapter."""
    texts = {
        "need_due": _("Remind of what is due: {product}"),
        "pair_together": _("Offer “{then}” with “{given}”"),
        "sequence_next": _("Offer “{second}” after “{first}”"),
        "trial_likely": _("Invite to try: {category}"),
        "slowing:high_check": _("Call big spenders who begin to come more rarely"),
        "entry_worse": _("Mend the first purchase: {thing}"),
        "exit": _("Find out why regulars leave: {thing}"),
        "service_worse": _("Look how customers are served: {thing}"),
        "gap:product": _("Keep in stock: {product}"),
        "discount:wasted": _("Stop discounts that call nobody"),
    }
    names = {key: words.name(value) for key, value in finding.about.items() if isinstance(value, str)}
    if {"dimension", "label"} <= names.keys():
        names["thing"] = thing(str(finding.about["dimension"]), str(finding.about["label"]))
    return texts[finding.kind].format_map(names)
