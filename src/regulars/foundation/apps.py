"""Django's entry to this package."""

from django.apps import AppConfig


class FoundationConfig(AppConfig):
    """The business, changes, retries."""

    name = "regulars.foundation"
    label = "foundation"
    default_auto_field = "django.db.models.BigAutoField"
