"""`regulars audit FILES...`: a purchase file in, an honest picture of the customer base out."""

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regulars.cli.console import out, progress_bar, say
from regulars.cli.help import Command
from regulars.cli.options import Amount, Currency, Day, Memory, Share, mapping_of, reading_options
from regulars.core.i18n import current_language, format_date, ngettext
from regulars.core.i18n import gettext as _
from regulars.core.money import to_minor
from regulars.core.progress import Progress

if TYPE_CHECKING:
    from regulars.analytics.audit import Audit
    from regulars.analytics.opportunities import Budget
    from regulars.analytics.purchases import History

STANDARD_OUTPUT = "-"
IN_FOLDER = ""  # the value of --xlsx when no path follows


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "audit",
        callback=_audit,
        help=_(
            "Read purchases and write a report: how many customers there are, who is active, slipping and lost, "
            "what was lost last year in money, who never came back, what a customer is worth, and what to do first.\n\n"
            "FILES are CSV, Excel, ODS or Parquet files, folders or patterns. Without --out, a dated folder is made."
        ),
        params=[
            click.Argument(["files"], nargs=-1),
            click.Option(["--out"], metavar="REPORT.html", help=_("Write the report here.")),
            click.Option(["--json", "json_to"], metavar="AUDIT.json", help=_("Write all numbers here; - prints them.")),
            click.Option(
                ["--customers-out"],
                metavar="CUSTOMERS.parquet",
                help=_("Write one row per customer here (.parquet or .csv)."),
            ),
            click.Option(
                ["--xlsx"],
                is_flag=False,
                flag_value=IN_FOLDER,
                metavar="[BOOK.xlsx]",
                help=_("Write the lists of people for Excel, beside the report or to the path that follows."),
            ),
            click.Option(["--as-of"], type=Day(), help=_("The day of the audit. Default: the last day in the data.")),
            click.Option(["--currency"], type=Currency(), help=_("Currency of the amounts, such as RUB.")),
            click.Option(
                ["--attributes"],
                metavar="CUSTOMERS.csv",
                help=_("What else is known of customers: a table with any columns (CSV, Excel, ODS, Parquet)."),
            ),
            click.Option(["--attributes-key"], metavar="HEADING", help=_("The column of customers in that table.")),
            click.Option(["--margin"], type=Share(), help=_("Share of margin, such as 30%, when cost is unknown.")),
            click.Option(
                ["--budget"], type=Amount(), help=_("What may be spent on contacting customers; with --contact-cost.")
            ),
            click.Option(["--contact-cost"], type=Amount(), help=_("What contacting one customer costs.")),
            click.Option(
                ["--memory-limit"],
                type=Memory(),
                default="4GB",
                show_default=True,
                help=_("Memory for the engine; above it, it works on disk."),
            ),
            click.Option(
                ["--engine"],
                metavar="ADDRESS",
                help=_("Compute on a Spark cluster: spark://host:7077, or sc://host:15002 for Spark Connect."),
            ),
            click.Option(
                ["--shared"],
                metavar="FOLDER",
                help=_("A folder that every machine of the cluster sees; purchases are handed over through it."),
            ),
            click.Option(
                ["--accept-rejects"], is_flag=True, help=_("Go on when more than 5 % of the rows are broken.")
            ),
            click.Option(["--schema"], is_flag=True, help=_("Print the schema of audit.json and leave.")),
            *reading_options(),
        ],
    )


@dataclass(frozen=True)
class Targets:
    """Where each result goes; None: not wanted."""

    folder: Path | None  # made by us
    html: Path | None
    json: Path | str | None
    customers: Path | None
    xlsx: Path | None
    rejects: Path

    @property
    def written(self) -> list[Path]:
        return [path for path in (self.html, self.json, self.customers, self.xlsx) if isinstance(path, Path)]


def _audit(
    files: tuple[str, ...],
    out: str | None,
    json_to: str | None,
    customers_out: str | None,
    xlsx: str | None,
    schema: bool,
    **options: Any,
) -> None:
    if schema:
        from regulars.report import json_schema

        click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
        return
    if xlsx and (not xlsx.lower().endswith(".xlsx") or not files):
        # `--xlsx sales.csv`: what follows is an input, not the workbook to write
        files, xlsx = (*files, xlsx), IN_FOLDER
    if not files:
        raise click.UsageError(_("Name the files to read: regulars audit sales.xlsx"))
    _run(files, _targets(out, json_to, customers_out, xlsx), **options)


