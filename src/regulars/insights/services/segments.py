"""Segments are kept and changed; audiences are frozen copies of them."""

from typing import Any

from django.db import connection
from django.utils import timezone

from regulars.accounts.models import User
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.foundation.changes import acting
from regulars.insights.models import Audience, Member, Segment
from regulars.insights.segments.query import customers_of
from regulars.insights.segments.rule import checked

_LONGEST_NAME = 200


def save_segment(*, name: str, rule: Any, by: User, segment: Segment | None = None) -> Segment:
    """A new segment, or another rule and name for this one."""
    rule = checked(rule)
    with acting(by.pk, "web"):
        if segment is None:
            return Segment.objects.create(name=_named(name), rule=rule, by=by)
        segment.name, segment.rule, segment.updated_at = _named(name), rule, timezone.now()
        segment.save(update_fields=["name", "rule", "updated_at"])
    return segment


def delete_segment(segment: Segment, *, by: User) -> None:
    """Forget a rule; the audiences that were frozen from it stay."""
    with acting(by.pk, "web"):
        segment.delete()


def freeze(segment: Segment, *, by: User) -> Audience:
    """Who is in the segment at this moment, kept: one statement, whatever its size."""
    with acting(by.pk, "web"):
        audience = Audience.objects.create(segment=segment, name=segment.name, rule=segment.rule, by=by)
        query, parameters = customers_of(segment.rule).seen_by(by).order_by().values("pk").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {Member._meta.db_table} (audience_id, customer_id) SELECT %s, found.id "
                f"FROM ({query}) AS found (id)",
                [audience.pk, *parameters],
            )
            audience.size = cursor.rowcount
        audience.save(update_fields=["size"])
    return audience


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(_("Give the segment a name of at most {most} signs.").format(most=_LONGEST_NAME))
    return name
