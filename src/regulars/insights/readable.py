"""What the audit and the audiences say of a person, on the page of all that is known of him."""

from collections.abc import Iterator, Sequence
from typing import Any

from regulars.accounts.rights import Right
from regulars.core.i18n import N_, format_date, format_moment, format_number, format_percent
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money
from regulars.customers.readable import Cells, Section, register
from regulars.foundation.models import Business
from regulars.insights.columns import COLUMNS, Extra, heading
from regulars.insights.models import Member, Score
from regulars.insights.selectors.today import score_of, titles


def register_sections() -> None:
    """Called once, when the application is ready."""
    register(
        Section(N_("What the audit says"), ("score",), _scores),
        Section(N_("Audiences"), ("member",), _audiences, (N_("When"), N_("Audience"))),
    )


def _scores(ids: Sequence[int]) -> Iterator[Cells]:
    currency, extra = Business.current().currency, Extra({}, {}, titles())
    columns = [one for one in COLUMNS.values() if one.right is Right.SEE_PURCHASES]
    for score in Score.objects.filter(customer__in=ids).select_related("customer"):
        for column in columns:
            value = column.read(score.customer, extra)
            if value is not None:
                yield heading(column), _shown(column.kind, value, currency)
        said = score_of(score.customer)
        for need in said.needs if said else ():
            chance = _("{chance} likely").format(chance=format_percent(need.chance))
            yield _("Will need next"), f"{need.product}, {format_date(need.due_on)}, {chance}"
        for advice in said.advice if said else ():
            yield _("Belongs to a group that the audit found"), advice


def _audiences(ids: Sequence[int]) -> Iterator[Cells]:
    zone = Business.current().zone
    for one in Member.objects.filter(customer__in=ids).select_related("audience").order_by("pk"):
        yield format_moment(one.audience.at, zone), one.audience.name


def _shown(kind: str, value: Any, currency: str) -> str:
    if kind == "money":
        return format_money(value, currency, exact=True)
    if kind == "day":
        return format_date(value)
    if kind == "share":
        return format_percent(value)
    return format_number(value) if kind == "number" else str(value)
