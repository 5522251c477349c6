"""Facts stay with the row that they were written of when customers are merged: whose they are now."""

from typing import Any

from django.db.models import BooleanField, F, Func, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from regulars.customers.models import Customer

_SURVIVORS = """WITH RECURSIVE up (id, part) AS (
        SELECT merged_into_id, id FROM customers_customer WHERE merged_into_id IS NOT NULL
        UNION ALL
        SELECT c.merged_into_id, up.part FROM up JOIN customers_customer c ON c.id = up.id
        WHERE c.merged_into_id IS NOT NULL)
    SELECT up.id FROM up WHERE up.part IN ({})"""


def anybody_was_merged() -> bool:
    """Whether this has to be thought of at all: where nobody was, queries stay simple."""
    return Customer.objects.exclude(merged_into=None).exists()


def survivors_of(parts: "QuerySet[Any, Any]") -> RawSQL:
    """The ids of those whom these customers became part of, by any number of steps; `parts` is a query of ids."""
    query, parameters = parts.order_by().query.sql_with_params()
    return RawSQL(_SURVIVORS.format(query), parameters)  # noqa: S611 - our own query, its parameters apart


def of_family(column: str) -> Func:
    """Whether `column` is the customer of the query outside or somebody who became part of him.

    An array, because the index of the column is entered by it.
    """
    return Func(
        F(column),
        OuterRef("pk"),
        arg_joiner=" = ANY(ARRAY(WITH RECURSIVE part (id) AS (SELECT ",
        template="%(expressions)s UNION ALL SELECT below.id FROM part JOIN customers_customer below "
        "ON below.merged_into_id = part.id) SELECT id FROM part))",
        output_field=BooleanField(),
    )


def with_parts() -> "QuerySet[Any, Any]":
    """The ids of customers whom others became part of."""
    return Customer.objects.filter(merged_into=None, merged__isnull=False).values("pk")
