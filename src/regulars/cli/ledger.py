"""`regulars ledger`: recompute the ledger of points, and what the programme owed at any moment."""

import datetime as dt

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import fail, out
from regulars.cli.help import Command, Group
from regulars.cli.options import Day, language_option
from regulars.core.errors import InputError
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
                click.Option(["--on"], type=Day(), help=_("The day, by the clock of the business.")),
                language_option(),
            ],
        )
    )
    group.add_command(
        Command(
            "balance",
            callback=_balance,
            help=_("What a member has, now or at the end of a day."),
            params=[
                click.Argument(["card"]),
                click.Option(["--on"], type=Day(), help=_("The day, by the clock of the business.")),
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


def _position(on: dt.date | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.foundation.days import end_of_day
        from regulars.loyalty.balances import position
        from regulars.loyalty.models import Unit

        at = end_of_day(on)
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


def _balance(card: str, on: dt.date | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from regulars.foundation.days import end_of_day
        from regulars.loyalty.balances import balance_of, held_of
        from regulars.loyalty.members import who_has
        from regulars.loyalty.models import Account, Unit

        at = end_of_day(on)
        customer = who_has(card=card)
        accounts = Account.objects.filter(customer=customer) if customer else Account.objects.none()
        units = Unit.objects.filter(pk__in=accounts.values("unit")).order_by("slug")
        if customer is None or not units:
            raise InputError(_("No member has the card {card}.").format(card=card))
        titles = _("Unit"), _("Can be spent"), _("Held"), _("Pending"), _("Past their day"), _("Owes")
        table = Table(box=None)
        for title in titles:
            table.add_column(title, justify="left" if not table.columns else "right")
        for unit in units:
            has, held = balance_of(customer.pk, unit, at=at), held_of(customer.pk, unit, at=at)
            figures = has.available - held, held, has.pending, has.expiring, has.debt
            table.add_row(Text(str(unit)), *map(format_number, figures))
    out.print(table)
