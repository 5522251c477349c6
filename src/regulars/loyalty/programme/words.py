"""Rules and traces as sentences, in the language of the reader."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from regulars.core.i18n import N_, format_date, format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money, minor_digits
from regulars.loyalty.programme import conditions as when
from regulars.loyalty.programme import effects as gives
from regulars.loyalty.programme import judging
from regulars.loyalty.programme.conditions import Condition, Scope
from regulars.loyalty.programme.effects import Effect
from regulars.loyalty.programme.judging import Judged, Step
from regulars.loyalty.programme.rules import Guard, Rule, RuleSet
from regulars.loyalty.programme.tiers import Tier
from regulars.loyalty.programme.volume import Volume
from regulars.loyalty.programme.watch import Watch

_TARGETED = (when.InSegment, when.PromoCode)
Names = Callable[[str, str], str]  # "product", "category", "store", ... and its code: what people call it


def _as_it_is(_kind: str, code: str) -> str:
    return code


class _Filling(dict[str, str]):
    """Placeholders that are said only where a sentence has them: a receipt has a dozen sentences, at a till."""

    def __init__(self, words: "Words", step: Step, judged: Judged) -> None:
        super().__init__()
        self._words, self._step, self._judged = words, step, judged

    def __missing__(self, name: str) -> str:
        return self._words.filling(name, self._step, self._judged)


class Words:
    """Says what a set of rules means and did. `names` tells what people call goods, stores, segments, tiers."""

    def __init__(self, rules: RuleSet, names: Names = _as_it_is) -> None:
        self.rules, self._given = rules, names
        self._titles = {one.id: one.title or one.id for one in rules.rules}

    def names(self, kind: str, code: str) -> str:
        """What people call it."""
        if kind == "tier" and self.rules.tiers is not None:
            return self.rules.tiers.title(code)
        return self._given(kind, code)

    def rule(self, rule: Rule) -> str:
        """The whole rule: "5% off (category “Coffee”) for members, if the receipt is at least $20."."""
        text = self.effect(rule.gives)
        if scope := self.scope(rule.on):
            text += f" ({scope})"
        if rule.when == when.ALWAYS:
            whole = _("{gives} for members.") if rule.for_ == "members" else _("{gives} for everybody.")
        elif rule.for_ == "members":
            whole = _("{gives} for members, if {when}.")
        else:
            whole = _("{gives} for everybody, if {when}.")
        return _sentence(whole.format(gives=text, when=self.condition(rule.when)))

    def held_out(self, rule: Rule) -> str:
        """Who goes without the rule, for the people of the shop alone; empty when nobody does."""
        if not rule.holdout:
            return ""
        return _("{share} of members, drawn by lot, go without it.").format(share=percent(rule.holdout))

    def whole_set(self) -> list[str]:
        """How the rules meet, which money earns points, what points pay, and what guards the margin."""
        return [
            *self._stacking(), *self._points(), *self._levels(), *self._volume(), *self._guard(), *self._watch(),
        ]  # fmt: skip

    def for_members(self) -> list[str]:
        """What a member needs to know: the rules that anybody may come under, then points and tiers.

        Left out are rules for segments, of which he has not been told, rules that a promo code opens, and what the
        shop keeps to itself: how rules meet, and its margin.
        """
        kept = [one for one in self.rules.rules if not any(isinstance(leaf, _TARGETED) for leaf in one.when.leaves())]
        return [*map(self.rule, kept), *self._points(), *self._levels(), *self._volume()]

    def aside(self) -> dict[str, list[str]]:
        """What stands in the parts that most shops leave as they are, by their names in the JSON."""
        margins = self._margins(self.rules.guard) if self.rules.guard else ()
        return {
            "spending.offline": [*self._spent_offline()] or [_("A till without a line takes no points.")],
            "guard.categories": [*margins] or [_("No category has a margin of its own.")],
            "watch": [*self._watched()],
            "price_watch_days": [*self._price_watch()] or [_("Nobody looks at prices that were raised.")],
        }

    def volume(self, one: Volume) -> str:
        """The whole bonus: "When a quarter is over, points for all that was bought in it and kept: 2% from $1,000."."""
        steps = self._by_money(one.steps)
        if scope := self.scope(one.on):
            steps += f" ({scope})"
        text = (
            _("“{title}”, {once}, points for all that was bought in it and kept: {steps}.")
            if one.when == when.ALWAYS
            else _("“{title}”, {once}, points for all that was bought in it and kept: {steps}; if {when}.")
        )
        return text.format(title=one.name, once=_once_over(one.period), steps=steps, when=self.condition(one.when))

    def trace(self, judged: Judged) -> list[str]:
        """What happened to a basket, step by step."""
        return [self.step(one, judged) for one in judged.trace]

    def effect(self, effect: Effect) -> str:
        """What a rule gives, as the beginning of a sentence."""
        return _EFFECTS[effect.kind](self, effect)

    def scope(self, scope: Scope) -> str:
        """Which goods; nothing when it is all of them."""
        only = [*self._goods(scope.products), *self._categories(scope.categories)]
        but = []
        if codes := scope.not_products:
            text = ngettext("except the product {names}", "except the products {names}", len(codes))
            but.append(text.format(names=self._listed("product", codes)))
        if codes := scope.not_categories:
            text = ngettext("except the category {names}", "except the categories {names}", len(codes))
            but.append(text.format(names=self._listed("category", codes)))
        return ", ".join([*(only or ([_("everything")] if but else [])), *but])

    def _goods(self, codes: Sequence[str]) -> Iterator[str]:
        if codes:
            text = ngettext("the product {names}", "the products {names}", len(codes))
            yield text.format(names=self._listed("product", codes))

    def _categories(self, codes: Sequence[str]) -> Iterator[str]:
        if codes:
            text = ngettext("the category {names}", "the categories {names}", len(codes))
            yield text.format(names=self._listed("category", codes))

    def _listed(self, kind: str, codes: Sequence[str]) -> str:
        return ", ".join(_("“{value}”").format(value=self.names(kind, one)) for one in codes)

    def condition(self, condition: Condition) -> str:
        """A clause that goes on after "if"."""
        if isinstance(condition, when.AllOf):
            return self._joined(_(", and "), condition.items, when.AnyOf)
        if isinstance(condition, when.AnyOf):
            return self._joined(_(", or "), condition.items, when.AllOf)
        if isinstance(condition, when.Not):
            return _("it is not so that {clause}").format(clause=self._bracketed(condition.item))
        return _CONDITIONS[condition.kind](self, condition)

    def step(self, step: Step, judged: Judged) -> str:
        """One step of a trace."""
        text = _STEPS[step.what](self, step)
        return _sentence(text.format_map(_Filling(self, step, judged)))

    def filling(self, name: str, step: Step, judged: Judged) -> str:
        """What stands for a placeholder of a step's sentence."""
        match name:
            case "rule" | "other":
                rule = step.rule if name == "rule" else step.other
                return self._titles.get(rule, rule)
            case "line":
                return self._line(step, judged)
            case "money":
                return self.money(step.amount)
            case "n" | "asked":
                return format_number(step.points if name == "n" else step.asked)
        raise KeyError(name)

    def money(self, minor: int) -> str:
        """Money to the minor unit where there are any."""
        return format_money(minor, self.rules.currency, exact=minor % 10 ** minor_digits(self.rules.currency) > 0)

    def _line(self, step: Step, judged: Judged) -> str:
        if step.line is None:
            return ""
        product = self.names("product", judged.lines[step.line].line.product)
        return _("line {number} (“{product}”)").format(number=step.line + 1, product=product)

    def _joined(self, between: str, items: Sequence[Condition], mixed: type[Condition]) -> str:
        return between.join(
            self._bracketed(one) if isinstance(one, mixed) and len(items) > 1 else self.condition(one) for one in items
        )

    def _bracketed(self, condition: Condition) -> str:
        said = self.condition(condition)
        is_long = isinstance(condition, when.AllOf | when.AnyOf) and len(condition.items) > 1
        return f"({said})" if is_long else said

    def _names(self, kind: str, codes: Sequence[str]) -> str:
        return _(" or ").join(_("“{value}”").format(value=self.names(kind, one)) for one in codes)

    # --- conditions ---

    def _receipt_sum(self, one: when.ReceiptSum) -> str:
        scope = self.scope(one.of)
        text = _("there are goods for at least {money} ({scope})") if scope else _("the receipt is at least {money}")
        return text.format(money=self.money(one.at_least), scope=scope)

    def _hours(self, one: when.Hours) -> str:
        parts = []
        if len(one.weekdays) < 7:
            parts.append(
                _("the day is {days}").format(days=_(" or ").join(weekdays()[day - 1] for day in one.weekdays))
            )
        midnight = dt.time(0)
        if (one.from_, one.to) != (midnight, midnight) or not parts:
            is_over_midnight = midnight < one.to <= one.from_
            text = (
                _("the time is from {start} to {end} of the next day")
                if is_over_midnight
                else _("the time is from {start} to {end}")
            )
            end = "24:00" if one.to == midnight else one.to.strftime("%H:%M")
            parts.append(text.format(start=one.from_.strftime("%H:%M"), end=end))
        return _(", and ").join(parts)

    @staticmethod
    def _dates(one: when.Dates) -> str:
        return _("the date is from {first} to {last}").format(first=format_date(one.from_), last=format_date(one.to))

    @staticmethod
    def _birthday(one: when.Birthday) -> str:
        parts = []
        if one.before:
            text = ngettext("at most {n} day before it", "at most {n} days before it", one.before)
            parts.append(text.format(n=one.before))
        if one.after:
            parts.append(
                ngettext("at most {n} day after it", "at most {n} days after it", one.after).format(n=one.after)
            )
        if not parts:
            return _("it is the birthday")
        return _("the birthday is near: {window}").format(window=_(" or ").join(parts))

    @staticmethod
    def _repeat(one: when.Repeat) -> str:
        text = ngettext(
            "the last purchase was at most {n} day ago", "the last purchase was at most {n} days ago", one.within_days
        ).format(n=one.within_days)
        return text if one.same_day else _("{clause}, but not on the same day").format(clause=text)

    @staticmethod
    def _purchase_number(one: when.PurchaseNumber) -> str:
        if one.every is not None:
            return _("it is one purchase of every {n}").format(n=format_number(one.every))
        if one.number == 1:
            return _("it is the first purchase")
        return _("it is purchase No. {n}").format(n=format_number(one.number or 0))

    def _answer(self, one: when.Answered) -> str:
        return _("the answer to “{question}” is {names}").format(
            question=self.names("question", one.question), names=self._names("answer", one.any_of)
        )

    def listed(self, text: str, kind: str, codes: Sequence[str]) -> str:
        """A clause about one of several names."""
        return text.format(names=self._names(kind, codes))

    # --- what is given ---

    def _turnover(self, one: gives.ByTurnover) -> str:
        return _("a discount by purchases {period}: {steps}").format(
            period=period_words(one.period), steps=self._by_money(one.steps)
        )

    def _by_money(self, steps: Sequence[gives.Step]) -> str:
        text = _("{percent} from {money}")
        return ", ".join(text.format(percent=percent(one.percent), money=self.money(one.from_)) for one in steps)

    def _by_points(self, one: gives.ByPoints) -> str:
        steps = ", ".join(
            ngettext("{percent} from {n} point", "{percent} from {n} points", step.from_).format(
                percent=percent(step.percent), n=format_number(step.from_)
            )
            for step in one.steps
        )
        fall = ngettext("{n} point goes", "{n} points go", one.falls).format(n=format_number(one.falls))
        idle = ngettext("after each day without a purchase", "after each {n} days without a purchase", one.idle_days)
        return _("a floating discount: {steps}; a point for each {money}, {fall} {idle}").format(
            steps=steps, money=self.money(one.per), fall=fall, idle=idle.format(n=one.idle_days)
        )

    @staticmethod
    def _by_quantity(steps: Sequence[gives.Step]) -> str:
        return ", ".join(
            ngettext("{percent} from {n} piece", "{percent} from {n} pieces", one.from_).format(
                percent=percent(one.percent), n=format_number(one.from_)
            )
            for one in steps
        )

    def _tiers(self, one: gives.PointsByTier) -> str:
        tiers = ", ".join(
            _("“{tier}” × {times}").format(tier=self.names("tier", tier), times=times_of(times))
            for tier, times in one.times.items()
        )
        return _("points by tier: {tiers}").format(tiers=tiers)

    # --- the whole set ---

    def _stacking(self) -> Iterator[str]:
        stacking = self.rules.stacking
        for group, reach in stacking.groups.items():
            if reach == "line":
                text = _("Of the rules of the group “{group}” one acts on each line of a receipt.")
            else:
                text = _("Of the rules of the group “{group}” one acts on a receipt.")
            yield text.format(group=group)
        if stacking.groups:
            yield (
                _("Of such rules those are chosen that give the customer most.")
                if stacking.choose == "best_for_customer"
                else _("Of such rules the first in order acts.")
            )
        yield (
            _("Percentages are of the original price.")
            if stacking.percent_of == "original"
            else _("Percentages are of the price that earlier discounts left.")
        )
        yield (
            _("A least sum of the receipt is looked for before discounts.")
            if stacking.thresholds == "original"
            else _("A least sum of the receipt is looked for after earlier discounts.")
        )
        if self.rules.never_discounted is not None:
            yield _("Never discounted: {scope}.").format(
                scope=self.scope(self.rules.never_discounted) or _("all goods")
            )

    def _points(self) -> Iterator[str]:
        accrual, spending = self.rules.accrual, self.rules.spending
        yield (
            _("Points are earned on the price before discounts.")
            if accrual.basis == "before_discounts"
            else _("Points are earned on the price after discounts.")
        )
        yield (
            _("The part that is paid with points earns points, too.")
            if accrual.on_part_paid_with_points
            else _("The part that is paid with points earns none.")
        )
        text = (
            _("A point is {money} of discount; points may pay at most {percent} of a receipt.")
            if spending.as_ == "discount"
            else _("A point pays {money}; points may pay at most {percent} of a receipt.")
        )
        yield text.format(money=self.money(spending.worth), percent=percent(spending.most_share))
        yield from self._spent_offline()
        if scope := self.scope(spending.on):
            yield _("Points can be spent on: {scope}.").format(scope=scope)
        yield from self._life()

    def _spent_offline(self) -> Iterator[str]:
        caps = self.rules.spending.offline
        if caps is None:
            return
        text = ngettext(
            "A till without a line takes at most {points} of a card, on {n} receipt a day.",
            "A till without a line takes at most {points} of a card, on {n} receipts a day each.",
            caps.most_receipts,
        )
        points = ngettext("{n} point", "{n} points", caps.most_points).format(n=format_number(caps.most_points))
        yield text.format(points=points, n=format_number(caps.most_receipts))

    def _life(self) -> Iterator[str]:
        life = self.rules.life
        if life.after_days:
            yield ngettext(
                "Points can be spent {count} day after the purchase.",
                "Points can be spent {count} days after the purchase.",
                life.after_days,
            ).format(count=format_number(life.after_days))
        if life.days is None:
            yield _("Points never expire.")
        else:
            yield ngettext(
                "Points live {count} day from the moment when they can be spent.",
                "Points live {count} days from the moment when they can be spent.",
                life.days,
            ).format(count=format_number(life.days))
        if life.late_days:
            yield ngettext(
                "Points that come back by a return after their time live {count} day more.",
                "Points that come back by a return after their time live {count} days more.",
                life.late_days,
            ).format(count=format_number(life.late_days))
        if life.most_debt:
            yield ngettext(
                "When goods come back whose points are spent, a member may owe up to {count} point.",
                "When goods come back whose points are spent, a member may owe up to {count} points.",
                life.most_debt,
            ).format(count=format_number(life.most_debt))
        elif not life.after_days and any(
            isinstance(one.gives, gives.Earning | gives.PointsGift) for one in self.rules.rules
        ):
            yield _(
                "Points can be spent at once, and nobody may owe any: who spends them before the goods come back keeps "
                "what they paid."
            )

    def _price_watch(self) -> Iterator[str]:
        if days := self.rules.price_watch_days:
            yield ngettext(
                "A discount is looked at when the price was raised in the last {n} day.",
                "A discount is looked at when the price was raised in the last {n} days.",
                days,
            ).format(n=format_number(days))

    def _watch(self) -> Iterator[str]:
        if self.rules.watch != Watch():
            yield from self._watched()

    def _watched(self) -> Iterator[str]:
        watch = self.rules.watch
        for limit in watch.limits:
            text = (
                _("At most {limit}: a receipt beyond it is refused.")
                if limit.refuse
                else _("Whatever is more than {limit} is looked at by people.")
            )
            yield text.format(limit=limit.said)
        if watch.same_minutes:
            yield ngettext(
                "Two receipts of one card and one sum within {count} minute are looked at.",
                "Two receipts of one card and one sum within {count} minutes are looked at.",
                watch.same_minutes,
            ).format(count=format_number(watch.same_minutes))
        if not watch.alone:
            yield _("Points are given and taken by hand by two people only.")
            return
        yield ngettext(
            "More than {count} point given or taken by hand in a day takes two people.",
            "More than {count} points given or taken by hand in a day take two people.",
            watch.alone,
        ).format(count=format_number(watch.alone))

    def _levels(self) -> Iterator[str]:
        tiers = self.rules.tiers
        if tiers is None:
            return
        yield _("Tiers by purchases {period}: {tiers}.").format(
            period=period_words(tiers.period), tiers=", ".join(map(self._level, tiers.levels))
        )
        if tiers.period in ("year", "quarter", "month"):
            yield _("The better one counts of this period and the one before.")
        yield (
            ngettext(
                "Who buys too little for his tier is told, and keeps it {count} day more.",
                "Who buys too little for his tier is told, and keeps it {count} days more.",
                tiers.grace_days,
            ).format(count=format_number(tiers.grace_days))
            if tiers.grace_days
            else _("Who buys too little for his tier loses it at once.")
        )

    def _level(self, one: Tier) -> str:
        text = _("“{tier}” from {money}") if one.keep is None else _("“{tier}” from {money} (kept from {keep})")
        return text.format(tier=one.title or one.id, money=self.money(one.from_), keep=self.money(one.least))

    def _volume(self) -> Iterator[str]:
        yield from map(self.volume, self.rules.volume)

    def _guard(self) -> Iterator[str]:
        guard = self.rules.guard
        if guard is None:
            return
        yield _("No discount lowers the margin below {line} of a line or {receipt} of a receipt.").format(
            line=percent(guard.line), receipt=percent(guard.receipt)
        )
        yield from self._margins(guard)
        yield {
            "allow": _("Goods of unknown cost may be discounted freely."),
            "no_discount": _("Goods of unknown cost are not discounted."),
            "at_most": _("Goods of unknown cost are discounted by at most {percent}."),
        }[guard.unknown_cost].format(percent=percent(guard.unknown_most))

    def _margins(self, guard: Guard) -> Iterator[str]:
        for category, margin in guard.categories.items():
            name = self.names("category", category)
            if margin is None:
                yield _("The margin of the category “{name}” is not guarded.").format(name=name)
            else:
                yield _("For the category “{name}” it is {percent}.").format(name=name, percent=percent(margin))

    # --- the trace ---

    def _not_met(self, step: Step) -> str:
        clause = self._joined(_(", and "), step.unmet, when.AnyOf)
        return _("The rule “{rule}” does not act; it would, if {clause}.").replace("{clause}", _escaped(clause))

    @staticmethod
    def _stamped(step: Step) -> str:
        added = ngettext("{n} stamp added", "{n} stamps added", step.points).format(n=format_number(step.points))
        spent = ngettext("{n} stamp spent", "{n} stamps spent", step.spent).format(n=format_number(step.spent))
        text = ", ".join([added, spent] if step.spent else [added])
        return _("The rule “{rule}”: {stamps}.").replace("{stamps}", text)

    def _spent_less(self, step: Step) -> str:
        return {
            "share": _("Points spent: {n} of {asked}. Points may pay at most {share} of a receipt."),
            "goods": _("Points spent: {n} of {asked}. The rest cannot be paid with points."),
            "guard": _("Points spent: {n} of {asked}. More would leave too little margin."),
        }[step.why].replace("{share}", percent(self.rules.spending.most_share))

    def _raised(self, _step: Step) -> str:
        days = self.rules.price_watch_days
        return ngettext(
            "{line}: discounted, though its price was raised in the last {days} day.",
            "{line}: discounted, though its price was raised in the last {days} days.",
            days,
        ).replace("{days}", str(days))


