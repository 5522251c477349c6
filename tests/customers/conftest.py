"""The business and its people."""

import pytest

from regulars.accounts.models import Role, User
from regulars.accounts.services import make_preset_roles
from regulars.foundation.models import Business


@pytest.fixture
def business() -> Business:
    return Business.objects.create(
        name="Corner shop", currency="RUB", time_zone="Europe/Moscow", language="ru", region="RU"
    )


@pytest.fixture
def owner(business: Business) -> User:
    return user_of("owner")


@pytest.fixture
def manager(business: Business) -> User:
    return user_of("manager")


@pytest.fixture
def cashier(business: Business) -> User:
    return user_of("cashier")


def user_of(slug: str) -> User:
    make_preset_roles()
    return User.objects.create(
        email=f"{slug}@example.com", name=slug.title(), language="en", role=Role.objects.get(slug=slug)
    )
