"""How it was read: rows, what was rejected and why, columns, and analyses that were left out."""

from pathlib import PurePath

from regulars.core.i18n import again
from regulars.core.i18n import gettext as _
from regulars.ingest.reasons import describe_notice, describe_reason
from regulars.report import names, words
from regulars.report.blocks import Block, Cell, Chapter, Column, Explained, Figure, Figures, Table, Text
from regulars.report.chapters.common import Context, number, table

_SHOWN = 50


def chapter(context: Context) -> Chapter:
    """The input."""
    reading = context.audit.reading
    blocks: list[Block] = [_figures(context)]
    if reading.reject_reasons:
        blocks.append(_rejects(context))
    if reading.notices:
        blocks.append(_notices(context))
    if reading.columns:
        blocks.append(_columns(context))
    blocks += _files(context)
    blocks.append(_skipped(context))
    return Chapter("reading", _("How was it read?"), _answer(context), tuple(blocks))


def _answer(context: Context) -> str:
    reading = context.audit.reading
    if reading.rows_rejected == 0 and reading.rows_repeated == 0:
        return _("Every one of {n} was accepted.").format(n=words.rows(reading.rows_read))
    return _("{accepted} of {read} were accepted; the rest is accounted for below.").format(
        accepted=words.count(reading.rows_accepted), read=words.rows(reading.rows_read)
    )


def _figures(context: Context) -> Figures:
    reading = context.audit.reading
    found = [
        (_("Rows read"), reading.rows_read, _("Every row of the files below the headings.")),
        (_("Accepted"), reading.rows_accepted, _("They make up the history.")),
        (_("Rejected"), reading.rows_rejected, _("Rows that cannot be understood; the reasons are below.")),
        (_("Repeated"), reading.rows_repeated, _("The same as a row that another of the files has given.")),
        (_("Without a customer"), reading.rows_without_customer, _("Accepted, but they name nobody.")),
    ]
    return Figures(
        tuple(
            Figure(label, words.count(rows), Explained(rule))
            for label, rows, rule in found
            if rows or label in {found[0][0], found[1][0], found[2][0]}
        )
    )


def _rejects(context: Context) -> Table:
    reading = context.audit.reading
    ordered = sorted(reading.reject_reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    note = ""
    if reading.rejects_file:
        note = _("Every rejected row with its reason is in {file}.").format(file=words.name(reading.rejects_file, 200))
    return table(
        _("Why rows were rejected"),
        [Column(_("Reason")), number(_("Rows"))],
        [
            (Cell(words.name(describe_reason(reason), 200), user=True), words.count(rows))
            for reason, rows in ordered[:_SHOWN]
        ],
        note=note,
    )


def _notices(context: Context) -> Table:
    reading = context.audit.reading
    return table(
        _("What you should know about the accepted rows"),
        [Column(_("Notice"))],
        # the sentence ends with an example from the user's own file
        [(Cell(words.name(describe_notice(notice), 300), user=True),) for notice in reading.notices[:_SHOWN]],
    )


def _columns(context: Context) -> Table:
    return table(
        _("Which column was taken for what"),
        [Column(_("Taken for")), Column(_("Heading in the file"))],
        [
            (names.role(role), Cell(words.name(heading), user=True))
            for role, heading in context.audit.reading.columns.items()
        ],
    )


def _files(context: Context) -> list[Block]:
    files = context.audit.reading.files
    if not files:
        return []
    shown = [(Cell(words.name(PurePath(file).name, 120), user=True),) for file in files[:_SHOWN]]
    note = ""
    if len(files) > _SHOWN:
        note = _("And {n} more.").format(n=words.count(len(files) - _SHOWN))
    return [table(_("Files"), [Column(_("File"))], shown, note=note)]


def _skipped(context: Context) -> Table | Text:
    skipped = context.audit.skipped
    title = _("Analyses that were left out")
    if not skipped:
        return Text((_("Every analysis could be made."),), title=title)
    return table(
        title,
        [Column(_("Analysis")), Column(_("Why"))],
        [(names.analysis(name), Cell(words.name(again(reason), 400))) for name, reason in skipped.items()],
    )
