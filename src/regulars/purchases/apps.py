"""Django's entry to this package."""

from django.apps import AppConfig


class PurchasesConfig(AppConfig):
    """Receipts and imports."""

    name = "regulars.purchases"
    label = "purchases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put purchases into the timeline, and forget whoever is erased."""
        # models can be imported only now
        from regulars.purchases.forgetting import register_forgetting  # noqa: PLC0415
        from regulars.purchases.readable import register_section  # noqa: PLC0415
        from regulars.purchases.timeline import register_source  # noqa: PLC0415

        register_source()
        register_section()
        register_forgetting()
