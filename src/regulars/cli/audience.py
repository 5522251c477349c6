"""`regulars audience CUSTOMERS.parquet --list ... --for ...`: a list of people for an advertising system, hashed."""

from pathlib import Path
from typing import Any

import click

from regulars.cli.console import out, progress_bar, say
from regulars.cli.help import Command
from regulars.cli.options import language_option, region_option
from regulars.core.i18n import format_number, ngettext
from regulars.core.i18n import gettext as _

SYSTEMS = ("google", "meta", "yandex", "vk")


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "audience",
        callback=_audience,
        help=_(
            "Write a list of customers for an advertising system: phones and e-mails as SHA-256 hashes, never as they "
            "are.\n\nCUSTOMERS is the customers.parquet of an audit. Only people who agreed to it may be on the list."
        ),
        params=[
            click.Argument(["customers"]),
            click.Option(
                ["--list", "list_id"],
                required=True,
                metavar="LIST",
                help=_("Whom: abc:A, state:slipping, rfm:champions, opportunity:win_back_lost, finding:profile:alike."),
            ),
            click.Option(["--for", "system"], type=click.Choice(SYSTEMS), required=True, help=_("For which system.")),
            click.Option(["--out", "to"], required=True, metavar="AUDIENCE.csv", help=_("Write the hashes here.")),
            click.Option(
                ["--attributes"],
                metavar="CUSTOMERS.csv",
                help=_("A table with phones and e-mails, where the customer numbers are neither."),
            ),
            click.Option(["--attributes-key"], metavar="HEADING", help=_("The column of customers in that table.")),
            region_option(),
            language_option(),
        ],
    )


def _audience(
    customers: str,
    list_id: str,
    system: str,
    to: str,
    *,
    attributes: str | None,
    attributes_key: str | None,
    region: str,
    lang: str | None,
) -> None:
    from regulars.ingest import read_attributes
    from regulars.report.audience import open_customers, people_on, write_audience

    with progress_bar() as bar:
        bar.step(_("Audience"), None, None)
        table = open_customers(customers)
        people = people_on(table, list_id)
        given = (
            read_attributes(attributes, table, key=attributes_key, region=region, progress=bar) if attributes else None
        )
        written = write_audience(people, system, Path(to), attributes=given, region=region)
    _tell(written)


def _tell(written: Any) -> None:
    say(
        ngettext(
            "{n} customer on the list: {phones} phones, {emails} e-mails; {without} without a contact.",
            "{n} customers on the list: {phones} phones, {emails} e-mails; {without} without a contact.",
            written.customers,
        ).format(
            n=format_number(written.customers),
            phones=format_number(written.phones),
            emails=format_number(written.emails),
            without=format_number(written.without_contact),
        )
    )
    if written.unreadable:
        say(_("Contacts that are no valid phone or address: {n}.").format(n=format_number(written.unreadable)))
    for path in written.files:
        out.print(str(path))
