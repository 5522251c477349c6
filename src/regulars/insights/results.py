"""The folder of an audit: all numbers, the table of customers, and its pages in every language, ready to show."""

import dataclasses
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
from django.conf import settings
from markupsafe import Markup

from regulars.analytics.audit import Audit
from regulars.analytics.findings import Finding
from regulars.analytics.rollup import Rollup
from regulars.core.i18n import LANGUAGES, again, use_language
from regulars.core.i18n import gettext as _
from regulars.insights.groups import group_titles, groups_of, needs_of, why_no_needs
from regulars.insights.models import AuditRun
from regulars.insights.periods import days_of
from regulars.report import page as report
from regulars.report import write_customers, write_json
from regulars.report.blocks import Chapter
from regulars.report.chapters import first, lifecycle
from regulars.report.chapters.common import Context, likely
from regulars.report.chapters.spend import COULD_COME_MORE_OFTEN
from regulars.report.sentences import action, sentence
from regulars.report.sentences.sentence import strength
from regulars.report.sentences.titles import title as short_title

CUSTOMERS = "customers.parquet"
GROUPS = "groups.parquet"
NEEDS = "needs.parquet"
DAYS = "days.parquet"
PERIODS = "periods.json"
_INDEX = "index"


class Page(SimpleNamespace):
    """A piece of a page as it was written down: the attributes are those of `report.blocks`.

    What an older version did not write is empty, so that its pages still open.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return ""


def folder_of(run: AuditRun) -> Path:
    """Where the results of a finished run lie."""
    return Path(settings.AUDITS_ROOT) / run.folder


def write_results(audit: Audit, rollup: Rollup, folder: Path, *, periods: dict[str, Any]) -> None:
    """All that an audit leaves behind; `rollup` is of the same history and day."""
    write_json(audit, folder / "audit.json")
    write_customers(audit, folder / CUSTOMERS)
    groups_of(audit, rollup).to_parquet(folder / GROUPS)
    if (needs := needs_of(audit)) is not None:
        needs.to_parquet(folder / NEEDS)
    days_of(rollup).to_parquet(folder / DAYS)
    (folder / PERIODS).write_text(json.dumps(periods), encoding="utf-8")
    for language in LANGUAGES:
        with use_language(language):
            _write_pages(audit, folder / language)


def with_lists(audit: Audit) -> Audit:
    """The audit whose table of customers also knows who could come more often: a list that is no finding."""
    if audit.visit_period is None:
        return audit
    people = audit.visit_period.frequent_potential.select("customer_id", could=True)
    rows = audit.customers.left_join(people, "customer_id").drop("customer_id_right")
    none = ibis.literal([], type="array<string>")
    more = ibis.ifelse(rows.could.fill_null(False), ibis.literal([COULD_COME_MORE_OFTEN], type="array<string>"), none)
    rows = rows.mutate(findings=rows.findings.fill_null(none).concat(more)).drop("could")
    return dataclasses.replace(audit, customers=rows.cache())


def index_of(run: AuditRun, language: str) -> Page:
    """The first page: `tiles`, `stripe`, `change`, `opportunities`, `parts` with their chapters' ids, and `lists`."""
    return _read(str(folder_of(run)), language, _INDEX)


def chapter_of(run: AuditRun, language: str, chapter: str) -> Page | None:
    """One chapter with its blocks; None when there is no such."""
    known = {one.id for part in index_of(run, language).parts for one in part.chapters}
    return _read(str(folder_of(run)), language, chapter) if chapter in known else None


def periods_of(run: AuditRun) -> dict[str, Any]:
    """The figures of the owner's periods, by the period's name."""
    found: dict[str, Any] = json.loads((folder_of(run) / PERIODS).read_text(encoding="utf-8"))
    return found


def _write_pages(audit: Audit, folder: Path) -> None:
    folder.mkdir()
    context = Context.of(audit)
    parts = report.parts(context)
    words, waterfall = report.change(context)
    index = {
        "tiles": [_plain(tile) for tile in report.tiles(audit)],
        "stripe": _plain(lifecycle.stripe(context)),
        "change": {"words": words, "bars": _plain(waterfall)},
        "opportunities": _plain(first.bars(context, with_people=True)),
        "parts": [
            {"id": part.id, "question": part.question, "chapters": [_heading(one) for one in part.chapters]}
            for part in parts
        ],
        "lists": dict(_lists(context)),
        "no_needs": why_no_needs(context) if needs_of(audit) is None else "",
    }
    _write(folder / _INDEX, index)
    for part in parts:
        for chapter in part.chapters:
            _write(folder / chapter.id, _plain(chapter))


def _write(path: Path, content: Any) -> None:
    text = json.dumps(_said_again(content), ensure_ascii=False)
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def _said_again(content: Any) -> Any:
    """The audit has said its reasons in one language: here is the other."""
    if isinstance(content, dict):
        return {name: _said_again(one) for name, one in content.items()}
    if isinstance(content, list):
        return [_said_again(one) for one in content]
    return again(content)


def _heading(chapter: Chapter) -> dict[str, str]:
    return {"id": chapter.id, "question": chapter.question, "answer": chapter.answer}


def _lists(context: Context) -> Iterator[tuple[str, dict[str, str]]]:
    """What is to be said of the lists that only this audit knows: findings and opportunities."""
    for item in context.audit.opportunities.items:
        words = {} if item.finding is None else _finding_words(context, item.finding)
        money = {"value": context.purse.about(item.money.value), "interval": likely(context.purse.range(item.money))}
        yield f"opportunity:{item.id}", {"title": first.title(item), "text": "", "action": "", **words, **money}
    words = {"title": _("Spend much, come rarely"), "action": _("Invite them to come more often.")}
    text = _("Mean check in the top quarter, and longer between visits than the median customer.")
    yield f"finding:{COULD_COME_MORE_OFTEN}", {**words, "text": text, "value": "", "interval": ""}
    for finding in context.audit.reasons.findings:
        if finding.people is not None:
            yield f"finding:{finding.id}", {**_finding_words(context, finding), "value": "", "interval": ""}

    for list_id, title in group_titles(context):
        yield list_id, {"title": title, "text": "", "action": "", "value": "", "interval": ""}


def _finding_words(context: Context, finding: Finding) -> dict[str, str]:
    text, purse = sentence(finding, context.purse), context.purse
    try:
        title = short_title(finding)
    except KeyError:  # a finding that is to be known, not to be acted upon, has no short form
        title = text
    return {"title": title, "text": f"{text} {strength(finding)}.", "action": action(finding, purse)}


def _plain(value: Any) -> Any:
    """Blocks of the report as JSON values, with what they compute of themselves."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        for name in ("kind", "style", "width"):
            if isinstance(extra := getattr(value, name, None), str):
                found[name] = extra
        return found
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@lru_cache(maxsize=64)
def _read(folder: str, language: str, name: str) -> Page:
    # a finished folder never changes, so it may be remembered
    text = (Path(folder) / language / f"{name}.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    lists = {key: Page(**words) for key, words in raw.pop("lists", {}).items()}
    found: Page = json.loads(json.dumps(raw), object_hook=_piece)
    found.lists = lists
    return found


def _piece(members: dict[str, Any]) -> Page:
    if members.get("kind") == "picture":
        # drawn by us and read from our own folder
        members |= {name: Markup(members[name]) for name in ("wide", "narrow")}  # noqa: S704
    return Page(**members)
