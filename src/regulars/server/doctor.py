"""What is wrong with an installation and how to mend it. Called inside `application`."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.server.config import Config
from regulars.server.setup import pending_migrations

_LEAST_SPACE = 2 * 2**30
_OLDEST_POSTGRES = 140000
_SILENT_WORKER = 90  # seconds


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `cure` is empty when it is well."""

    subject: str
    found: str
    cure: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """Everything that an installation needs, one by one."""
    yield _space(config)
    yield _key(config)
    yield _postgres()
    waiting = pending_migrations()
    yield _migrations(waiting)
    if not waiting:
        for look in _AFTER_MIGRATIONS:
            yield look()
    yield _mail(config)


def _space(config: Config) -> Finding:
    free = shutil.disk_usage(config.home).free
    text = _("{count} GB free in {folder}").format(count=format_number(free / 2**30, 1), folder=config.home)
    cure = _("Free some space: an import or an audit may fail.") if free < _LEAST_SPACE else ""
    return Finding(_("Space"), text, cure)


def _key(config: Config) -> Finding:
    if config.secret_key:
        return Finding(_("Secret key"), _("from the settings"))
    rights = config.secret_file.stat().st_mode & 0o077
    cure = _("Others can read it. Run: chmod 600 {file}").format(file=config.secret_file) if rights else ""
    return Finding(_("Secret key"), str(config.secret_file), cure)


def _postgres() -> Finding:
    connection.ensure_connection()
    number = connection.pg_version  # type: ignore[attr-defined]
    cure = "" if number >= _OLDEST_POSTGRES else _("PostgreSQL 14 or newer is needed.")
    return Finding("PostgreSQL", f"{number // 10000}.{number % 10000}", cure)


def _migrations(waiting: list[str]) -> Finding:
    if not waiting:
        return Finding(_("Form of the database"), _("up to date"))
    return Finding(
        _("Form of the database"),
        _("lacks {steps}").format(steps=", ".join(waiting[:3])),
        _("Run: regulars upgrade"),
    )


def _owner() -> Finding:
    count = User.objects.filter(is_active=True, role__rights__contains=[Right.MANAGE_USERS.value]).count()
    cure = "" if count else _("Nobody can manage users. Run: regulars create-owner")
    return Finding(_("Owners"), format_number(count), cure)


def _business() -> Finding:
    found = Business.objects.first()
    if found is None:
        return Finding(_("Business"), _("not set up"), _("Run: regulars init"))
    return Finding(_("Business"), f"{found.name}, {found.currency}, {found.time_zone}")


def _worker() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)",
            [_SILENT_WORKER],
        )
        alive = cursor.fetchone()[0]
    cure = "" if alive else _("Imports and audits wait. Run: regulars worker (or regulars serve)")
    return Finding(_("Workers"), format_number(alive), cure)


def _jobs() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'")
        failed = cursor.fetchone()[0]
    cure = _("See the log of the worker for the reason.") if failed else ""
    return Finding(_("Failed jobs"), format_number(failed), cure)


_AFTER_MIGRATIONS: tuple[Callable[[], Finding], ...] = (_business, _owner, _worker, _jobs)


def _mail(config: Config) -> Finding:
    if config.mail_url:
        return Finding(_("Mail"), config.mail_from)
    # not wrong: links are shown on the screen instead
    return Finding(_("Mail"), _("none: invitations and new passwords go by a link that you hand over"))
