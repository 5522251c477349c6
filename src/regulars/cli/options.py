"""Options that several commands share, and how their values are read."""

import datetime as dt
import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import click

from regulars.core.errors import InputError
from regulars.core.i18n import gettext as _
from regulars.core.money import check_currency


class Day(click.ParamType[dt.date]):
    """A day written as 2026-03-31 or 31.03.2026."""

    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The day, or a usage error that names the two forms."""
        if isinstance(value, dt.date):
            return value
        for form in ("%Y-%m-%d", "%d.%m.%Y"):
            with suppress(ValueError):
                return dt.datetime.strptime(str(value), form).date()
        message = _("{value!r} is not a day. Write it as 2026-03-31 or 31.03.2026.").format(value=value)
        raise click.BadParameter(message, ctx, param)


class Share(click.ParamType[float]):
    """A share written as 0.3, 0,3 or 30%."""

    name = "SHARE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A number from 0 to 1, or a usage error."""
        if isinstance(value, float):
            return value
        text = str(value).replace(",", ".").strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 < share <= 1:
            self.fail(_("{value!r} is not a share. Write it as 0.3 or 30%.").format(value=value), param, ctx)
        return share


class Amount(click.ParamType[Decimal]):
    """An amount of money above zero, in currency units: 1500, 1 500,50."""

    name = "AMOUNT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The amount, or a usage error."""
        if isinstance(value, Decimal):
            return value
        text = re.sub(r"\s", "", str(value)).replace(",", ".")
        if not re.fullmatch(r"\d{1,12}(\.\d{1,4})?", text) or not Decimal(text):
            self.fail(_("{value!r} is not an amount. Write it as 1500 or 1500.50.").format(value=value), param, ctx)
        return Decimal(text)


class Currency(click.ParamType[str]):
    """An ISO 4217 code."""

    name = "CODE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The code in capitals, or a usage error."""
        try:
            return check_currency(str(value))
        except InputError as error:
            raise click.BadParameter(str(error), ctx, param) from error


class Memory(click.ParamType[str]):
    """An amount of memory such as 4GB or 512MB."""

    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The amount as the engine writes it, or a usage error."""
        if not re.fullmatch(r"[1-9]\d*(\.\d+)? ?(MB|GB|TB|MiB|GiB|TiB)", str(value), re.IGNORECASE):
            self.fail(
                _("{value!r} is not an amount of memory. Write it as 4GB or 512MB.").format(value=value), param, ctx
            )
        return str(value)


def mapping_of(pairs: Sequence[str]) -> dict[str, str]:
    """`role=heading` pairs as a dictionary; `InputError` for a pair without `=` or a role given twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        role, equals, heading = pair.partition("=")
        role = role.strip()
        if not equals or not role or not heading.strip():
            raise InputError(
                _('--map {pair!r} is not understood. Write it as --map customer_id="heading of the column".').format(
                    pair=pair
                )
            )
        if role in found:
            raise InputError(_("--map names {role} twice.").format(role=role))
        found[role] = heading.strip()
    return found


def reading_options() -> list[click.Parameter]:
    """What every command that reads files understands."""
    return [
        click.Option(
            ["--map", "mapping"],
            multiple=True,
            metavar="ROLE=HEADING",
            help=_('Name a column yourself, such as --map customer_id="Loyalty card". May be repeated.'),
        ),
        region_option(),
        language_option(),
    ]


def region_option() -> click.Option:
    """The country of telephone numbers."""
    return click.Option(
        ["--region"],
        default="RU",
        show_default=True,
        metavar="CC",
        help=_("Country of phone numbers written without a country code."),
    )


def language_option() -> click.Option:
    """The language of the report and of the messages."""
    return click.Option(
        ["--lang"],
        type=click.Choice(["ru", "en"]),
        help=_("Language of the report and of all messages. Default: the terminal's."),
    )
