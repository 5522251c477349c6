"""Django made ready inside this process, with a database that runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from regulars.server.config import Config
from regulars.server.database import database

SETTINGS = "regulars.server.settings"


@contextmanager
def application(config: Config) -> Iterator[None]:
    """Everything below may use the models."""
    with database(config) as url:
        os.environ |= environment(config, url)
        import django

        django.setup()
        try:
            yield
        finally:
            from django.db import connections

            connections.close_all()


def environment(config: Config, database_url: str) -> dict[str, str]:
    """What a process of the application finds in its environment."""
    return {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "REGULARS_HOME": str(config.home),
        "DATABASE_URL": database_url,
        # many small fits: threads of the linear algebra library only wait for each other
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
    }