def percent(hundredths: int) -> str:
    """Hundredths of a per cent with the decimals that they have."""
    digits = 2 if hundredths % 10 else 1 if hundredths % 100 else 0
    return format_percent(hundredths / 100_00, digits)


def times_of(hundredths: int) -> str:
    """How many times, with the decimals that there are."""
    return format_number(hundredths / 100, 2 if hundredths % 10 else 1 if hundredths % 100 else 0)


def period_words(period: str) -> str:
    """ "of the last 365 days", "of this year"."""
    if period.startswith("days:"):
        days = int(period.removeprefix("days:"))
        return ngettext("of the last {n} day", "of the last {n} days", days).format(n=format_number(days))
    return {
        "all": _("of all time"), "year": _("of this year"), "quarter": _("of this quarter"), "month": _("of this month")
    }[period]  # fmt: skip


def _once_over(period: str) -> str:
    return {
        "month": _("when a month is over"), "quarter": _("when a quarter is over"), "year": _("when a year is over")
    }[period]  # fmt: skip


def _sentence(text: str) -> str:
    # a clause may end with a date, and a date with a full stop of its own
    return text[:1].upper() + (text[1:-1] if text.endswith("..") else text[1:])


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def weekdays() -> list[str]:
    """From Monday on."""
    return [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]


