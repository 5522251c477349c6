"""Many rows of a test at once."""

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import connection, models, transaction
from django.db.models.expressions import DatabaseDefault

Row = TypeVar("Row", bound=models.Model)


def plant(rows: Iterable[Row]) -> list[Row]:
    """As `bulk_create` of what has no number yet, by COPY: with tens of thousands most of its time is Django's."""
    made = list(rows)
    if not made:
        return made
    of = made[0]._meta
    with transaction.atomic(), connection.cursor() as cursor:
        if isinstance(of.pk, models.AutoField):
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [of.db_table, of.pk.column, len(made)],
            )
            for one, (number,) in zip(made, cursor.fetchall(), strict=True):
                one.pk = number
        columns = [
            field for field in of.concrete_fields
            if not field.generated and not isinstance(getattr(made[0], field.attname), DatabaseDefault)
        ]  # fmt: skip
        names = ", ".join(connection.ops.quote_name(field.column) for field in columns)
        with cursor.copy(f"COPY {connection.ops.quote_name(of.db_table)} ({names}) FROM STDIN") as copy:
            for one in made:
                copy.write_row([_value(one, field) for field in columns])
    for one in made:
        one._state.adding = False
    return made


def _value(one: models.Model, field: "models.Field[Any, Any]") -> Any:
    return field.get_db_prep_save(field.pre_save(one, add=True), connection)
