"""Moving what belongs to one customer to another: all rows of all tables that point to him.

The tables are found by their foreign keys, so what a new package adds moves too. A row whose equal the other has
already stays where it is.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from regulars.customers.models import Customer
from regulars.customers.selectors.family import family_of

# about the row itself or about a past moment, not about the person
_STAYS = frozenset(
    {"customers.Customer.merged_into", "customers.Merge.kept", "customers.Merge.gone", "customers.Erasure.customer",
     "customers.Likeness.first", "customers.Likeness.second", "insights.Member.customer",
     "loyalty.TierChange.customer"}
)  # fmt: skip


def links() -> "Iterator[models.ForeignKey[Any, Any]]":
    """The foreign keys to customers whose rows go along with the person."""
    for relation in Customer._meta.get_fields(include_hidden=True):
        link = getattr(relation, "field", None)
        # one-to-one rows are figures of the row itself, which the next audit makes anew
        if not (relation.auto_created and isinstance(link, models.ForeignKey)) or link.unique:
            continue
        if label(link) not in _STAYS:
            yield link


def label(link: "models.ForeignKey[Any, Any]") -> str:
    """The name under which moved rows are written down."""
    return f"{link.model._meta.label}.{link.name}"


def link_of(name: str) -> "models.ForeignKey[Any, Any] | None":
    """The foreign key of a label; None when its table is no more."""
    model, _dot, field = name.rpartition(".")
    try:
        found = apps.get_model(model)._meta.get_field(field)
    except LookupError:
        return None
    return found if isinstance(found, models.ForeignKey) else None


def move(link: "models.ForeignKey[Any, Any]", *, rows: "Q", to: int) -> list[int]:
    """Let the rows point to another customer; returns the ids of those that could."""
    some = link.model._base_manager.filter(rows).exclude(**{link.attname: to})
    for names in _keys_with(link):
        equal = {name: OuterRef(name) for name in names}
        some = some.exclude(Exists(link.model._base_manager.filter(**{link.attname: to}, **equal)))
    ids = list(some.order_by("pk").values_list("pk", flat=True))
    if ids:
        link.model._base_manager.filter(pk__in=ids).update(**{link.attname: to})
    return ids


def note_moved(name: str, rows: Sequence[int], *, gone: int) -> None:
    """New rows of somebody who was merged were written to the one who was kept: let every merge above him know."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH RECURSIVE chain AS (
                SELECT id, merged_into_id FROM customers_customer WHERE id = %(gone)s
                UNION ALL
                SELECT above.id, above.merged_into_id
                FROM chain JOIN customers_customer above ON above.id = chain.merged_into_id
            )
            UPDATE customers_merge SET moved = jsonb_set(moved, ARRAY['rows', %(name)s],
                coalesce(moved -> 'rows' -> %(name)s, '[]') || %(rows)s::jsonb)
            WHERE undone_at IS NULL AND moved ? 'rows'
                AND gone_id IN (SELECT id FROM chain WHERE merged_into_id IS NOT NULL)""",
            {"gone": gone, "name": name, "rows": json.dumps(list(rows))},
        )


def note_follower(name: str, row: int, follower: int, *, of: int) -> None:
    """A new row belongs with an older one of this customer: if that came by a merge, both go when it is undone."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT gone_id FROM customers_merge
            WHERE gone_id = ANY (%s) AND undone_at IS NULL AND moved -> 'rows' -> %s @> %s::jsonb
            ORDER BY id LIMIT 1""",
            [family_of(of), name, json.dumps([row])],
        )
        found = cursor.fetchone()
    if found:
        note_moved(name, [follower], gone=int(found[0]))


def allow_ledger(reason: str) -> None:
    """For the rest of this transaction the ledger of consent lets "merge" or "erasure" through."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('regulars.ledger', %s, true)", [reason])


def _keys_with(link: "models.ForeignKey[Any, Any]") -> Iterator[Sequence[str]]:
    """What else must be different for two rows of one customer."""
    meta = link.model._meta
    keys: list[Sequence[str]] = [*meta.unique_together]
    keys += [
        one.fields for one in meta.constraints if isinstance(one, models.UniqueConstraint) and one.condition is None
    ]
    for fields in keys:
        if link.name in fields:
            yield [_column(link, name) for name in fields if name != link.name]


def _column(link: "models.ForeignKey[Any, Any]", name: str) -> str:
    field = link.model._meta.get_field(name)
    return str(getattr(field, "attname", name))