_EFFECTS: dict[str, Callable[[Words, Any], str]] = {
    "percent_off": lambda _words, one: _("{percent} off").format(percent=percent(one.percent)),
    "percent_by_turnover": Words._turnover,
    "percent_by_points": Words._by_points,
    "percent_by_quantity": lambda words, one: _("a discount by quantity: {steps}").format(
        steps=words._by_quantity(one.steps)
    ),
    "percent_by_sum": lambda words, one: _("a discount by sum: {steps}").format(steps=words._by_money(one.steps)),
    "amount_off": lambda words, one: _("{money} off").format(money=words.money(one.amount)),
    "nth_free": lambda _words, one: _("one of every {n} pieces is free").format(n=format_number(one.n)),
    "points_per": lambda words, one: ngettext(
        "{n} point for each {money}", "{n} points for each {money}", one.points
    ).format(n=format_number(one.points), money=words.money(one.per)),
    "points_percent": lambda _words, one: _("{percent} back in points").format(percent=percent(one.percent)),
    "points_gift": lambda _words, one: ngettext("{n} point as a gift", "{n} points as a gift", one.points).format(
        n=format_number(one.points)
    ),
    "points_times": lambda _words, one: _("points × {times}").format(times=times_of(one.times)),
    "points_by_tier": Words._tiers,
}

