"""Django's entry to this package."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Identity, consent, merging."""

    name = "regulars.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put what this package knows into the timeline."""
        # models can be imported only now
        from regulars.customers.selectors.history import register_sources  # noqa: PLC0415

        register_sources()
