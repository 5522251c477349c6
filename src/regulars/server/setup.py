"""Bringing an installation into being and up to date. Called inside `application`."""

import datetime as dt
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from regulars.accounts.models import User
from regulars.accounts.services import make_preset_roles
from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency
from regulars.core.zones import check_zone
from regulars.foundation.models import Business
from regulars.server.backup import backup
from regulars.server.config import Config
from regulars.server.static_files import collect_static_files
from regulars.web.environment import compile_templates

_KEPT_BACKUPS = 3
# what a business that says nothing of itself is taken for
_USUAL = {"ru": ("RUB", "Europe/Moscow", "RU"), "en": ("USD", "UTC", "US")}


def pending_migrations() -> list[str]:
    """Names of the steps that the database still lacks."""
    _refuse_what_is_too_old()
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def _refuse_what_is_too_old() -> None:
    """Steps of before that are folded into one are known as a whole: a database that has some of them stays behind."""
    loader = MigrationLoader(connection, load=False)
    loader.load_disk()
    applied = MigrationRecorder(connection).applied_migrations().keys()
    ours = {key: one for key, one in loader.disk_migrations.items() if type(one).__module__.startswith("regulars.")}
    folded = {step for key, one in ours.items() if key not in applied for step in one.replaces}
    lacking = folded - applied
    if lacking and lacking != folded:
        raise InputError(
            _(
                "The database is of a version that is too old for this one: it lacks {steps}. Nothing was changed. "
                "Install the last version that has these steps, run there: regulars upgrade, and after it upgrade to "
                "this one."
            ).format(steps=", ".join(f"{label}.{name}" for label, name in sorted(lacking)[:3]))
        )


def bring_up_to_date() -> None:
    """The newest form of the database, its table for counts, the roles, the static files, the pages. Safe to repeat."""
    _refuse_what_is_too_old()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    make_preset_roles()
    collect_static_files()
    compile_templates()


def make_business(*, name: str | None, currency: str | None, time_zone: str | None, language: str) -> None:
    """The business of a new installation; one that is there already stays, and is changed in its settings."""
    usual_currency, usual_zone, region = _USUAL[language]
    Business.objects.get_or_create(
        id=1,
        defaults={
            "name": name or _("My business"),
            "currency": check_currency(currency or usual_currency),
            "time_zone": check_zone(time_zone or usual_zone),
            "language": language,
            "region": region,
        },
    )


def save_before_upgrade(config: Config, database_url: str) -> Path | None:
    """A backup before the form of the database changes; none when there is nobody yet whose data could be lost."""
    if "accounts_user" not in connection.introspection.table_names() or not User.objects.exists():
        return None
    folder = config.home / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"before-upgrade-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}.tar"
    backup(config, database_url, target)
    for old in sorted(folder.glob("before-upgrade-*.tar"))[:-_KEPT_BACKUPS]:
        old.unlink()
    return target
