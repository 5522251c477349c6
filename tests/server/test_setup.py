"""Which databases this version can bring up to date."""

import pytest
from django.db import connection

from regulars.core.errors import InputError
from regulars.server.setup import bring_up_to_date, pending_migrations

pytestmark = pytest.mark.django_db

OWN = "app IN ('accounts', 'api', 'customers', 'foundation', 'insights', 'loyalty', 'purchases')"


def forget(which: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM django_migrations WHERE {which}")


def test_a_database_that_has_everything_lacks_nothing() -> None:
    assert pending_migrations() == []
    forget("name = '0001_tables'")
    assert pending_migrations() == [], "it was made step by step, before the steps were folded"


def test_an_empty_database_and_one_that_was_half_made_are_made() -> None:
    forget("app = 'loyalty'")
    assert pending_migrations()[0] == "loyalty.0001_tables"
    forget(OWN)
    assert "accounts.0001_tables" in pending_migrations()


@pytest.mark.parametrize("lacking", ["app = 'loyalty' AND name >= '0021'", "app = 'api'"])
def test_steps_that_are_folded_come_whole_or_not_at_all(lacking: str) -> None:
    forget(f"name = '0001_tables' OR {lacking}")
    for bring in (pending_migrations, bring_up_to_date):
        with pytest.raises(InputError, match=r"lacks (loyalty\.0021_lots_of_one|api\.0001_initial)"):
            bring()
