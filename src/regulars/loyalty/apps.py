"""Django's entry to this package."""

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    """The ledger of points."""

    name = "regulars.loyalty"
    label = "loyalty"
    default_auto_field = "django.db.models.BigAutoField"
