"""A rule as a sentence that a person would say."""

from collections.abc import Mapping
from typing import Any

from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.core.money import format_money, minor_digits
from regulars.foundation.models import Business
from regulars.insights.segments.attributes import Attribute, attributes, categories, channels, purposes, stores
from regulars.insights.segments.rule import Rule
from regulars.report import words


def sentence(rule: Rule, speaker: "Speaker | None" = None) -> str:
    """The whole rule: "Customers whose state is Lost, and whose …". One speaker for many rules asks once for names."""
    return _("Customers {clauses}.").format(clauses=(speaker or Speaker()).group(rule))


class Speaker:
    """Says conditions in the language of the reader."""

    def __init__(self) -> None:
        business = Business.objects.first()
        self.currency = business.currency if business else "USD"
        self.known = attributes()
        self._labels: dict[str, dict[str, str]] = {}

    def group(self, rule: Rule) -> str:
        """The items joined, and a group within another in brackets."""
        said = []
        for item in rule["items"]:
            if "items" not in item:
                said.append(self.condition(item))
                continue
            inner = self.group(item)
            mixed = len(item["items"]) > 1 and not item["not"] and item["join"] != rule["join"]
            said.append(f"({inner})" if mixed and len(rule["items"]) > 1 else inner)
        joined = (_(", and ") if rule["join"] == "all" else _(", or ")).join(said)
        return _("except those ({clauses})").format(clauses=joined) if rule["not"] else joined

    def condition(self, leaf: Rule) -> str:
        """One condition: "whose mean check is at least 500 ₽"."""
        attribute = self.known.get(leaf["what"])
        if attribute is None or leaf["how"] not in attribute.hows:
            return _("who have the removed field “{name}”").format(name=leaf["what"])
        special = {"bought": self._bought, "consent": self._consent, "birthday": self._birthday}
        if attribute.say is not None:
            return attribute.say(leaf)
        if attribute.type in special:
            return special[attribute.type](leaf)
        if attribute.type in ("days", "own_date"):
            return self._days(attribute, leaf)
        return _PATTERNS[leaf["how"]]().format(title=attribute.title, value=self._value(attribute, leaf))

    def _value(self, attribute: Attribute, leaf: Rule) -> str:
        if "value" not in leaf:
            return ""
        value: Any = leaf["value"]
        if attribute.type in ("choice", "own_choice"):
            labels = self.labels(attribute.id, attribute.options)
            return _(" or ").join(_("“{value}”").format(value=words.name(labels.get(one, one))) for one in value)
        if attribute.type == "text":
            return words.name(value)
        if attribute.type == "money":
            return self._money(value)
        return words.percent(value / 100) if attribute.type == "share" else words.decimal(value)

    def _money(self, units: float) -> str:
        return format_money(round(units * 10 ** minor_digits(self.currency)), self.currency)

    def labels(self, key: str, options: Any) -> Mapping[str, str]:
        """What the values of a choice are called, looked up once."""
        if key not in self._labels:
            self._labels[key] = dict(options())
        return self._labels[key]

    @staticmethod
    def _days(attribute: Attribute, leaf: Rule) -> str:
        texts = {
            "within": ngettext(
                "whose {title} was at most {n} day ago", "whose {title} was at most {n} days ago", leaf["value"]
            ),
            "before": ngettext(
                "whose {title} was more than {n} day ago", "whose {title} was more than {n} days ago", leaf["value"]
            ),
        }
        return texts[leaf["how"]].format(title=attribute.title, n=words.count(leaf["value"]))

    @staticmethod
    def _birthday(leaf: Rule) -> str:
        if leaf["value"] == 0:
            return _("whose birthday is today")
        return ngettext("whose birthday is within {n} day", "whose birthday is within {n} days", leaf["value"]).format(
            n=words.count(leaf["value"])
        )

    def _consent(self, leaf: Rule) -> str:
        text = (
            _("who agreed to “{purpose}” ({channel})")
            if leaf["how"] == "given"
            else _("who have not agreed to “{purpose}” ({channel})")
        )
        return text.format(
            purpose=self.labels("purpose", purposes).get(leaf["purpose"], leaf["purpose"]),
            channel=self.labels("channel", channels).get(leaf["channel"], leaf["channel"]),
        )

    def _bought(self, leaf: Rule) -> str:
        return " ".join(part for part in (self._who_bought(leaf), self._thing(leaf), self._time(leaf)) if part)

    def _who_bought(self, leaf: Rule) -> str:
        value, least = leaf["value"], leaf["how"] == "at_least"
        if leaf["measure"] == "amount":
            text = _("who spent at least {money}") if least else _("who spent at most {money}")
            return text.format(money=self._money(value))
        if leaf["measure"] == "quantity":
            text = _("who bought at least {n} pieces") if least else _("who bought at most {n} pieces")
            return text.format(n=words.decimal(value))
        if value == 0 and not least:
            return _("who never bought")
        times = round(value)
        if least:
            text = ngettext("who bought at least {n} time", "who bought at least {n} times", times)
        else:
            text = ngettext("who bought at most {n} time", "who bought at most {n} times", times)
        return text.format(n=words.count(times))

    def _thing(self, leaf: Rule) -> str:
        which = leaf.get("which", "")
        if leaf["of"] == "product":
            return _("(products with “{name}” in the name)").format(name=words.name(which))
        if leaf["of"] == "category":
            return _("(category “{name}”)").format(
                name=words.name(self.labels("category", categories).get(which, which))
            )
        if leaf["of"] == "store":
            return _("(store “{name}”)").format(name=words.name(self.labels("store", stores).get(which, which)))
        return ""

    @staticmethod
    def _time(leaf: Rule) -> str:
        if "days" not in leaf:
            return ""
        return ngettext("in the last {n} day", "in the last {n} days", leaf["days"]).format(n=words.count(leaf["days"]))


_PATTERNS = {
    "in": lambda: _("whose {title} is {value}"),
    "not_in": lambda: _("whose {title} is not {value}"),
    "at_least": lambda: _("whose {title} is at least {value}"),
    "at_most": lambda: _("whose {title} is at most {value}"),
    "is": lambda: _("whose {title} is “{value}”"),
    "contains": lambda: _("whose {title} has “{value}” in it"),
    "filled": lambda: _("whose {title} is known"),
    "empty": lambda: _("whose {title} is not known"),
    "yes": lambda: _("whose answer to “{title}” is yes"),
    "no": lambda: _("whose answer to “{title}” is no"),
}
