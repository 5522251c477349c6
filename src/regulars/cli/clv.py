"""`regulars clv FILE`: fit one customer model and print its parameters, for those who want to check."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from regulars.cli.console import out, progress_bar, say
from regulars.cli.help import Command
from regulars.cli.options import Day, mapping_of, reading_options
from regulars.core.i18n import format_date
from regulars.core.i18n import gettext as _

MODELS = ("bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k", "nbd", "gamma_gamma")
UNITS = {"day": 1.0, "week": 7.0}


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "clv",
        callback=_clv,
        help=_("Fit a customer model to purchases and print its parameters, standard errors and log-likelihood."),
        params=[
            click.Argument(["files"], nargs=-1, required=True),
            click.Option(["--model"], type=click.Choice(MODELS), default="mbg_nbd", show_default=True),
            click.Option(["--until"], type=Day(), help=_("Look at purchases up to this day. Default: the last one.")),
            click.Option(["--unit"], type=click.Choice(list(UNITS)), default="week", show_default=True),
            click.Option(["--json", "json_to"], metavar="FILE", help=_("Write the result as JSON; - prints it.")),
            *reading_options(),
        ],
    )


def _clv(
    files: tuple[str, ...],
    model: str,
    until: dt.date | None,
    unit: str,
    json_to: str | None,
    mapping: tuple[str, ...],
    region: str,
    lang: str | None,
) -> None:
    from regulars.analytics.fit_one import fit_one
    from regulars.ingest import read_purchases

    with progress_bar() as bar:
        history = read_purchases(*files, mapping=mapping_of(mapping), region=region, progress=bar)
        found = fit_one(history, model, until=until, unit_days=UNITS[unit])
    if until is None:
        say(_("Until {day}, the last day in the data.").format(day=format_date(found.until)))
    document = {
        "model": model,
        "until": found.until.isoformat(),
        "unit": unit,
        "customers": found.fit.customers,
        "parameters": found.fit.parameters,
        "standard_errors": found.fit.standard_errors,
        "log_likelihood": found.fit.log_likelihood,
    }
    if json_to is None:
        _print(document)
    elif json_to == "-":
        click.echo(_dumped(document))
    else:
        from regulars.report.atomic import replacing

        with replacing(Path(json_to)) as partial:
            partial.write_text(_dumped(document) + "\n", encoding="utf-8")


def _dumped(document: dict[str, Any]) -> str:
    """JSON has no nan: a standard error that cannot be told is null."""
    errors = {name: value if value == value else None for name, value in document["standard_errors"].items()}  # noqa: PLR0124
    return json.dumps({**document, "standard_errors": errors}, ensure_ascii=False, indent=2)


def _print(document: dict[str, Any]) -> None:
    table = Table()
    for heading in (_("Parameter"), _("Value"), _("Standard error")):
        table.add_column(heading, justify="left" if heading == _("Parameter") else "right")
    for name, value in document["parameters"].items():
        table.add_row(Text(name), f"{value:.4f}", f"{document['standard_errors'].get(name, float('nan')):.4f}")
    out.print(table)
    out.print(
        _("Log-likelihood {value:.2f}, customers {customers}, times in units of one {unit}.").format(
            value=document["log_likelihood"], customers=document["customers"], unit=document["unit"]
        )
    )
