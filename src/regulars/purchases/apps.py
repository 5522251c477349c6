"""Django's entry to this package."""

from django.apps import AppConfig


class PurchasesConfig(AppConfig):
    """Receipts and imports."""

    name = "regulars.purchases"
    label = "purchases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Put purchases into the timeline."""
        # models can be imported only now
        from regulars.purchases.timeline import register_source  # noqa: PLC0415

        register_source()
