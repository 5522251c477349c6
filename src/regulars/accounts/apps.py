"""Django's entry to this package."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles, invitations."""

    name = "regulars.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
