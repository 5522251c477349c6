"""Users of every role, logged in."""

from django.test import Client

from regulars.accounts.models import Role, User
from regulars.accounts.rights import PRESETS
from regulars.accounts.services import make_preset_roles
from regulars.foundation.models import Business

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
ROLES = tuple(one.slug for one in PRESETS)


def make_business() -> Business:
    """The business of a test, in roubles by the clock of Moscow."""
    make_preset_roles()
    values = {"name": "Corner shop", "currency": "RUB", "time_zone": "Europe/Moscow", "language": "en"}
    return Business.objects.get_or_create(id=1, defaults=values)[0]


def make_user(role: str, *, language: str = "en") -> User:
    """A user of the role; its name is the role's."""
    make_business()
    return User.objects.create(
        email=f"{role}@example.com", name=role.title(), language=language, role=Role.objects.get(slug=role)
    )


def logged_in(user: User) -> Client:
    """A browser of this user."""
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client
