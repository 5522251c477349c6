"""Writing and printing what an audit found."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from regulars.analytics.audit import Audit
from regulars.cli.console import err, out, say
from regulars.core.errors import OutputError
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _
from regulars.ingest import describe_notice
from regulars.report import headlines, write_customers, write_html, write_json, write_xlsx
from regulars.report.atomic import together

if TYPE_CHECKING:
    from regulars.cli.audit import Targets


def write_all(result: Audit, targets: "Targets", *, language: str) -> None:
    """Write every wanted file: all of them, or none when one cannot be written."""
    made: list[Path] = []
    try:
        for path in targets.written:
            made += _make_folder(path.parent)
        with together():
            _write_each(result, targets, language)
        if isinstance(targets.json, str):  # the last: its reader may go away, and what was printed cannot be taken back
            write_json(result, sys.stdout)
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):  # it holds something, such as the list of rejected rows
                folder.rmdir()
        raise


def _make_folder(folder: Path) -> list[Path]:
    """Make the folder; returns what had to be made, the outermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            _("The folder {folder} cannot be made: {error}.").format(folder=folder, error=error.strerror)
        ) from error
    return missing[::-1]


def _write_each(result: Audit, targets: "Targets", language: str) -> None:
    if targets.html:
        write_html(result, targets.html, language=language)
    if targets.customers:
        write_customers(result, targets.customers)
    if targets.xlsx:
        write_xlsx(result, targets.xlsx, language=language)
    if isinstance(targets.json, Path):
        write_json(result, targets.json)


def print_reading(result: Audit) -> None:
    """How many rows were read, where the rejected ones are, and what was noticed about the others."""
    reading = result.reading
    say(
        ngettext(
            "{count} row read, {rejected} rejected.", "{count} rows read, {rejected} rejected.", reading.rows_read
        ).format(count=format_number(reading.rows_read), rejected=format_number(reading.rows_rejected))
    )
    if reading.rejects_file:
        say(_("Rejected rows and their reasons: {path}").format(path=reading.rejects_file))
    for notice in reading.notices:
        say(f"  {describe_notice(notice)}")


def print_headlines(result: Audit, *, to_stderr: bool) -> None:
    """The numbers an owner asks for first."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for line in headlines(result):
        value = Text(line.value, style="bold")
        if line.interval:
            value.append(f"\n{line.interval}", style="not bold dim")
        table.add_row(Text(line.label), value, Text(line.rule, style="dim"))
    (err if to_stderr else out).print(table)
