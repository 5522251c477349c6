"""What the ledger tells the person himself."""

import datetime as dt
import io
import json
import zipfile

import pytest

from regulars.core.i18n import use_language
from regulars.customers.models import Customer
from regulars.customers.selectors.export import archive
from regulars.foundation.models import Business
from regulars.loyalty.ledger import Document, Kind, grant, open_account, spend, write
from regulars.loyalty.models import Unit

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.django_db
def test_a_person_reads_every_movement_of_his_points() -> None:
    Business.objects.create(id=1, name="Bean", currency="RUB", time_zone="Europe/Moscow", language="ru")
    points, anna = Unit.objects.create(slug="points", title="зёрна"), Customer.objects.create(name="Анна")
    open_account(anna.pk, points, at=NOW)
    write([
        Document(points, Kind.GIFT, "desk", "1", "user:1", (grant(anna.pk, 1500),), reason="за ожидание"),
        Document(points, Kind.SALE, "till:1", "1", "till:1", (spend(anna.pk, 30),)),
    ], at=NOW)  # fmt: skip
    with use_language("ru"):
        made = zipfile.ZipFile(io.BytesIO(b"".join(archive(anna))))
    told = made.read("readable.html").decode().replace("\xa0", " ")
    for words in ("1 500 (зёрна)", "за ожидание", "Баллы в подарок", "30 (зёрна)", "1 мар. 2026"):
        assert words in told, words
    assert json.loads(made.read("data.json"))["account"][0]["seq"] == 2
