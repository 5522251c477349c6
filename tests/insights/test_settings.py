"""What the audit cannot learn from purchases is set in the settings, and checked by the form and by the database."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from regulars.accounts.models import User
from regulars.foundation.models import Business
from regulars.insights.models import AuditSettings

pytestmark = pytest.mark.django_db
ADDRESS = "/settings/audit/"


def test_settings_are_kept_in_minor_units(business: Business, client: Client, user: Callable[..., User]) -> None:
    client.force_login(user("owner"))
    response = client.post(ADDRESS, {"margin_pct": "32.5", "budget": "1000.50", "contact_cost": "5"})
    assert response.status_code == 302
    chosen = AuditSettings.current()
    assert (chosen.margin_pct, chosen.budget, chosen.contact_cost) == (32.5, 100_050, 500)
    assert 'value="1000.50"' in client.get(ADDRESS).content.decode()
    client.post(ADDRESS, {"margin_pct": "", "budget": "", "contact_cost": ""})
    assert AuditSettings.current().margin_pct is None
    assert AuditSettings.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin_pct": "0"},
        {"margin_pct": "100"},
        {"margin_pct": "nan"},
        {"margin_pct": "inf"},
        {"margin_pct": "much"},
        {"budget": "100"},
        {"contact_cost": "100"},
        {"budget": "0", "contact_cost": "1"},
        {"budget": "-5", "contact_cost": "1"},
        {"budget": "0.001", "contact_cost": "1"},
        {"budget": "1e40", "contact_cost": "1"},
    ],
    ids=str,
)
def test_wrong_settings_are_refused(
    business: Business, client: Client, user: Callable[..., User], wrong: dict[str, str]
) -> None:
    client.force_login(user("owner"))
    assert client.post(ADDRESS, wrong).status_code == 422
    assert not AuditSettings.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"margin_pct": 0}, {"margin_pct": 100}, {"budget": 1}, {"budget": 1, "contact_cost": 0}, {"id": 2}],
    ids=str,
)
def test_the_database_refuses_them_too(business: Business, wrong: dict[str, float]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditSettings.objects.create(**wrong)
