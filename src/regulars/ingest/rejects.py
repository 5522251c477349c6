"""Rows that are no purchases: counted by reason, written to a file with the line and the cell that is to blame."""

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regulars.core.errors import OutputError, TooManyRejects
from regulars.core.i18n import format_number, format_percent, ngettext
from regulars.core.i18n import gettext as _
from regulars.ingest.convert import NOT_DATA, SEPARATOR
from regulars.ingest.dialect import cells_of
from regulars.ingest.engine import Engine, literal
from regulars.ingest.parts import Part
from regulars.ingest.quotes import original_line
from regulars.ingest.reasons import describe_reason

ACCEPTED_SHARE = 0.05

# rows that can be read and only lie ahead (bookings, orders) say nothing about the quality of the file
_HARMLESS = frozenset({"future_date"})

# no spreadsheet opens more; the counts by reason stay complete
MOST_LISTED = 1_000_000

_DATE_REASONS = frozenset({"no_date", "bad_date", "impossible_date", "future_date"})


@dataclass(frozen=True)
class Reject:
    """One row that cannot be used."""

    file: str
    line: int | None
    reason: str
    column: str
    value: str


@dataclass(frozen=True)
class Rejects:
    """All rejected rows of a reading: complete counts, and as many rows as fit a list."""

    by_reason: Counter[str]
    listed: tuple[Reject, ...]

    @property
    def total(self) -> int:
        """How many rows were rejected."""
        return sum(self.by_reason.values())

    def too_many(self, rows_read: int) -> bool:
        """Whether more rows are broken than may be lost without asking."""
        broken = sum(count for reason, count in self.by_reason.items() if reason not in _HARMLESS)
        return rows_read > 0 and broken > rows_read * ACCEPTED_SHARE


def collect(engine: Engine, parts: Sequence[Part], counts: Sequence[Counter[str]]) -> Rejects:
    """Gather the rejected rows of all parts; `counts` holds the rows of each part by reason."""
    by_reason: Counter[str] = Counter()
    listed: list[Reject] = []
    for part, counted in zip(parts, counts, strict=True):
        here = Counter({reason: rows for reason, rows in counted.items() if reason and reason not in NOT_DATA})
        by_reason.update(here)
        listed.extend(_broken(part))
        if here.keys() - {"wrong_cells"} and len(listed) < MOST_LISTED:
            listed.extend(_by_value(engine, part, MOST_LISTED - len(listed)))
    listed.sort(key=lambda each: (each.file, each.line or 0))
    return Rejects(by_reason, tuple(listed[:MOST_LISTED]))


def _broken(part: Part) -> Iterator[Reject]:
    for each in part.broken:
        line = original_line(part.table, each.line)
        yield Reject(part.table.label, line, "wrong_cells", "", each.text)


def _by_value(engine: Engine, part: Part, limit: int) -> list[Reject]:
    skipped = ", ".join(literal(reason) for reason in NOT_DATA)
    rows = engine.rows(
        f"""SELECT line, reject, coalesce(value, ''), raw FROM ({part.rows})
        WHERE reject IS NOT NULL AND reject NOT IN ({skipped}) LIMIT {limit}""",
        part.table.label,
    )
    if part.table.text is not None:
        lines = _locate(part, {raw for _line, _reason, _value, raw in rows})
        # rows with equal cells are all rejected: each takes the next line on which these cells stand
        rows = [(next(lines.get(raw, iter(())), None), reason, value, raw) for _line, reason, value, raw in rows]
    return [Reject(part.table.label, line, reason, _column(part, reason), value) for line, reason, value, _raw in rows]


def _column(part: Part, reason: str) -> str:
    roles = part.style.roles
    if reason in _DATE_REASONS:
        role = "purchased_at"
    elif reason == "bad_time":
        role = "purchased_time"
    else:
        role = "amount" if "amount" in roles else "price"
    return part.table.headings[roles[role]]


def _locate(part: Part, wanted: set[str]) -> dict[str, Iterator[int]]:
    """On which lines of the file these cells stand. One pass over the text, made only when rows were rejected."""
    table = part.table
    assert table.text is not None and table.dialect is not None
    delimiter = table.dialect.delimiter
    plain = {raw.replace(SEPARATOR, delimiter).encode(): raw for raw in wanted}
    found: dict[str, list[int]] = {raw: [] for raw in wanted}
    with table.text.path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if number <= table.prefix_lines:
                continue
            content = line.rstrip(b"\r\n")
            if b'"' in content and table.dialect.quoted:
                content = delimiter.join(cells_of(content.decode("utf-8"), table.dialect)).encode()
            raw = plain.get(content)
            if raw is not None:
                found[raw].append(original_line(table, number))
    return {raw: iter(lines) for raw, lines in found.items()}


def write_rejects(rejects: Rejects, target: Path) -> None:
    """Write the list as CSV for Excel, all at once or not at all. Raises `OutputError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as stream:
                _write(rejects, csv.writer(stream))
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            _("The list of rejected rows cannot be written to {file}: {error}.").format(
                file=target, error=error.strerror or error
            )
        ) from error


def _write(rejects: Rejects, writer: "csv._writer") -> None:  # type: ignore[name-defined]
    writer.writerow([_("file"), _("line"), _("column"), _("value"), _("reason")])
    for each in rejects.listed:
        writer.writerow(
            [_safe(each.file), each.line or "", _safe(each.column), _safe(each.value), describe_reason(each.reason)]
        )


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return "'" + text if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r") else text


def refusal(rejects: Rejects, rows_read: int, written_to: Path | None) -> TooManyRejects:
    """Why the reading stops, with the three commonest reasons and what to do."""
    first = _(
        "{rejected} of {rows} rows ({share}) cannot be used; {limit} is the limit. The commonest reasons:"
    ).format(
        rejected=format_number(rejects.total),
        rows=format_number(rows_read),
        share=format_percent(rejects.total / rows_read, 1),
        limit=format_percent(ACCEPTED_SHARE),
    )
    return _stopped(first, rejects, written_to, " " + _("To go on without these rows: --accept-rejects."))


def nothing_left(rejects: Rejects, rows_read: int, written_to: Path | None) -> TooManyRejects:
    """Why there is no history at all; no consent helps here."""
    first = ngettext(
        "The only row cannot be used. The reason:",
        "None of {rows} rows can be used. The commonest reasons:",
        rows_read,
    ).format(rows=format_number(rows_read))
    return _stopped(first, rejects, written_to, "")


def _stopped(first: str, rejects: Rejects, written_to: Path | None, last: str) -> TooManyRejects:
    lines = [first]
    for reason, count in rejects.by_reason.most_common(3):
        lines.append(f"  {format_number(count)}: {describe_reason(reason)}{_example(rejects, reason)}")
    if written_to is not None:
        lines.append(_("Every row with its reason is in {file}.").format(file=written_to))
    lines.append(_('If a column was taken for the wrong one, name the right one: --map role="heading".') + last)
    return TooManyRejects("\n".join(lines))


def _example(rejects: Rejects, reason: str) -> str:
    example = next((each for each in rejects.listed if each.reason == reason), None)
    if example is None:
        return ""
    place = _("line {line} of {file}").format(line=example.line or "?", file=example.file)
    shown = f"{example.column} = {example.value[:60]!r}" if example.column else repr(example.value[:60])
    return f" ({place}: {shown})"