def _targets(out: str | None, json_to: str | None, customers_out: str | None, xlsx: str | None) -> Targets:
    folder = None if out else _new_folder()
    html = Path(out) if out else folder / "report.html"  # type: ignore[operator]
    book = None if xlsx is None else Path(xlsx) if xlsx else html.with_name(f"{html.stem}.xlsx")
    return Targets(
        folder=folder,
        html=html,
        json=STANDARD_OUTPUT if json_to == STANDARD_OUTPUT else _path(json_to) or (folder and folder / "audit.json"),
        customers=_path(customers_out) or (folder and folder / "customers.parquet"),
        xlsx=book,
        rejects=html.with_name("rejects.csv" if folder else f"{html.stem}-rejects.csv"),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _new_folder() -> Path:
    """A folder of today that does not exist yet; it is made when there is something to put there."""
    name = f"regulars-{dt.datetime.now().astimezone():%Y-%m-%d}"
    folder, number = Path(name), 1
    while folder.exists():
        number += 1
        folder = Path(f"{name}-{number}")
    return folder


def _run(
    files: tuple[str, ...],
    targets: Targets,
    *,
    as_of: dt.date | None,
    attributes: str | None,
    attributes_key: str | None,
    margin: float | None,
    budget: Decimal | None,
    contact_cost: Decimal | None,
    engine: str | None,
    shared: str | None,
    lang: str | None,
    **reading: Any,
) -> None:
    from regulars.analytics.audit import audit
    from regulars.cli.results import print_headlines, print_reading, write_all
    from regulars.ingest import read_attributes

    _refuse_to_overwrite_input((*files, attributes) if attributes else files, targets)
    if (budget is None) != (contact_cost is None):
        raise click.UsageError(_("--budget and --contact-cost go together: what may be spent, and what one costs."))
    if shared and engine is None:
        raise click.UsageError(_("--shared is for a cluster: name it with --engine."))
    with progress_bar() as bar:
        place = None if engine is None else Place(engine, Path(shared) if shared else None)
        history = _history(files, place, targets.rejects, bar, **reading)
        given = attributes and read_attributes(
            attributes, history.lines, key=attributes_key, region=reading["region"], progress=bar
        )
        day = as_of or history.last_day
        spend = _budget(budget, contact_cost, history.currency)
        result = audit(history, as_of=day, margin_share=margin, budget=spend, attributes=given or None, progress=bar)
        _refuse_too_little(history, result)
        bar.step(_("Writing"), None, None)
        write_all(result, targets, language=lang or current_language())
    print_reading(result)
    for note in given.notes if given else ():
        say(note)
    if as_of is None:
        say(_("As of {day}, the last day in the data. Another day: --as-of.").format(day=format_date(day)))
    quiet = targets.json == STANDARD_OUTPUT
    print_headlines(result, to_stderr=quiet)
    count = len(targets.written)
    say(ngettext("{count} file written:", "{count} files written:", count).format(count=count))
    for path in targets.written:
        (say if quiet else out.print)(str(path))


@dataclass(frozen=True)
class Place:
    """Where to compute when not here: the address of a cluster, and a folder that all its machines see."""

    address: str
    shared: Path | None


def _history(
    files: tuple[str, ...],
    place: Place | None,
    rejects: Path,
    progress: Progress,
    *,
    currency: str | None,
    mapping: tuple[str, ...],
    **reading: Any,
) -> "History":
    """The purchases, on the engine of choice."""
    from regulars.analytics.engines import connect_engine
    from regulars.ingest import read_purchases
    from regulars.ingest.hand_over import hand_over, is_address, read_there

    stored = [file for file in files if is_address(file)]
    if stored and (place is None or len(files) > 1):
        raise click.UsageError(
            _("{file} is in the storage of a cluster: name it alone, with --engine.").format(file=stored[0])
        )
    if stored and place is not None:
        if currency is None:
            raise click.UsageError(_("Name the currency of {file}: --currency.").format(file=stored[0]))
        progress.step(_("Connecting to {address}").format(address=place.address), None, None)
        return read_there(
            connect_engine(place.address),
            stored[0],
            mapping=mapping_of(mapping),
            currency=currency,
            accept_rejects=reading["accept_rejects"],
        )
    # an address that does not answer is told before the files are read
    engine = None if place is None else connect_engine(place.address)
    found = read_purchases(
        *files, mapping=mapping_of(mapping), currency=currency, rejects_to=rejects, progress=progress, **reading
    )
    return found if engine is None or place is None else hand_over(found, engine, place.shared)


def _budget(amount: Decimal | None, contact_cost: Decimal | None, currency: str) -> "Budget | None":
    from regulars.analytics.opportunities import Budget

    if amount is None or contact_cost is None:
        return None
    return Budget(to_minor(amount, currency), max(to_minor(contact_cost, currency), 1))


def _refuse_too_little(history: "History", result: "Audit") -> None:
    """One customer or one day is a wrong column or a wrong export: a report on it would only mislead."""
    from regulars.core.errors import NotEnoughData

    if result.base.customers == 1:
        (customer,) = result.customers.customer_id.to_pyarrow().to_pylist()
        raise NotEnoughData(
            _(
                "All purchases belong to one customer, {customer}: there is nobody to compare with. "
                'If another column tells customers apart, name it: --map customer_id="heading of the column".'
            ).format(customer=customer)
        )
    if result.first_day == history.last_day:
        raise NotEnoughData(
            _(
                "All purchases are of one day, {day}: it cannot show who comes back and who does not. "
                "Export a longer period. If another column holds the dates, name it: "
                '--map purchased_at="heading of the column".'
            ).format(day=format_date(result.first_day))
        )


def _refuse_to_overwrite_input(files: tuple[str, ...], targets: Targets) -> None:
    from regulars.core.errors import InputError

    inputs = {Path(file).resolve() for file in files if Path(file).is_file()}
    for path in targets.written:
        if path.resolve() in inputs:
            raise InputError(
                _("{path} is an input file: it would be overwritten. Name another file.").format(path=path)
            )
