"""What is wrong with an installation's database and pages, and how to mend it. Called inside `application`."""

from collections.abc import Callable, Iterator

from django.db import connection

from regulars.accounts.models import User
from regulars.accounts.rights import Right
from regulars.core.errors import InputError
from regulars.core.i18n import format_number
from regulars.core.i18n import gettext as _
from regulars.foundation.models import Business
from regulars.server.machine import Finding
from regulars.server.setup import pending_migrations
from regulars.server.static_files import are_static_files_current

_OLDEST_POSTGRES = 140000
_SILENT_WORKER = 90  # seconds


def examine() -> Iterator[Finding]:
    """Everything that stands on a database that answers, one by one."""
    yield _postgres()
    try:
        waiting = pending_migrations()
    except InputError as error:
        yield Finding(_("Form of the database"), _("too old for this version"), str(error))
    else:
        yield _migrations(waiting)
        if not waiting:
            for look in _AFTER_MIGRATIONS:
                yield look()
    yield _static_files()


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


def _static_files() -> Finding:
    # each machine has its own: what another one collected does not serve these pages
    if are_static_files_current():
        return Finding(_("Styles and scripts"), _("of this version"))
    return Finding(
        _("Styles and scripts"),
        _("missing here, or of another version"),
        _("Run on this machine: regulars upgrade"),
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
