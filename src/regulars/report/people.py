"""The customers behind a number: which column of the table finds them, and the richest of them."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from regulars.analytics.audit import Audit
from regulars.analytics.opportunities import OPPORTUNITIES
from regulars.core.i18n import gettext as _
from regulars.core.i18n import ngettext
from regulars.report import names, words
from regulars.report.blocks import Cell, Column, People, Table

SHOWN = 20
TABLE_FILE = "customers.parquet"

_COLUMNS = {
    "state": "state",
    "lost": "lost_kind",
    "rfm": "rfm_segment",
    "newcomers": "never_returned",
    "opportunity": "opportunity",
    "abc": "abc",
    "pyramid": "loyalty_stage",
    "finding": "findings",
}
_MONEY = {"lost": "missed_amount", "opportunity": "opportunity_amount"}


def key_of(text: str) -> str:
    """A short name for the id of a list, whatever signs the text has."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def list_column(kind: str) -> str | None:
    """The column of the table of customers that lists of this kind are filters of."""
    return _COLUMNS.get(kind)


@dataclass(frozen=True)
class PeopleList:
    """One list of people, known to `Audit.people` by its id."""

    id: str

    @property
    def kind(self) -> str:
        return self.id.partition(":")[0]

    @property
    def value(self) -> str:
        return self.id.partition(":")[2]

    @property
    def condition(self) -> str:
        """The filter that finds the whole list in the table of customers."""
        column = _COLUMNS[self.kind]
        if self.value == "any":
            return f"{column} is not null"
        if self.kind == "finding":
            return f"{column} has {self.value}"
        return f"{column} = {'true' if self.kind == 'newcomers' else self.value}"

    @property
    def money(self) -> str | None:
        """The column of money that this list is about, beside what was spent in all."""
        return _MONEY.get(self.kind)

    @property
    def title(self) -> str:
        """The name of the list, also of its sheet in the workbook."""
        if self.kind == "newcomers":
            return names.lost_part("never_returned")
        if self.value == "any":
            return _("All who brought less")
        if self.kind == "abc":
            return _("Class {abc}").format(abc=self.value)
        if self.kind == "pyramid":
            return names.loyalty_stage(self.value)
        if self.kind == "finding":
            return _("Whom it is about")
        name = {"state": names.state, "lost": names.lost_part, "rfm": names.segment, "opportunity": _opportunity}
        return name[self.kind](self.value)

    def columns(self, audit: Audit) -> list[str]:
        """What to show of each person, as far as the table has it."""
        # what the list is about comes first: on a phone the rest has to be pulled into sight
        about = [] if self.kind == "newcomers" else [self.money or "expected_value_12"]
        wanted = ["customer_id", *about, "last_on", "amount", "visits"]
        return [column for column in wanted if column in audit.customers.columns]


def _opportunity(key: str) -> str:
    return names.opportunity(key) if key in OPPORTUNITIES else _("Whom it is about")


# what people act on, in the order of the workbook's sheets
WORKBOOK_LISTS = (
    "state:slipping",
    "state:lost",
    "lost:lost",
    "lost:shrunken",
    "newcomers:never_returned",
    "opportunity:hold_slipping",
    "opportunity:win_back_lost",
    "opportunity:second_purchase",
    "opportunity:raise_frequency",
    "opportunity:raise_check",
)


def people_behind(audit: Audit, list_id: str, purse: words.Purse, *, count: int) -> People | None:
    """The richest customers of a list and the way to the whole of it; None when nobody is in it."""
    listed = PeopleList(list_id)
    if count == 0 or _COLUMNS[listed.kind] not in audit.customers.columns:
        return None
    columns = listed.columns(audit)
    found = audit.people(list_id).select(columns).limit(SHOWN).to_pyarrow().to_pylist()
    table = Table(
        caption=_("{list}: the most money first").format(list=listed.title),
        columns=tuple(
            Column(names.column(name), number=name != "customer_id", secondary=name == "visits") for name in columns
        ),
        rows=tuple(tuple(_cell(name, row[name], purse) for name in columns) for row in found),
    )
    return People(_summary(len(found), count), table, _whole_list(listed), list_id, count)


def _summary(shown: int, count: int) -> str:
    if shown == count:
        return ngettext("Who is it: {n} customer", "Who are they: {n} customers", count).format(n=words.count(count))
    return _("Who are they: the top {shown} of {count}").format(shown=shown, count=words.count(count))


def _whole_list(listed: PeopleList) -> str:
    if listed.id in WORKBOOK_LISTS:
        return _("The whole list: sheet “{sheet}” of the workbook, or {condition} in {file}.").format(
            sheet=sheet_title(listed), condition=listed.condition, file=TABLE_FILE
        )
    return _("The whole list: {condition} in {file}.").format(condition=listed.condition, file=TABLE_FILE)


def sheet_title(listed: PeopleList) -> str:
    """The name of the list's sheet; Excel allows 31 characters."""
    titles = {
        "state:slipping": _("Slipping"),
        "state:lost": _("Lost, all"),
        "lost:lost": _("Lost in the year"),
        "lost:shrunken": _("Come more rarely"),
        "newcomers:never_returned": _("Never returned"),
        "opportunity:hold_slipping": _("Hold slipping"),
        "opportunity:win_back_lost": _("Win back"),
        "opportunity:second_purchase": _("Second purchase"),
        "opportunity:raise_frequency": _("More often"),
        "opportunity:raise_check": _("Bigger check"),
    }
    return titles[listed.id]


def _cell(column: str, value: Any, purse: words.Purse) -> Cell:
    if value is None:
        return Cell("—")
    if column == "customer_id":
        return Cell(words.name(value), user=True)
    if isinstance(value, dt.date):
        return Cell(words.day(value))
    if column in {"amount", "missed_amount", "opportunity_amount", "expected_value_12", "mean_check"}:
        return Cell(purse.exact(value))
    return Cell(words.count(value))
