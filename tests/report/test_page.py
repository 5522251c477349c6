import dataclasses
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from regulars.analytics.audit import Audit
from regulars.core.errors import OutputError
from regulars.core.i18n import use_language
from regulars.report import headlines, write_html
from regulars.report.page import render_page
from tools.messages import ROOT, extracted_catalogue, read_catalogue

CHAPTERS = [
    "have", "who", "profile", "worth", "spend", "lifecycle", "lost", "newcomers", "why", "change", "needs", "shelf",
    "demand", "service", "prices", "first", "raise_check", "reading", "methods",
]  # fmt: skip


class Page(HTMLParser):
    """Tags with their attributes, and the text that a person reads."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self._inside:
            self.texts.append(data.strip())

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def page_of(audit: Audit, language: str = "en") -> Page:
    with use_language(language):
        return Page(render_page(audit))


@pytest.fixture(scope="module")
def english(whole: Audit) -> Page:
    return page_of(whole)


def test_every_audit_becomes_a_small_page_without_anything_from_outside(any_audit: Audit, tmp_path: Path) -> None:
    write_html(any_audit, tmp_path / "report.html", language="ru")
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    assert page.all("html") == [{"lang": "ru"}]
    assert len(source.encode()) < 1_000_000
    assert [anchor["id"] for anchor in page.all("section")] == ["headlines", *CHAPTERS]
    assert not {tag for tag, _attributes in page.tags} & {"script", "img", "iframe", "link", "object", "form", "base"}
    loaded = [attributes for _tag, attributes in page.tags if attributes.keys() & {"src", "srcset"}]
    links = [attributes["href"] for attributes in page.all("a")]
    assert loaded == []
    assert all(link and link.startswith("#") for link in links)
    assert "url(" not in source
    assert "@import" not in source
    assert not re.search(r"\bnan\b|\binf\b|None", page.text)


def test_the_language_of_the_page_is_named(english: Page) -> None:
    assert english.all("html") == [{"lang": "en"}]


def test_the_page_forbids_what_it_does_not_need(english: Page) -> None:
    policy = next(meta["content"] for meta in english.all("meta") if meta.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_names_stay_text(hostile: Audit) -> None:
    page = page_of(hostile, "ru")
    handlers = [name for _tag, attributes in page.tags for name in attributes if name.startswith("on")]
    assert handlers == []
    assert "<script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=alert(1)>' in page.text
    assert "{{ 7*7 }} {% raw %} {name} %s %(a)s" in page.text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", page.text)
    assert max(map(len, re.findall("x+", page.text))) < 300


def test_ids_are_unique_and_links_lead_to_them(english: Page) -> None:
    ids = [attributes["id"] for _tag, attributes in english.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(link["href"])[1:] for link in english.all("a")} <= set(ids)


def test_headings_go_down_one_step_at_a_time(english: Page) -> None:
    levels = [int(tag[1]) for tag, _attributes in english.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(following - level <= 1 for level, following in pairwise(levels))


def test_tables_and_drawings_can_be_read_aloud(english: Page) -> None:
    assert len(english.all("caption")) == len(english.all("table")) > 20
    assert all(cell.get("scope") in {"col", "row"} for cell in english.all("th"))
    drawings = english.all("svg")
    assert len(drawings) == 20
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawings)


def test_each_drawing_comes_for_a_desk_and_for_a_phone(english: Page) -> None:
    widths = [str(svg["class"]).split()[-1] for svg in english.all("svg")]
    assert widths == ["wide", "narrow"] * (len(widths) // 2)


def test_every_number_of_a_chapter_has_its_rule(whole: Audit) -> None:
    with use_language("en"):
        source = render_page(whole)
    figures = re.findall(r'<div class="figure">(.*?)</div>\s*(?=<div class="figure">|</div>)', source, re.DOTALL)
    assert len(figures) > 20
    assert [figure for figure in figures if 'class="rule"' not in figure] == []


def test_the_people_behind_a_number_are_listed_and_the_whole_list_is_named(whole: Audit, english: Page) -> None:
    richest = whole.people("state:lost").limit(20).customer_id.to_pyarrow().to_pylist()
    assert all(customer in english.texts for customer in richest)
    assert "The whole list: sheet “Lost, all” of the workbook, or state = lost in customers.parquet." in english.texts


def test_what_cannot_be_answered_is_said_with_its_reason(tiny: Audit) -> None:
    text = page_of(tiny).text
    assert tiny.skipped
    assert "Not enough data." in text
    assert all(" ".join(reason.split())[:300] in text for reason in tiny.skipped.values())


def test_the_headlines_are_on_the_first_page(whole: Audit, english: Page) -> None:
    start, end = english.text.index("Audit of the customer base"), english.text.index("What do we have? From")
    first = english.text[start:end]
    with use_language("en"):
        values = [line.value for line in headlines(whole) if line.id not in {"states", "revenue_change"}]
    assert [value for value in values if value not in first] == []


def strings_of_the_report() -> set[str]:
    """English sentences of this package that Russian says in other words."""
    russian = read_catalogue("ru")
    found = set()
    for message in extracted_catalogue():
        mine = any("report/" in place for place, _line in message.locations)
        text = message.id[0] if message.pluralizable else message.id
        translation = russian.get(text, message.context)
        if mine and text and translation is not None and text not in translation.string:
            found.add(text.partition("{")[0].strip())
    return {text for text in found if len(text.split()) >= 3}


def test_a_russian_page_has_no_english_sentence(whole: Audit, tiny: Audit) -> None:
    sentences = strings_of_the_report()
    assert len(sentences) > 150
    for audit in (whole, tiny):
        # why an analysis was left out is said in the language of the audit
        text = page_of(dataclasses.replace(audit, skipped={}), "ru").text
        assert [sentence for sentence in sentences if sentence in text] == []
        # a Russian date ends with a full stop of its own
        assert ".." not in text


def test_an_english_page_has_no_russian_letter(whole: Audit) -> None:
    assert re.findall("[а-яёА-ЯЁ]+", page_of(whole, "en").text) == []


def test_the_style_keeps_out_of_the_templates() -> None:
    # Babel would take the braces of a style sheet for those of a template
    assert not list((ROOT / "src/regulars/report/templates").glob("*.css"))


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    whole: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("old")

    def full(*_args: object, **_options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="No space left"):
        write_html(whole, tmp_path / "report.html")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "old"
