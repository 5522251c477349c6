"""Django's entry to this package."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Keys, resources, web-hooks."""

    name = "regulars.api"
    label = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Forget whoever is erased, and let segments speak of points."""
        # models can be imported only now
        from regulars.api.forgetting import register_forgetting  # noqa: PLC0415
        from regulars.api.points_in_segments import register_points  # noqa: PLC0415

        register_forgetting()
        register_points()
