"""Django's entry to this package."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """Segments and audits."""

    name = "regulars.insights"
    label = "insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put what the audit suggests among the next steps of a customer."""
        # models can be imported only now
        from regulars.customers import next_steps  # noqa: PLC0415
        from regulars.insights.forgetting import register_forgetting  # noqa: PLC0415
        from regulars.insights.readable import register_sections  # noqa: PLC0415
        from regulars.insights.selectors.today import suggest  # noqa: PLC0415

        register_sections()
        next_steps.register(suggest)
        register_forgetting()
