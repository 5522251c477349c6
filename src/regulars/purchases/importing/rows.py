"""INSERT ... SELECT that fills in what Django would: defaults live in the models, not in the database."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED


def insert_select(model: type[models.Model], given: Mapping[str, str], source: str) -> tuple[str, list[Any]]:
    """The statement and its parameters: `given` maps columns to expressions over `source`."""
    columns: list[str | None] = list(given)
    expressions = list(given.values())
    parameters: list[Any] = []
    for field in model._meta.concrete_fields:
        if field.column in given or field.primary_key or field.null or field.db_default is not NOT_PROVIDED:
            continue
        columns.append(field.column)
        default = field.get_default()
        if isinstance(field, models.JSONField):
            expressions.append("%s::jsonb")
            parameters.append(json.dumps(default))
        elif isinstance(field, ArrayField):
            expressions.append(f"'{{}}'::{field.base_field.db_type(connection)}[]")
        else:
            expressions.append("%s")
            parameters.append("" if default is None else default)
    target = f"{model._meta.db_table} ({', '.join(filter(None, columns))})"
    return f"INSERT INTO {target} SELECT {', '.join(expressions)} {source}", parameters
