"""Commands that run the application: init, serve, web, worker, create-owner, doctor, upgrade."""

import getpass
import os
import subprocess
import sys
from collections.abc import Callable

import click

from regulars.cli.console import out, say
from regulars.cli.help import Command
from regulars.cli.options import language_option
from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _


def commands() -> list[click.Command]:
    """The commands with their help in the current language."""
    owner = [
        click.Option(["--email"], required=True, help=_("The e-mail to log in with.")),
        click.Option(["--name"], required=True, help=_("The name to show.")),
    ]
    return [
        _command("init", _init, _("Make the data folder, its secret key and the database.")),
        _command("create-owner", _create_owner, _("Add a user who may do everything."), *owner),
        _command("serve", _serve, _("Run the application: database, web and worker. Ctrl-C ends all.")),
        _command("web", _web, _("Run the web server alone.")),
        _command("worker", _worker, _("Run the worker of background jobs alone.")),
        _command("upgrade", _upgrade, _("Bring the database to this version.")),
    ]


def _command(name: str, run: Callable[..., None], help_text: str, *options: click.Parameter) -> click.Command:
    return Command(name, callback=run, help=help_text, params=[*options, language_option()])


def _init(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load, write_secret

    config = load()
    config.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(config)
    with application(config):
        from regulars.server.setup import bring_up_to_date

        bring_up_to_date()
    say(_("Ready in {folder}. Next: regulars create-owner, then regulars serve.").format(folder=config.home))


def _create_owner(email: str, name: str, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.accounts.services import create_owner

        password = os.environ.get("REGULARS_OWNER_PASSWORD") or getpass.getpass(_("Password: "))
        create_owner(email=email, name=name, language=lang or current_language(), password=password)
    say(_("{email} may log in.").format(email=email))


def _serve(lang: str | None) -> None:
    from regulars.server.application import environment
    from regulars.server.config import load
    from regulars.server.database import database
    from regulars.server.processes import all_processes
    from regulars.server.supervisor import supervise

    config = load()
    config.secret()
    with database(config) as url:
        settings = environment(config, url)
        # in a process of its own: this one stays small and never holds a connection
        subprocess.run([sys.executable, "-m", "regulars", "upgrade"], env={**os.environ, **settings}, check=True)
        out.print(_("Open {url}").format(url=config.url))
        supervise(
            all_processes(config),
            settings,
            on_fall=lambda name: say(_("{name} ended and is started again.").format(name=name)),
        )
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

    with application(load()):
        from regulars.server.setup import bring_up_to_date, pending_migrations

        waiting = pending_migrations()
        bring_up_to_date()
    if waiting:
        say(_("The database is at this version now."))
