"""Commands that run the application and keep it well."""

import getpass
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from regulars.cli.console import out, progress_bar, say
from regulars.cli.help import Command
from regulars.cli.options import language_option
from regulars.core.errors import InputError
from regulars.core.i18n import current_language, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency
from regulars.core.zones import check_zone

if TYPE_CHECKING:
    from regulars.server.config import Config
    from regulars.server.machine import Finding


def commands() -> list[click.Command]:
    """The commands with their help in the current language."""
    owner = [
        click.Option(["--email"], required=True, help=_("The e-mail to log in with.")),
        click.Option(["--name"], required=True, help=_("The name to show.")),
    ]
    business = [
        click.Option(["--name"], help=_("The name of the business.")),
        click.Option(["--currency"], help=_("Its currency, such as RUB or EUR.")),
        click.Option(["--time-zone"], help=_("Its clock, such as Europe/Moscow.")),
    ]
    archive = click.Argument(["file"], type=click.Path(path_type=Path))
    anyway = click.Option(["--replace"], is_flag=True, help=_("Lose the data that are there now."))
    return [
        _command("init", _init, _("Make the data folder, its secret key and the database."), *business),
        _command("create-owner", _create_owner, _("Add a user who may do everything."), *owner),
        _command("serve", _serve, _("Run the application: database, web and worker. Ctrl-C ends all.")),
        _command("web", _web, _("Run the web server alone.")),
        _command("worker", _worker, _("Run the worker of background jobs alone.")),
        _command("upgrade", _upgrade, _("Bring the database to this version, after a backup.")),
        _command("doctor", _doctor, _("Say what is wrong with the installation and how to mend it.")),
        _command("backup", _backup, _("Write the whole installation to one file."), archive),
        _command("restore", _restore, _("Bring an installation back from a backup."), archive, anyway),
    ]


def _command(name: str, run: Callable[..., int | None], help_text: str, *options: click.Parameter) -> click.Command:
    @wraps(run)
    def guarded(**values: Any) -> int | None:
        if find_spec("django") is None:
            raise InputError(
                _("The application needs more packages than the audit. Run: pip install 'regulars[server]'")
            )
        return run(**values)

    return Command(name, callback=guarded, help=help_text, params=[*options, language_option()])


