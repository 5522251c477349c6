"""Django's entry to this package."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Keys, resources, web-hooks."""

    name = "regulars.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"
