"""`regulars inspect FILE`: what each column is taken for, and why."""

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import out
from regulars.cli.help import Command
from regulars.cli.options import mapping_of, reading_options
from regulars.core.i18n import gettext as _


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "inspect",
        callback=_inspect,
        help=_("Show how a file would be read: its format, and what each column is taken for, and why."),
        params=[click.Argument(["file"]), *reading_options()],
    )


def _inspect(file: str, mapping: tuple[str, ...], region: str, lang: str | None) -> None:
    from regulars.ingest import inspect

    found = inspect(file, mapping=mapping_of(mapping), region=region)
    _print(found)


def _print(found: Any) -> None:
    for fact in found.facts:
        out.print(Text(f"{fact.label}: {fact.value}"))
    table = Table(show_lines=True)
    for heading in (_("Column"), _("Taken for"), _("Why"), _("Samples"), _("Problems")):
        table.add_column(heading, overflow="fold")
    for column in found.columns:
        table.add_row(
            Text(column.heading),
            Text(column.role or "—"),
            Text(column.why),
            Text("\n".join(column.samples)),
            Text("\n".join(column.problems)),
        )
    out.print(table)
    for problem in found.problems:
        out.print(Text(problem, style="bold yellow"))
