"""Django's entry to this package."""

from django.apps import AppConfig


class LoyaltyConfig(AppConfig):
    """The loyalty programme and its ledger of points."""

    name = "regulars.loyalty"
    label = "loyalty"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Forget whoever is erased, and tell a person of his points."""
        # models can be imported only now
        from regulars.customers.services import duplicates  # noqa: PLC0415
        from regulars.loyalty.belonging import who_take_part  # noqa: PLC0415
        from regulars.loyalty.forgetting import register_forgetting  # noqa: PLC0415
        from regulars.loyalty.readable import register_sections  # noqa: PLC0415
        from regulars.loyalty.timeline import register_source  # noqa: PLC0415

        duplicates.register(who_take_part)
        register_forgetting()
        register_sections()
        register_source()
