"""What discounts, prices, the shelf, the minimum order and slowing visits have to say."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType

from regulars.analytics.findings import Finding
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import words
from regulars.report.sentences.sentence import Sentence, about, estimate
from regulars.report.words import Purse


def _price_buyers(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} customer buys on price: {share} of the purchases at a discount, while the shop sells {offered} so.",
        "{n} customers buy on price: {share} of their purchases at a discount, while the shop sells {offered} so.",
        finding.customers,
    ).format(
        n=words.count(finding.customers),
        share=words.percent(about(finding, "share")),
        offered=words.percent(about(finding, "offered")),
    )


def _price_buyers_action(finding: Finding, purse: Purse) -> str:
    return _(
        "Tell them of offers first, and do not count on them at full price. If they hold a card with a constant "
        "discount, this is your terms and not their habit. They were given {money} in the last 12 months."
    ).format(money=purse.money(about(finding, "discount_year")))


def _service_buyers(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} customer cares little about discounts: {share} of the purchases at a discount, while the shop sells "
        "{offered} so.",
        "{n} customers care little about discounts: {share} of their purchases at a discount, while the shop sells "
        "{offered} so.",
        finding.customers,
    ).format(
        n=words.count(finding.customers),
        share=words.percent(about(finding, "share")),
        offered=words.percent(about(finding, "offered")),
    )


def _service_buyers_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Do not teach them to wait for discounts: attention, choice and service are worth more to them. Leave them out "
        "of discount campaigns."
    )


def _wasted(finding: Finding, purse: Purse) -> str:
    return ngettext(
        "{n} customer came about as often in times without discounts; the discounts of a year: {money}.",
        "{n} customers came about as often in times without discounts; their discounts of a year: {money}.",
        finding.customers,
    ).format(n=words.count(finding.customers), money=purse.money(about(finding, "given")))


def _wasted_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "This is the most that could be saved, not a promise: they may buy less at a time or go elsewhere. Stop "
        "discounts for a random half of them, keep the other half as it is, and compare after three months."
    )


def _price(finding: Finding, _purse: Purse) -> str:
    elasticity = estimate(finding, "elasticity")
    return _(
        "Demand for “{product}” answers to its price: 10% dearer, about {fall} fewer sold (elasticity {low} to {high})."
    ).format(
        product=words.name(about(finding, "product")),
        fall=words.percent(about(finding, "fall")),
        low=words.decimal(elasticity.low),
        high=words.decimal(elasticity.high),
    )


def _price_action(finding: Finding, _purse: Purse) -> str:
    margin, elasticity = finding.about.get("margin"), estimate(finding, "elasticity")
    best = -1 / margin if isinstance(margin, float) and margin > 0 else None
    if best is not None and elasticity.low > best:
        return _("At its margin a slightly higher price would earn more: try it in one store first.")
    if best is not None and elasticity.high < best:
        return _("At its margin a slightly lower price would earn more: try it in one store first.")
    return _("Change this price in small steps, and watch the units sold, not the revenue of one week.")


def _offer(finding: Finding) -> dict[str, str]:
    lift, needed = estimate(finding, "lift"), finding.about.get("break_even")
    return {
        "product": words.name(about(finding, "product")),
        "depth": words.percent(about(finding, "depth")),
        "lift": words.percent(lift.value),
        "needed": words.percent(needed) if isinstance(needed, float) else "",
    }


def _loses(finding: Finding, _purse: Purse) -> str:
    if finding.about.get("break_even") is None:
        text = _("Offers of “{product}” lose money: {depth} off is more than its margin, and sales rise by {lift}.")
    else:
        text = _(
            "Offers of “{product}” lose money: at {depth} off sales rise by {lift}, and {needed} is needed to pay."
        )
    return text.format(**_offer(finding))


def _loses_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Make the discount smaller or drop it, unless the product brings people who buy much else: compare whole "
        "receipts in two stores, with the offer and without it."
    )


def _earns(finding: Finding, _purse: Purse) -> str:
    return _(
        "Offers of “{product}” pay: at {depth} off sales rise by {lift}, and {needed} would have been enough."
    ).format(**_offer(finding))


def _earns_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Keep it. Part of the rise may be taken from other weeks and products, so do not offer it more often at once."
    )


def _minimum(finding: Finding, purse: Purse) -> str:
    return _(
        "A bonus of {bonus} for receipts from {threshold} would pay: about {moved} receipts a year would move up."
    ).format(
        bonus=purse.money(about(finding, "bonus")),
        threshold=purse.money(about(finding, "threshold")),
        moved=words.count(about(finding, "moved")),
    )


def _minimum_action(finding: Finding, _purse: Purse) -> str:
    return _(
        "Assumed: {share} of the receipts up to a quarter below it move up; {needed} would be enough to pay for all "
        "bonuses. Try it in one store, or on a random half of the members, for two months."
    ).format(
        share=words.percent(about(finding, "move_share")), needed=words.percent(about(finding, "needed_share") or 0.0)
    )


def _rare(finding: Finding, _purse: Purse) -> str:
    return _(
        "“{product}” sells little, but the best customers come for it: {best} of its {all} purchases are theirs, and "
        "{expected} would be usual."
    ).format(
        product=words.name(about(finding, "product")),
        best=words.count(about(finding, "best_purchases")),
        all=words.count(about(finding, "purchases")),
        expected=words.count(about(finding, "expected")),
    )


def _rare_action(finding: Finding, _purse: Purse) -> str:
    devoted = int(about(finding, "devoted"))
    if not devoted:
        return _("Do not delist it by its sales alone, and never let it run out.")
    return ngettext(
        "Do not delist it. {n} of the best has it in at least half of the visits; the money assumes that {share} of "
        "such people would leave without it.",
        "Do not delist it. {n} of the best have it in at least half of their visits; the money assumes that {share} "
        "of such people would leave without it.",
        devoted,
    ).format(n=words.count(devoted), share=words.percent(about(finding, "leave_share")))


def _gap(finding: Finding, _purse: Purse) -> str:
    since, until = (dt.date.fromordinal(int(about(finding, end))) for end in ("from", "to"))
    store = finding.about.get("store")
    place = _(" in “{store}”").format(store=words.name(store)) if store else ""
    return _(
        "“{product}”{place} was not sold from {since} to {until}: longer than chance allows. About {n} sales did not "
        "happen."
    ).format(
        product=words.name(about(finding, "product")),
        place=place,
        since=words.day(since),
        until=words.day(until),
        n=words.count(about(finding, "expected")),
    )


def _gap_action(_finding: Finding, _purse: Purse) -> str:
    return _(
        "Find out why the shelf was empty, and keep a reserve. The list has its regular buyers among the best: tell "
        "them when it is back."
    )


def _slowing(finding: Finding, _purse: Purse) -> str:
    return ngettext(
        "{n} customer with a high check comes more and more rarely: the last three intervals are {ratio} as long as "
        "usual.",
        "{n} customers with a high check come more and more rarely: the last three intervals are {ratio} as long as "
        "usual.",
        finding.customers,
    ).format(n=words.count(finding.customers), ratio=words.times(about(finding, "ratio")))


def _slowing_action(finding: Finding, _purse: Purse) -> str:
    return _(
        "Call in person and ask what has changed. Tested on the past: of those warned about {precision} then came "
        "less than half as often, of the others {base}. The money assumes that {share} of the loss can be averted."
    ).format(
        precision=words.percent(about(finding, "precision")),
        base=words.percent(about(finding, "base_rate")),
        share=words.percent(about(finding, "share")),
    )


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        "discount:price": Sentence(_price_buyers, _price_buyers_action),
        "discount:service": Sentence(_service_buyers, _service_buyers_action),
        "discount:wasted": Sentence(_wasted, _wasted_action),
        "price:product": Sentence(_price, _price_action),
        "offer:loses": Sentence(_loses, _loses_action),
        "offer:earns": Sentence(_earns, _earns_action),
        "minimum_order:best": Sentence(_minimum, _minimum_action),
        "assortment:product": Sentence(_rare, _rare_action),
        "gap:product": Sentence(_gap, _gap_action),
        "slowing:high_check": Sentence(_slowing, _slowing_action),
    }
)
