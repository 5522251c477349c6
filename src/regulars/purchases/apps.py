"""Django's entry to this package."""

from django.apps import AppConfig


class PurchasesConfig(AppConfig):
    """Receipts and imports."""

    name = "regulars.purchases"
    label = "purchases"
    default_auto_field = "django.db.models.BigAutoField"
