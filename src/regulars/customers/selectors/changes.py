"""A changed row in words: what it was, the fields' names and values as a person reads them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regulars.accounts.models import User
from regulars.core.i18n import N_, format_date
from regulars.core.i18n import gettext as _
from regulars.customers.contact_values import masked
from regulars.customers.field_values import shown_value
from regulars.customers.models import Contact, Customer, Field, Relation, Tag
from regulars.foundation.models import Change

_TITLES = {
    ("customers_customer", "insert"): N_("Customer added"),
    ("customers_customer", "update"): N_("Customer changed"),
    ("customers_contact", "insert"): N_("Contact added"),
    ("customers_contact", "update"): N_("Contact changed"),
    ("customers_contact", "delete"): N_("Contact removed"),
    ("customers_relation", "insert"): N_("Relation added"),
    ("customers_relation", "update"): N_("Relation changed"),
    ("customers_relation", "delete"): N_("Relation removed"),
    ("loyalty_privilege", "insert"): N_("Privilege given"),
    ("loyalty_privilege", "update"): N_("Privilege changed"),
    ("customers_file", "delete"): N_("File removed"),
    ("customers_note", "update"): N_("Note changed"),
    ("customers_note", "delete"): N_("Note removed"),
    ("customers_customer_tags", "insert"): N_("Tag added"),
    ("customers_customer_tags", "update"): N_("Tag moved"),
    ("customers_customer_tags", "delete"): N_("Tag removed"),
}

FIELD_TITLES = {
    "kind": N_("Kind"), "external_id": N_("Key in other programs"), "name": N_("Name"),
    "family_name": N_("Family name"), "given_name": N_("Given name"), "middle_name": N_("Middle name"),
    "birth_date": N_("Birthday"), "sex": N_("Sex"), "language": N_("Language"), "owner_id": N_("Manager"),
    "source": N_("Source"), "quiet_reason": N_("Left in peace because"), "quiet_until": N_("Left in peace until"),
    "is_quiet": N_("Left in peace"), "merged_into_id": N_("Merged into"), "tag_id": N_("Tag"), "value": N_("Value"),
    "label": N_("Label"), "is_main": N_("Main"), "is_valid": N_("Works"), "other_id": N_("Customer"),
    "proof": N_("Shown"), "until": N_("Valid through"), "ended_at": N_("Ended"), "note": N_("Note"), "text": N_("Text"),
    "is_erased": N_("Erased"),
}  # fmt: skip
# told by other fields, or by nothing that a person needs
_UNTOLD = {"customer_id", "written", "import_id", "is_demo", "created_at", "given_at", "given_by_id"}
_SECRET = {"value", "written"}
_IDS = {"owner_id", "tag_id", "other_id", "merged_into_id"}
_DAYS = {"birth_date", "quiet_until", "until", "ended_at"}
_LONGEST = 200


@dataclass(frozen=True)
class Words:
    """All that ids stand for in some changes, read once."""

    names: dict[int | None, str]
    tags: dict[int, str]
    fields: dict[str, Field]
    see_contacts: bool

    def lines(self, change: Change) -> tuple[tuple[str, str], ...]:
        """Field by field: what it was and what it is."""
        found: list[tuple[str, str]] = []
        for name, (before, after) in change.fields.items():
            if name == "own_fields":
                found += self._own(before or {}, after or {})
            elif name not in _UNTOLD:
                was, became = self._value(change, name, before), self._value(change, name, after)
                if was or became or change.action != "insert":
                    found.append((_(FIELD_TITLES.get(name, name)), _arrow(was, became)))
        return tuple(found)

    def _own(self, before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
        changed = [slug for slug in {**before, **after} if before.get(slug) != after.get(slug)]
        return [
            (
                self.fields[slug].title if slug in self.fields else slug,
                _arrow(
                    shown_value(self.fields.get(slug), before.get(slug)),
                    shown_value(self.fields.get(slug), after.get(slug)),
                ),
            )
            for slug in changed
        ]

    def _value(self, change: Change, name: str, value: Any) -> str:
        if isinstance(value, bool):
            # a new row has many flags that are off, and none of them tells anything
            told = value or change.action == "update"
            return (_("yes") if value else _("no")) if told else ""
        if value in (None, ""):
            return ""
        if name in _DAYS:
            return format_date(dt.date.fromisoformat(value[:10]))
        if name in ("kind", "sex"):
            return _choice(change.table_name, name, value)
        if name in _SECRET and not self.see_contacts:
            return masked("", str(value))
        return self._of_id(name, value) or str(value)[:_LONGEST]

    def _of_id(self, name: str, value: Any) -> str:
        tables: dict[str, dict[Any, str]] = {"owner_id": {**self.names}, "tag_id": {**self.tags}}
        known = tables.get(name, {})
        return known.get(value, f"#{value}") if name in _IDS else ""


def told(changes: Sequence[Change], *, see_contacts: bool) -> Words:
    """What is needed to put these changes into words: three small queries."""
    tags = {value for one in changes for value in one.fields.get("tag_id", []) if value}
    return Words(
        names=dict(User.objects.values_list("pk", "name")),
        tags=dict(Tag.objects.filter(pk__in=tags).values_list("pk", "name")),
        fields={one.slug: one for one in Field.objects.all()},
        see_contacts=see_contacts,
    )


def title_of(change: Change) -> str:
    """What happened, in two words."""
    return _(_TITLES.get((change.table_name, change.action), N_("Changed")))


def _choice(table: str, name: str, value: str) -> str:
    model = {"customers_contact": Contact, "customers_relation": Relation}.get(table, Customer)
    choices: Any = getattr(model._meta.get_field(name), "choices", None)
    return _(str(dict(choices or []).get(value, value)))


def _arrow(before: str, after: str) -> str:
    if before and after:
        return f"{before} → {after}"
    return after or (f"{before} → –" if before else "–")
