"""Django's entry to this package."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Identity, consent, merging."""

    name = "regulars.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put what this package knows into the timeline and among the next steps."""
        # models can be imported only now
        from regulars.customers import next_steps  # noqa: PLC0415
        from regulars.customers.selectors.history import register_sources  # noqa: PLC0415
        from regulars.customers.selectors.person import register_sections  # noqa: PLC0415
        from regulars.customers.selectors.suggestions import suggest  # noqa: PLC0415

        register_sources()
        register_sections()
        next_steps.register(suggest)