_CARDS = {
    "plastic": N_("of plastic"), "virtual": N_("without plastic"), "paid": N_("paid for"),
    "corporate": N_("of a company"),
}  # fmt: skip

_CONDITIONS: dict[str, Callable[[Words, Any], str]] = {
    "receipt_sum": Words._receipt_sum,
    "product": lambda words, one: words.listed(_("{names} is bought"), "product", one.any_of),
    "category": lambda words, one: words.listed(
        _("something of the category {names} is bought"), "category", one.any_of
    ),
    "store": lambda words, one: words.listed(_("the store is {names}"), "store", one.any_of),
    "partner": lambda words, one: words.listed(_("the partner is {names}"), "partner", one.any_of),
    "channel": lambda words, one: words.listed(_("the channel is {names}"), "channel", one.any_of),
    "hours": Words._hours,
    "dates": lambda _words, one: Words._dates(one),
    "privilege": lambda words, one: words.listed(_("the customer has the privilege {names}"), "privilege", one.any_of),
    "birthday": lambda _words, one: Words._birthday(one),
    "repeat": lambda _words, one: Words._repeat(one),
    "purchase_number": lambda _words, one: Words._purchase_number(one),
    "tier": lambda words, one: words.listed(_("the tier is {names}"), "tier", one.any_of),
    "card": lambda _words, one: _("the card is {kinds}").format(
        kinds=_(" or ").join(_(_CARDS[kind]) for kind in one.any_of)
    ),
    "segment": lambda words, one: words.listed(_("the customer is in the segment {names}"), "segment", one.any_of),
    "answer": Words._answer,
    "promo_code": lambda words, one: words.listed(_("the promo code {names} is given"), "promo_code", one.any_of),
}

