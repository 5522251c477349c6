"""`regulars demo`: the audit of a real supermarket, in Russian and in English."""

from pathlib import Path

import click

from regulars.cli.console import out, progress_bar, say
from regulars.cli.help import Command
from regulars.cli.options import language_option
from regulars.core.i18n import LANGUAGES, current_language, use_language
from regulars.core.i18n import gettext as _


def command() -> click.Command:
    """The command with its help in the current language."""
    return Command(
        "demo",
        callback=_demo,
        help=_("Audit a real supermarket: 1.5 million lines, 2,469 households. Writes both languages to ./demo."),
        params=[
            click.Option(["--to"], default="demo", show_default=True, help=_("The folder to write to.")),
            click.Option(["--serve"], is_flag=True, help=_("Then show it in the application, on this machine alone.")),
            language_option(),
        ],
    )


def _demo(to: str, serve: bool, lang: str | None) -> None:
    folder = Path(to)
    if not serve or not (folder / "audit.json").exists():
        _report(folder, lang)
    if serve:
        from regulars.cli.serve import serve_demonstration

        serve_demonstration(folder, lang or current_language())


def _report(folder: Path, lang: str | None) -> None:
    from regulars.analytics.audit import audit
    from regulars.cli.results import print_headlines
    from regulars.demo.supermarket import write_supermarket
    from regulars.ingest import read_purchases
    from regulars.report import write_customers, write_html, write_json, write_xlsx

    folder.mkdir(parents=True, exist_ok=True)
    with progress_bar() as bar:
        bar.step(_("The supermarket's history"), None, None)
        source = write_supermarket(folder / "supermarket.parquet")
        history = read_purchases(source, currency="USD", progress=bar)
        written = []
        for language in LANGUAGES:
            # the reasons why something is left out are sentences too, so each language has its own run
            with use_language(language):
                result = audit(history, as_of=history.last_day, progress=bar)
            written.append(folder / f"report.{language}.html")
            write_html(result, written[-1], language=language)
        write_json(result, folder / "audit.json")
        write_customers(result, folder / "customers.parquet")
        with use_language(lang or current_language()):
            write_xlsx(result, folder / "customers.xlsx", language=current_language())
    print_headlines(result, to_stderr=False)
    say(_("Open in a browser:"))
    for path in written:
        out.print(str(path.resolve()))
    say(
        _("All numbers: {json}. One row per customer: {customers}, for Excel: {book}.").format(
            json=folder / "audit.json", customers=folder / "customers.parquet", book=folder / "customers.xlsx"
        )
    )
