"""All commands, and the one place that turns errors into messages and exit codes."""

import os
import traceback
from collections.abc import Sequence
from importlib.metadata import version

import click

from regulars.cli import (
    audience,
    audit,
    clv,
    demo,
    imports,
    inspect,
    ledger,
    partners,
    programme,
    serve,
    till_simulator,
)
from regulars.cli.console import fail, out, say
from regulars.cli.help import Group
from regulars.cli.stopping import INTERRUPTED, Stopped, exit_code_of_stop
from regulars.core.errors import RegularsError
from regulars.core.i18n import gettext as _

BROKEN = 1
USAGE = 2


def build() -> click.Group:
    """The commands with their help in the current language."""
    group = Group(
        name="regulars",
        help=_("Knows each customer, sees who is leaving, in money, and what to do about it."),
        params=[
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help=_("Show the version and leave."),
            )
        ],
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in (audit, inspect, audience, clv, demo, ledger, partners, programme, till_simulator):
        group.add_command(module.command())
    for command in (*serve.commands(), *imports.commands()):
        group.add_command(command)
    return group


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command."""
    try:
        code = build().main(args=list(arguments), prog_name="regulars", standalone_mode=False)
    except (Exception, KeyboardInterrupt, Stopped) as error:
        stopped = INTERRUPTED if isinstance(error, click.Abort) else None
        stopped = exit_code_of_stop(error) or stopped
        if stopped is not None:
            say(_("Stopped. Nothing half-written was left behind."))
        return _told(error) if stopped is None else stopped
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> int:
    """Say what went wrong; the exit code of it."""
    match error:
        case click.ClickException():
            return _usage(error)
        case RegularsError():
            fail(str(error))
            return error.exit_code
        case BrokenPipeError():
            # the reader of our output has gone; there is nobody to tell
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return BROKEN
    # the last resort: a person gets a sentence, an operator the traceback on request
    if os.environ.get("REGULARS_TRACEBACK"):
        traceback.print_exception(error)
    fail(
        _("{kind}: {message}. This is our fault. Run again with REGULARS_TRACEBACK=1 and report the result.").format(
            kind=type(error).__name__, message=error
        )
    )
    return BROKEN


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        out.print(error.format_message(), markup=False)
        return USAGE
    fail(_usage_message(error))
    context = getattr(error, "ctx", None)
    if context is not None:
        say(_("See: {command} --help").format(command=context.command_path))
    return USAGE


def _usage_message(error: click.ClickException) -> str:
    """click speaks English only; these are the cases that people meet."""
    match error:
        case click.NoSuchOption():
            message = _("There is no option {option}.").format(option=error.option_name)
            close = ", ".join(error.possibilities or ())
            return message + (" " + _("Did you mean {close}?").format(close=close) if close else "")
        case click.NoSuchCommand():
            return _("There is no command {name}.").format(name=error.command_name)
        case click.MissingParameter():
            # an option is called as it is typed, an argument as the help calls it
            name = _typed(error.param) if error.param else ""
            return _("{name} is missing.").format(name=name)
        case click.BadParameter(param=click.Parameter(type=click.Choice(choices=choices)) as param):
            return _("{name} must be one of: {choices}.").format(name=param.opts[0], choices=", ".join(choices))
        case click.BadParameter():
            name = error.param.opts[0] if error.param and error.param.opts else ""
            return _("{name}: {message}").format(name=name, message=error.message)
        case _:
            return error.format_message()


def _print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"regulars {version('regulars')}")
        context.exit()


def _typed(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name
