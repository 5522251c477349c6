"""All that is known of one person as a page that he can read, into which each package puts what it knows.

The page goes out piece by piece, so it costs the same memory for any history. Packages above this one register theirs
in `AppConfig.ready`, as they do with the timeline.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from regulars.core.i18n import current_language
from regulars.core.i18n import gettext as _

Cells = Sequence[str]

_STYLE = """:root{color-scheme:light dark;font:16px/1.45 system-ui,sans-serif}
body{max-width:72rem;margin:0 auto;padding:1rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-size:.94rem}th,td{text-align:left;vertical-align:top;padding:.35rem .8rem
.35rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent);white-space:pre-line;
overflow-wrap:anywhere}.list td{min-width:7rem}th{font-weight:600;white-space:nowrap}.facts{table-layout:fixed}
.facts th{width:14rem;font-weight:400;opacity:.75;white-space:normal}
@media(max-width:44rem){.facts th{width:8.5rem}.list thead{display:none}
.list tr{display:block;padding:.5rem 0;border-bottom:1px solid color-mix(in srgb,currentColor 18%,transparent)}
.list td{display:block;border:0;padding:.1rem 0}.list td:empty{display:none}
.list td::before{content:attr(data-label) ": ";opacity:.7}}"""


@dataclass(frozen=True)
class Section:
    """One table of the page. Without `columns` each row is a label and a value."""

    title: str  # marked with N_
    tables: tuple[str, ...]  # what it tells of, as data.json calls it
    rows: Callable[[Sequence[int]], Iterable[Cells]]  # of the customers with these ids, as a person reads them
    columns: tuple[str, ...] = ()  # marked with N_


_sections: dict[str, Section] = {}


def register(*sections: Section) -> None:
    """Let the page tell this too."""
    for one in sections:
        _sections[one.title] = one


def sections() -> list[Section]:
    """All of them, in the order in which they were registered; the long history of changes at the end."""
    return sorted(_sections.values(), key=lambda one: "change" in one.tables)


def page(name: str, ids: Sequence[int]) -> Iterator[str]:
    """The page, piece by piece; a section that knows nothing of him is left out."""
    title = escape(_("All that is known of {name}").format(name=name))
    yield f'<!doctype html>\n<html lang="{current_language()}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{title}</title><style>{_STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    for one in sections():
        yield from _table(one, ids)
    yield "</body></html>\n"


def _table(section: Section, ids: Sequence[int]) -> Iterator[str]:
    titles = [_(one) for one in section.columns]
    begun = False
    for row in section.rows(ids):
        if not begun:
            begun = True
            yield _head(_(section.title), titles)
        yield _row(row, titles)
    if begun:
        yield "</tbody></table>\n"


def _head(title: str, columns: Cells) -> str:
    if not columns:
        return Markup('<h2>{}</h2>\n<table class="facts"><tbody>\n').format(title)
    cells = Markup("").join(Markup('<th scope="col">{}</th>').format(one) for one in columns)
    return Markup('<h2>{}</h2>\n<table class="list"><thead><tr>{}</tr></thead><tbody>\n').format(title, cells)


def _row(cells: Cells, columns: Cells) -> str:
    if not columns:
        return Markup('<tr><th scope="row">{}</th><td>{}</td></tr>\n').format(*cells)
    told = Markup("").join(
        Markup('<td data-label="{}">{}</td>').format(label, cell) for label, cell in zip(columns, cells, strict=True)
    )
    return Markup("<tr>{}</tr>\n").format(told)