_STEPS: dict[str, Callable[[Words, Step], str]] = {
    judging.TOOK: lambda _words, _step: _("{line}: {money} off by the rule “{rule}”."),
    judging.LOWERED: lambda _words, _step: _(
        "{line}: the discount by the rule “{rule}” is lowered by {money} to keep the margin."
    ),
    judging.EARNED: lambda _words, step: ngettext(
        "{line}: {n} point by the rule “{rule}”.", "{line}: {n} points by the rule “{rule}”.", step.points
    ),
    judging.TIMES: lambda _words, step: _("The rule “{rule}” multiplies points by {times}.").replace(
        "{times}", times_of(step.points)
    ),
    judging.STAMPED: lambda words, step: words._stamped(step),
    judging.NOT_A_MEMBER: lambda _words, _step: _("The rule “{rule}” is for members; no card was shown."),
    judging.NOT_MET: Words._not_met,
    judging.GAVE_WAY: lambda _words, _step: _("The rule “{rule}” gave way to “{other}”."),
    judging.GAVE_NOTHING: lambda _words, _step: _("The rule “{rule}” had nothing to give here."),
    judging.SPENT: lambda _words, step: ngettext(
        "{n} point spent: {money}.", "{n} points spent: {money}.", step.points
    ),
    judging.SPENT_LESS: Words._spent_less,
    judging.PRICE_RAISED: Words._raised,
}
