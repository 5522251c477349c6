"""Django's entry to this package."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """Segments and audits."""

    name = "regulars.insights"
    label = "insights"
    default_auto_field = "django.db.models.BigAutoField"
