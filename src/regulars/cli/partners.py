"""`regulars partners`: how it stands with the partners of the coalition, closing days, and statements."""

import datetime as dt

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import out
from regulars.cli.help import Command, Group
from regulars.cli.options import Day, language_option
from regulars.core.i18n import format_date, format_number
from regulars.core.i18n import gettext as _
from regulars.core.money import format_money


def command() -> click.Command:
    """The commands with their help in the current language."""
    group = Group("partners", help=_("The coalition: what partners and you owe each other for points."))
    group.add_command(
        Command(
            "list", callback=_list, params=[language_option()],
            help=_("All partners with what they owe; below zero they are owed."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "close", callback=_close, params=[language_option()],
            help=_("Close the days that are over. It is done by itself every hour."),
        )
    )  # fmt: skip
    group.add_command(
        Command(
            "statement", callback=_statement, help=_("Make the next statement of a partner, of closed days."),
            params=[
                click.Argument(["partner"]),
                click.Option(["--through"], type=Day(), help=_("Its last day; the last closed one when left out.")),
                language_option(),
            ],
        )
    )  # fmt: skip
    return group


def _list(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from django.utils import timezone

        from regulars.foundation.models import Business
        from regulars.loyalty.models import Partner
        from regulars.loyalty.settling import standings

        currency, standing = Business.current().currency, standings(at=timezone.now())
        rows = [(one.slug, one.name, standing[one.pk]) for one in Partner.objects.order_by("slug")]
        rows.append(("", _("You"), standing[None]))
    table = Table(_("Short name"), _("Partner"), _("This month"), _("Waits to be settled"))
    for slug, name, owed in rows:
        sums = (format_money(one, currency, exact=True) for one in (owed.settled, owed.waiting))
        table.add_row(*map(Text, (slug, name, *sums)))
    out.print(table)


def _close(lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from django.utils import timezone

        from regulars.loyalty.settling import close_days

        closed = close_days(at=timezone.now())
    for day in closed:
        out.print(Text(_("Closed: {day}").format(day=format_date(day))))
    if not closed:
        out.print(Text(_("No day was open that is over.")))


def _statement(partner: str, through: dt.date | None, lang: str | None) -> None:
    from regulars.server.application import application
    from regulars.server.config import load

    with application(load()):
        from django.utils import timezone

        from regulars.foundation.models import Business
        from regulars.loyalty.partners import partner_named
        from regulars.loyalty.settling import last_closed, make_statement, read_lines

        now, business = timezone.now(), Business.current()
        last = through or last_closed() or now.astimezone(business.zone).date()
        made = make_statement(partner_named(partner), last=last, by=None, at=now)
        lines = read_lines(made)
    table = Table(_("What"), _("Receipts and returns"), _("Points"), _("Sum"))
    for one in lines:
        money = format_money(one.amount, business.currency, exact=True)
        table.add_row(one.title, format_number(one.count), format_number(one.points), money)
    out.print(
        Text(
            _("Statement No. {number}, {first} – {last}: {money}").format(
                number=made.number, first=format_date(made.first), last=format_date(made.last),
                money=format_money(made.amount, business.currency, exact=True),
            )
        )
    )  # fmt: skip
    out.print(table)