def _init(name: str | None, currency: str | None, time_zone: str | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load, write_secret

    # before anything is made
    currency, time_zone = currency and check_currency(currency), time_zone and check_zone(time_zone)
    config = load()
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(config)
    with application(config):
        from regulars.server.setup import bring_up_to_date, make_business

        bring_up_to_date()
        make_business(name=name, currency=currency, time_zone=time_zone, language=lang or current_language())
    say(_("Ready in {folder}. Next: regulars create-owner, then regulars serve.").format(folder=config.home))


def _create_owner(email: str, name: str, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.accounts.services import create_owner

        password = os.environ.get("REGULARS_OWNER_PASSWORD") or getpass.getpass(_("Password: "))
        create_owner(email=email, name=name, language=lang or current_language(), password=password)
    say(_("{email} may log in.").format(email=email))


def _serve(lang: str | None) -> int | None:
    from regulars.server.application import environment
    from regulars.server.config import load
    from regulars.server.database import database

    config = load()
    config.secret()
    with database(config) as url:
        # in a process of its own: this one stays small and never holds a connection
        upgraded = subprocess.run(
            [sys.executable, "-m", "regulars", "upgrade"], env={**os.environ, **environment(config, url)}, check=False
        )
        if upgraded.returncode:
            return upgraded.returncode  # it has said why
        _run_until_told(config, url, config.url)
    say(_("Stopped. All data are in {folder}.").format(folder=config.home))
    return None


def _run_until_told(config: "Config", url: str, shown: str) -> None:
    from regulars.server.application import environment
    from regulars.server.database import revive
    from regulars.server.processes import all_processes
    from regulars.server.supervisor import supervise

    def tell(name: str) -> None:
        say(_("{name} ended and is started again.").format(name=name))

    def keep_database() -> None:
        if revive(config):
            tell("PostgreSQL")

    out.print(_("Open {url}").format(url=shown))
    supervise(all_processes(config), environment(config, url), first=keep_database, on_fall=tell)


def serve_demonstration(folder: Path, language: str) -> None:
    """The application over the demonstration in this folder, filled the first time."""
    from regulars.server.application import application
    from regulars.server.config import forget_other_installations, load, write_secret
    from regulars.server.database import database

    # the processes started below see the same
    forget_other_installations()
    os.environ["REGULARS_HOME"] = str((folder / "home").absolute())
    config = load()
    if not config.uses_own_database:
        raise InputError(
            _("The settings in {folder} name a database. The demonstration has its own: choose another folder.").format(
                folder=config.home
            )
        )
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(config)
    # held from here to the end, so that PostgreSQL starts once
    with database(config) as url:
        with application(replace(config, database_url=url)), progress_bar() as bar:
            from regulars.server.setup import bring_up_to_date
            from regulars.server.showcase import fill, refuse_a_real_business, way_in

            refuse_a_real_business(config.home)
            bring_up_to_date()
            fill(folder / "supermarket.parquet", language=language, progress=bar)
            ticket = way_in()
        _run_until_told(config, url, f"{config.url}/demonstration/{ticket}/")
    say(_("Stopped. All data are in {folder}.").format(folder=config.home))


def _web(lang: str | None) -> None:
    from regulars.server.application import environment
    from regulars.server.config import load
    from regulars.server.processes import web_command

    config = load()
    command = web_command(config)
    os.execve(command[0], list(command), {**os.environ, **environment(config, config.database_url)})  # noqa: S606


def _worker(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    config = load()
    with application(config):
        from regulars.server.worker import work

        work(config)


def _upgrade(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    config = load()
    with application(config):
        from regulars.server.setup import bring_up_to_date, pending_migrations, save_before_upgrade

        waiting = pending_migrations()
        saved = save_before_upgrade(config, os.environ["DATABASE_URL"]) if waiting else None
        bring_up_to_date()
    if saved:
        say(_("The database is at this version now. As it was before: {file}").format(file=saved))


def _doctor(lang: str | None) -> int:
    from regulars.server.config import load
    from regulars.server.machine import examine_machine

    config = load()
    config.secret()
    found = [*examine_machine(config), *_look_at_database(config)]
    for one in found:
        mark = "[red]✗[/]" if one.cure else "[green]✓[/]"
        out.print(f"{mark} {escape(one.subject)}: {escape(one.found)}")
        if one.cure:
            out.print(f"  {escape(one.cure)}")
    return 1 if any(one.cure for one in found) else 0


def _look_at_database(config: "Config") -> "list[Finding]":
    from regulars.server.application import application
    from regulars.server.machine import Finding

    try:
        with application(config):
            from regulars.server.doctor import examine

            return list(examine())
    except InputError as error:
        return [Finding("PostgreSQL", _("does not answer"), str(error))]


def _backup(file: Path, lang: str | None) -> None:
    from regulars.server.backup import backup
    from regulars.server.config import load
    from regulars.server.database import database

    config = load()
    with database(config) as url:
        manifest = backup(config, url, file.absolute())
    say(
        _("Saved {rows} rows of {tables} tables to {file}. It holds personal data and the key: keep it safe.").format(
            rows=format_number(sum(manifest["tables"].values())), tables=len(manifest["tables"]), file=file
        )
    )


def _restore(file: Path, replace: bool, lang: str | None) -> None:
    from regulars.server.backup import restore
    from regulars.server.config import load
    from regulars.server.database import database

    config = load()
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with database(config) as url:
        manifest = restore(config, url, file, replace=replace)
    say(_("Brought back {rows} rows. Next: regulars upgrade, then regulars serve.").format(
        rows=format_number(sum(manifest["tables"].values()))
    ))  # fmt: skip
