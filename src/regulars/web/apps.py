"""Django's entry to this package."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages, templates, styles."""

    name = "regulars.web"
    label = "web"
