"""What the base knows of customers beside their purchases, for the audit: who the best are, and who is like them.

Nothing that follows from buying is taken (points, the day of entry): it would explain the best by themselves.
"""

from pathlib import Path
from typing import Any

from django.db.models import Count

from regulars.analytics.attributes import KEY, Attributes
from regulars.analytics.purchases import History
from regulars.customers.models import Field, Tag
from regulars.purchases.importing.exchange import pull
from regulars.report.names import OURS

_MOST_TAGS = 10  # the most used
_MOST_FIELDS = 25
_TABLE = "known_of_customers"
_BUILT_IN = {
    "kind": ("VARCHAR", "'#' || c.kind"),
    "sex": ("VARCHAR", "'#' || nullif(c.sex, '')"),
    "birth": ("DOUBLE", "extract(year FROM c.birth_date)"),
    "language": ("VARCHAR", "nullif(c.language, '')"),
    "owner": ("VARCHAR", "coalesce(nullif(u.name, ''), u.email, '#nobody')"),
    "source": ("VARCHAR", "nullif(c.source, '')"),
}
_TAGGED = (
    "CASE WHEN EXISTS (SELECT FROM customers_customer_tags t WHERE t.customer_id = c.id AND t.tag_id = %s) "
    "THEN '#yes' ELSE '#no' END"
)
_OWN = {
    Field.Type.TEXT: ("VARCHAR", "nullif(c.own_fields ->> %s, '')"),
    Field.Type.CHOICE: ("VARCHAR", "nullif(c.own_fields ->> %s, '')"),
    Field.Type.NUMBER: ("DOUBLE", "c.own_fields ->> %s"),
    Field.Type.DATE: ("DATE", "c.own_fields ->> %s"),
    Field.Type.YES_NO: ("VARCHAR", "CASE c.own_fields ->> %s WHEN 'true' THEN '#yes' WHEN 'false' THEN '#no' END"),
}


def attributes_for(history: History, folder: Path) -> Attributes:
    """Kind, sex, year of birth, manager, source, the usual tags and own fields, one row per customer.

    The rows go from the database into the engine of `history` through a file in `folder`, however many they are.
    """
    columns, headings = {KEY: "VARCHAR"}, {}
    said: list[str] = ["c.id"]
    parameters: list[Any] = []
    for name, heading, kind, how, value in _columns():
        columns[name], headings[name] = kind, heading
        said.append(how)
        parameters += [] if value is None else [value]
    query = (
        f"SELECT {', '.join(said)} FROM customers_customer c LEFT JOIN accounts_user u ON u.id = c.owner_id "
        "WHERE c.merged_into_id IS NULL"
    )
    engine = history.lines.get_backend()
    pull(engine.con, query, _TABLE, columns, folder=folder, parameters=parameters)
    return Attributes(engine.table(_TABLE), headings)


def _columns() -> list[tuple[str, str, str, str, Any]]:
    """Name, heading, type, how it is read, and what its placeholder stands for."""
    found: list[tuple[str, str, str, str, Any]] = [
        (name, OURS + name, kind, how, None) for name, (kind, how) in _BUILT_IN.items()
    ]
    tags = Tag.objects.annotate(people=Count("customers")).filter(people__gt=0).order_by("-people", "id")
    found += [(f"tag_{tag.pk}", f"{OURS}tag:{tag.name}", "VARCHAR", _TAGGED, tag.pk) for tag in tags[:_MOST_TAGS]]
    fields = Field.objects.filter(is_archived=False, type__in=_OWN)[:_MOST_FIELDS]
    return found + [(f"own_{one.pk}", one.title, *_OWN[Field.Type(one.type)], one.slug) for one in fields]
