"""Django's entry to this package."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Keys, resources, web-hooks."""

    name = "regulars.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Forget whoever is erased."""
        # models can be imported only now
        from regulars.api.forgetting import register_forgetting  # noqa: PLC0415

        register_forgetting()
