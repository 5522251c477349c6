"""Django's entry to this package."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Identity, consent, merging."""

    name = "regulars.customers"
    label = "customers"
    default_auto_field = "django.db.models.BigAutoField"
