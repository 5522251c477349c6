"""Telling people that something is odd: each thing once, however often it is found."""

import datetime as dt
import hashlib

from django.db import connection

from regulars.customers.models import Customer
from regulars.loyalty.models import Alert, Sale


def key_of(kind: Alert.Kind, *about: str) -> str:
    """By which it is known what an alert is about."""
    told = "\x1f".join((kind, *about))
    return hashlib.md5(told.encode(errors="replace"), usedforsecurity=False).hexdigest()


def hold_newest(key: str) -> Alert | None:
    """The newest that was told of it. Until the end of the transaction nobody else tells of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [key])
    return Alert.objects.select_for_update(of=("self",)).filter(key=key).order_by("-pk").first()


def tell_forgiven(
    points: int, customer: Customer, *, source: str, number: str, subject: str, came_at: dt.datetime, at: dt.datetime,
    sale: Sale | None = None,
) -> None:  # fmt: skip
    """Points of goods that came back stay his, by the document of this number: once by chance, else on purpose."""
    Alert.objects.create(
        key=key_of(Alert.Kind.FORGIVEN, source, number), kind=Alert.Kind.FORGIVEN, subject=subject, customer=customer,
        sale=sale, begins_at=came_at, found_at=at, figures={"points": points},
    )  # fmt: skip
