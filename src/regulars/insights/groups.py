"""Who stands behind numbers of the chapters that no score tells: each group by its id, as pairs with customers."""

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from regulars.analytics.audit import Audit
from regulars.analytics.discounts import CLASSES
from regulars.analytics.league_cases import column_of
from regulars.analytics.newcomers import first_visits
from regulars.analytics.rollup import Rollup
from regulars.core.i18n import gettext as _
from regulars.report import names, words
from regulars.report.chapters import prices
from regulars.report.chapters.common import Context
from regulars.report.chapters.why import beginning_list, beginnings
from regulars.report.chapters.worth import origin_list, origins
from regulars.report.sentences.levels import level

_LIST = "group:"


def groups_of(audit: Audit, rollup: Rollup) -> ir.Table:
    """`customer_id` and `group`, each pair once; `rollup` is of the same history and day."""
    return ibis.union(*_pairs(audit, rollup), distinct=False)


def group_titles(context: Context) -> Iterator[tuple[str, str]]:
    """What each group is called, by the id of its list."""
    audit = context.audit
    yield "group:newcomers", _("Newcomers")
    yield "group:in_time", _("Newcomers who came again in time")
    yield "group:became_regular", _("Newcomers who became regulars")
    if audit.reasons.profile is not None:
        yield "group:best", _("Best customers")
    if audit.reasons.discounts is not None:
        for habit in CLASSES:
            yield f"group:habit:{habit}", prices.habit_name(habit)
    for row in origins(context):
        beginning = names.dimension(row["dimension"])
        yield origin_list(row["dimension"], row["segment"]), f"{beginning}: {words.name(row['segment'])}"
    if audit.reasons.entry is not None:
        dimension, rows = beginnings(audit.reasons.entry)
        for row in rows:
            what = level(dimension, row["label"] or row["key"])
            yield beginning_list(row), _("Newcomers who began with {what}").format(what=what)


def _pairs(audit: Audit, rollup: Rollup) -> Iterator[ir.Table]:
    fresh = first_visits(rollup, audit.window_days)
    yield _named(fresh, "newcomers")
    yield _named(fresh.filter(fresh.in_window), "in_time")
    yield _named(fresh.filter(fresh.regular & fresh.observed), "became_regular")
    reasons = audit.reasons
    if reasons.profile is not None:
        yield _named(reasons.profile.best_customers, "best")
    if reasons.discounts is not None:
        people = reasons.discounts.customers.filter(lambda one: one.habit.notnull())
        yield people.select("customer_id", group=ibis.literal("habit:") + people.habit)
    yield from _by_origin(audit)
    yield from _by_beginning(audit, rollup, fresh)


def _named(people: ir.Table, name: str) -> ir.Table:
    return people.select("customer_id", group=ibis.literal(name))


def _by_origin(audit: Audit) -> Iterator[ir.Table]:
    for row in origins(Context.of(audit)):
        people = audit.customers.filter(audit.customers[row["dimension"]] == row["segment"])
        yield _named(people, origin_list(row["dimension"], row["segment"]).removeprefix(_LIST))


def _by_beginning(audit: Audit, rollup: Rollup, fresh: ir.Table) -> Iterator[ir.Table]:
    if audit.reasons.entry is None:
        return
    dimension, rows = beginnings(audit.reasons.entry)
    column = column_of(rollup, dimension) if rows else None
    if column is None:
        return
    lines = rollup.lines.filter(rollup.lines.amount >= 0)
    lines = lines.filter(lines[column].isin([row["key"] for row in rows]))
    first = lines.select("customer_id", first_on=lines.purchased_on, key=lines[column])
    first = first.inner_join(fresh.select("customer_id", "first_on"), ["customer_id", "first_on"])
    first = first.select("customer_id", "key").distinct()
    ids = ibis.cases(
        *((first.key == row["key"], beginning_list(row).removeprefix(_LIST)) for row in rows), else_=ibis.null("string")
    )
    yield first.select("customer_id", group=ids)


def needs_of(audit: Audit) -> ir.Table | None:
    """What each customer will need next; None where nothing can be foretold better than from what everybody buys."""
    found = audit.reasons.needs
    return found.next if found is not None and found.personal else None


def why_no_needs(context: Context) -> str:
    """Why `needs_of` is None."""
    if context.audit.reasons.needs is None:
        return context.missing("needs").reason
    return _("Single products have no rhythm of their own here: what everybody buys foretells just as well.")
