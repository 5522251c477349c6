"""`regulars ledger`: recompute the ledger of points, and what the programme owed at any moment."""

import datetime as dt

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import fail, out
from regulars.cli.help import Command, Group
from regulars.cli.options import language_option
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _

FAULTY = 1


def command() -> click.Command:
    """The commands with their help in the current language."""
    group = Group("ledger", help=_("The ledger of points: is it sound, and what does the programme owe."))
    group.add_command(
        Command(
            "verify", callback=_verify, params=[language_option()],
            help=_("Recompute every balance, sum and hash, and name the first fault of each kind."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "position",
            callback=_position,
            help=_("What became of all points, up to now or up to the end of a day."),
            params=[
                click.Option(
                    ["--on"], type=click.DateTime(["%Y-%m-%d"]), help=_("The day, by the clock of the business.")
                ),
                language_option(),
            ],
        )
    )
    return group


def _verify(lang: str | None) -> int:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.loyalty import verifying

        count, found = verifying.entries(), verifying.faults()
    for fault in found:
        fail(str(fault))
    if found:
        return FAULTY
    told = ngettext(
        "{count} posting: every sum and every hash agrees.",
        "{count} postings: every sum and every hash agrees.",
        count,
    )
    out.print(Text(told.format(count=format_number(count))))
    return 0


def _position(on: dt.datetime | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.foundation.models import Business
        from regulars.loyalty.balances import position
        from regulars.loyalty.models import Unit

        zone = Business.current().zone
        at = dt.datetime.now(tz=zone) if on is None else (on + dt.timedelta(days=1)).replace(tzinfo=zone)
        table = Table(box=None)
        for title in (
            _("Unit"), _("Issued"), _("Can be spent"), _("Pending"), _("Past their day"), _("Owed by members"),
            _("Redeemed"), _("Expired"), _("Taken back"),
        ):  # fmt: skip
            table.add_column(title, justify="left" if not table.columns else "right")
        for unit in Unit.objects.order_by("slug"):
            found = position(unit, at=at)
            owed = found.outstanding
            figures = (
                found.issued, owed.available, owed.pending, owed.expiring, owed.debt,
                found.redeemed, found.expired, found.taken_back,
            )  # fmt: skip
            table.add_row(str(unit), *map(format_number, figures))
    out.print(table)
