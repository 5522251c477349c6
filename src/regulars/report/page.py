"""The page: one HTML file that needs nothing else, for a screen, a phone and paper."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from regulars.analytics.audit import Audit
from regulars.core import i18n
from regulars.core.i18n import current_language, use_language
from regulars.core.i18n import gettext as _
from regulars.report import words
from regulars.report.atomic import replacing
from regulars.report.blocks import Bars, Chapter, Stripe
from regulars.report.chapters import (
    demand,
    first,
    have,
    lifecycle,
    lost,
    methods,
    needs,
    newcomers,
    prices,
    profile,
    raise_check,
    reading,
    revenue_change,
    service,
    shelf,
    spend,
    who,
    why,
    worth,
)
from regulars.report.chapters.common import Context
from regulars.report.headlines import Headline, headlines

# the order of an owner's questions, not of the methods
_PARTS = (
    ("customers", (have, who, profile, worth, spend)),
    ("leaving", (lifecycle, lost, newcomers, why, revenue_change)),
    ("needs", (needs, shelf, demand)),
    ("service", (service, prices)),
    ("monday", (first, raise_check)),
    ("made", (reading, methods)),
)

# headlines that have a drawing of their own on the first page
_DRAWN = ("states", "revenue_change", "opportunity:")


def write_html(audit: Audit, path: Path | str, *, language: str | None = None) -> None:
    """Write the audit as one HTML file in `language` (`ru` or `en`; the current one unless given).

    The file loads nothing from anywhere, so it can be mailed, printed and opened from a disk. Raises
    `OutputError` when it cannot be written; then an older file under that name is left as it was.
    """
    with use_language(language or current_language()):
        page = render_page(audit)
        with replacing(Path(path)) as temporary:
            temporary.write_text(page, encoding="utf-8")


def render_page(audit: Audit) -> str:
    """The page in the current language."""
    context = Context.of(audit)
    return (
        _environment()
        .get_template("page.html")
        .render(
            language=current_language(),
            style=_style(),
            title=_("Audit of the customer base"),
            period=words.period(audit.first_day, audit.as_of),
            source=_source(audit),
            tiles=tiles(audit),
            stripe=_stripe(context),
            change=change(context),
            opportunities=_opportunities(context),
            parts=parts(context),
        )
    )


@dataclass(frozen=True)
class Part:
    """A question of the owner, and the chapters that answer it."""

    id: str
    question: str
    chapters: tuple[Chapter, ...]


def parts(context: Context) -> list[Part]:
    """All questions with their chapters, in the current language."""
    titles = {
        "customers": _("Who are they?"),
        "leaving": _("Who is leaving, and why?"),
        "needs": _("What do they need next?"),
        "service": _("Who serves them well?"),
        "monday": _("What to do on Monday?"),
        "made": _("How was this made?"),
    }
    return [
        Part(f"part-{name}", titles[name], tuple(module.chapter(context) for module in modules))
        for name, modules in _PARTS
        if modules
    ]


def _source(audit: Audit) -> str:
    files = audit.reading.files
    if not files:
        return ""
    shown = words.name(Path(files[0]).name)
    return shown if len(files) == 1 else _("{file} and {n} more").format(file=shown, n=words.count(len(files) - 1))


def tiles(audit: Audit) -> list[Headline]:
    """The headlines that are a number of their own."""
    return [line for line in headlines(audit) if not line.id.startswith(_DRAWN)]


def _stripe(context: Context) -> Stripe:
    return lifecycle.stripe(context)


def change(context: Context) -> tuple[str, Bars | None]:
    """The sentence on revenue and its waterfall; the reason alone when there is none."""
    found = context.audit.revenue_change
    if found is None:
        return context.missing("revenue_change").reason, None
    return revenue_change.answer(context, found), revenue_change.waterfall(context, found)


def _opportunities(context: Context) -> Bars:
    return first.bars(context, with_people=False)


@cache
def _style() -> Markup:
    # our own file, and nothing of the user's is ever put into it
    return Markup((resources.files("regulars.report") / "page.css").read_text(encoding="utf-8"))  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("regulars.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # these look the language up at every call, so one environment serves both
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, i18n.ngettext, newstyle=True, pgettext=i18n.pgettext
    )
    return environment
