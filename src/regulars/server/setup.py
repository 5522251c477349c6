"""Bringing an installation into being and up to date. Called inside `application`."""

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from regulars.accounts.services import make_preset_roles


def pending_migrations() -> list[str]:
    """Names of the steps that the database still lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def bring_up_to_date() -> None:
    """The newest form of the database, its table for counts, the roles, the static files. Safe to repeat."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    make_preset_roles()
    call_command("collectstatic", interactive=False, verbosity=0)
