"""Documents do not lie: links lead somewhere, every page can be reached, the tutorials run."""

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import regulars

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TUTORIALS = sorted(ROOT.glob("docs/tutorial/*.md"))
FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<title>.+)$", re.MULTILINE)


def prose_of(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def links_of(page: Path) -> Iterator[tuple[Path, str]]:
    """The file and the anchor of every link that stays inside the project."""
    for match in LINK.finditer(prose_of(page)):
        target, _, anchor = match["target"].partition("#")
        if not re.match(r"(https?|mailto):", match["target"]):
            yield (page.parent / target).resolve() if target else page, anchor


def anchors_of(page: Path) -> set[str]:
    titles = (match["title"] for match in HEADING.finditer(prose_of(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links_of(page):
        assert target.exists(), f"no such file: {target.relative_to(ROOT)}"
        assert not anchor or anchor in anchors_of(target), f"no heading #{anchor} in {target.relative_to(ROOT)}"


def test_every_page_of_the_documents_can_be_reached_from_their_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, waiting = {index}, [index]
    while waiting:
        for target, _ in links_of(waiting.pop()):
            if target.suffix == ".md" and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert set(ROOT.glob("docs/**/*.md")) - reached == set()


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda path: path.name)
def test_a_tutorial_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    """`sh` and `python` blocks run in order in one empty folder; other blocks show what comes out."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    interpreters = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    for fence in FENCE.finditer(page.read_text()):
        if command := interpreters.get(fence["language"]):
            run = subprocess.run(
                [*command, fence["code"]], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, f"{fence['code']}\n{run.stdout}\n{run.stderr}"


def test_the_examples_in_docstrings_hold() -> None:
    tried = 0
    for info in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not info.name.endswith("__main__"):
            outcome = doctest.testmod(importlib.import_module(info.name))
            assert outcome.failed == 0, info.name
            tried += outcome.attempted
    assert tried > 0
