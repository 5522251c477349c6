"""`regulars import FILE...` and `regulars warehouse`: the application's data from the terminal."""

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from regulars.cli.console import fail, out, progress_bar, say
from regulars.cli.help import Command, Group
from regulars.cli.options import language_option, mapping_of
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _


def commands() -> list[click.Command]:
    """The commands with their help in the current language."""
    return [_import_command(), _warehouse_group()]


def _import_command() -> click.Command:
    return Command(
        "import",
        callback=_import,
        help=_(
            "Bring files into the base of the application: purchases, lists of customers, CommerceML, fiscal receipts."
        ),
        params=[
            click.Argument(["files"], nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False)),
            click.Option(
                ["--map", "mapping"], multiple=True, metavar='ROLE="HEADING"',
                help=_("Say which column plays a role; may be given several times."),
            ),
            click.Option(
                ["--accept-rejects"], is_flag=True, help=_("Go on even if more than 5 % of the rows cannot be used.")
            ),
            language_option(),
        ],
    )  # fmt: skip


def _import(files: tuple[str, ...], mapping: tuple[str, ...], accept_rejects: bool, lang: str | None) -> int:
    from regulars.server.application import application
    from regulars.server.config import load

    failed = False
    with application(load()):
        from regulars.purchases.importing.kinds import guess_kind
        from regulars.purchases.importing.runs import Wishes, import_now, refuse_without_business

        refuse_without_business()
        chosen = mapping_of(mapping)
        for file in map(Path, files):
            kind = guess_kind(file, file.name)
            # several columns of a list may be phones, so there the heading comes first
            roles = {heading: role for role, heading in chosen.items()} if kind == "customers" else chosen
            wishes = Wishes(mapping=roles, accept_rejects=accept_rejects)
            with progress_bar() as bar:
                done = import_now(file, kind=kind, wishes=wishes, progress=bar)
            failed |= done.state != "done"
            _print(done)
    return 2 if failed else 0


def _print(done: Any) -> None:
    if done.state != "done":
        fail(f"{done.file_name}: {done.error}")
        return
    result = done.result
    if result.get("receipts_known") and not result.get("receipts"):
        out.print(Text(_("{file}: everything was there already, nothing was changed.").format(file=done.file_name)))
        return
    parts = [
        sentence.format(count=format_number(result[name]))
        for name, sentence in (
            ("receipts", ngettext("{count} new receipt", "{count} new receipts", result.get("receipts") or 0)),
            ("customers", ngettext("{count} new customer", "{count} new customers", result.get("customers") or 0)),
            ("products", ngettext("{count} new product", "{count} new products", result.get("products") or 0)),
        )
        if result.get(name) is not None
    ]
    out.print(Text(f"{done.file_name}: {', '.join(parts)}"))
    if result.get("rows_rejected"):
        say(
            ngettext(
                "{count} row was left out; the page of the import lists it.",
                "{count} rows were left out; the page of the import lists them.",
                result["rows_rejected"],
            ).format(count=format_number(result["rows_rejected"]))
        )


def _warehouse_group() -> click.Group:
    group = Group("warehouse", help=_("The columnar copy of the purchases that the analyses read."))
    group.add_command(
        Command("rebuild", callback=_rebuild, help=_("Write the whole copy anew."), params=[language_option()])
    )
    group.add_command(
        Command("refresh", callback=_refresh, help=_("Write the months that were changed."), params=[language_option()])
    )
    return group


def _rebuild(lang: str | None) -> None:
    _write_copy("rebuild")


def _refresh(lang: str | None) -> None:
    _write_copy("refresh")


def _write_copy(how: str) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()), progress_bar() as bar:
        from regulars.insights import warehouse

        done = getattr(warehouse, how)(progress=bar)
    out.print(
        Text(
            _("Months written: {months}. Lines in the copy: {lines}.").format(
                months=format_number(done.months), lines=format_number(done.lines)
            )
        )
    )
