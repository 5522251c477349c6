"""Day or month first? Decided by the whole column, over all files in which it has the same heading.

05/03/2024 can be both; one 25/03/2024 in the column settles it for all. When no value settles it, the order of the
region is taken and a notice says so. When some values can only be day first and others only month first, nobody can
know which of the rest are which: the reading stops. A stray contradiction (below 1 %) is a broken date, and rejected.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from regulars.analytics.purchases import Notice
from regulars.core.errors import ColumnProblem
from regulars.core.i18n import gettext as _
from regulars.ingest.content import FAMILIES
from regulars.ingest.engine import Engine, literal
from regulars.ingest.headings import normalise
from regulars.ingest.table import cell
from regulars.ingest.understand import Understood

MONTH_FIRST_REGIONS = frozenset({"US", "PH", "FM", "MH", "PW", "AS", "GU", "PR", "VI", "MP"})
_STRAY = 0.01


@dataclass(frozen=True)
class _Evidence:
    """What the dates of one column say."""

    day_first: int
    month_first: int
    either: int
    day_example: str | None
    month_example: str | None
    either_example: str | None
    families: Counter[str]

    def __add__(self, other: "_Evidence") -> "_Evidence":
        return _Evidence(
            self.day_first + other.day_first,
            self.month_first + other.month_first,
            self.either + other.either,
            self.day_example or other.day_example,
            self.month_example or other.month_example,
            self.either_example or other.either_example,
            self.families + other.families,
        )


def settle(engine: Engine, tables: Sequence[Understood], region: str) -> tuple[dict[int, bool], list[Notice]]:
    """For each table (by its position) whether the month comes first; and what to tell about it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for position, each in enumerate(tables):
        groups[normalise(each.heading_of("purchased_at"))].append(position)
    month_first: dict[int, bool] = {}
    notices: list[Notice] = []
    for positions in groups.values():
        doubtful = [position for position in positions if _needs_scan(tables[position])]
        found = [_scan(engine, tables[position]) for position in doubtful]
        if not found:
            continue
        total = sum(found[1:], start=found[0])
        order = _decide(tables[doubtful[0]], total, region)
        month_first.update(dict.fromkeys(positions, order))
        notices += _notices(total)
    return month_first, notices


def _needs_scan(each: Understood) -> bool:
    """Whether the sample shows slashes or more than one way to write dates."""
    column = each.assignment.roles["purchased_at"]
    content = each.contents[column]
    is_text = each.table.type_of(column) == "VARCHAR"
    return is_text and (content.slashed > 0 or sum(rows > 0 for _family, rows in content.families) > 1)


def _scan(engine: Engine, each: Understood) -> _Evidence:
    name = cell(each.assignment.roles["purchased_at"])
    families = ", ".join(f"count_if(regexp_matches(v, {literal(sign)})) AS f_{key}" for key, sign in FAMILIES.items())
    row = engine.row(
        f"""SELECT count_if(o = 2) AS day_first, count_if(o = 1) AS month_first, count_if(o = 0) AS either,
            min(v) FILTER (o = 2) AS day_example, min(v) FILTER (o = 1) AS month_example,
            min(v) FILTER (o = 0) AS either_example, {families}
        FROM (SELECT trim({name}) AS v, rg_slash_order({name}) AS o FROM ({each.table.relation}))""",
        each.table.label,
        _("Checking dates"),
    )
    return _Evidence(
        row["day_first"] or 0,
        row["month_first"] or 0,
        row["either"] or 0,
        row["day_example"],
        row["month_example"],
        row["either_example"],
        Counter({key: int(row[f"f_{key}"] or 0) for key in FAMILIES}),
    )


def _decide(each: Understood, found: _Evidence, region: str) -> bool:
    sure = found.day_first + found.month_first
    if not sure:
        return region in MONTH_FIRST_REGIONS
    if min(found.day_first, found.month_first) > sure * _STRAY:
        raise ColumnProblem(
            _(
                "{file}: column “{column}” mixes two orders: {day} can only be day first, {month} can only be month "
                "first, so nobody can tell what the others mean. Export the dates in one form, best of all as "
                "2026-03-31."
            ).format(
                file=each.table.label,
                column=each.heading_of("purchased_at"),
                day=found.day_example,
                month=found.month_example,
            )
        )
    return found.month_first > found.day_first


def _notices(found: _Evidence) -> list[Notice]:
    notices = []
    if found.either and not found.day_first + found.month_first:
        notices.append(Notice("ambiguous_dates", found.either, found.either_example))
    (_usual, _most), *others = found.families.most_common()
    mixed = sum(rows for _family, rows in others)
    if mixed:
        notices.append(Notice("mixed_dates", mixed))
    return notices
